import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Balancer, BalanceRequest } from "../src/gateway/balance/balancer.ts";
import { PeerSet } from "../src/gateway/balance/peer-set.ts";
import {
  balanceRequest,
  DETERMINISTIC,
  LEAST_CONN,
  peerOptions as peer,
  ROUND_ROBIN,
  seededNumbers,
  START_MS,
} from "../src/gateway/balance/peer.fixture.ts";
import type { PeerOptions } from "../src/gateway/balance/peer.ts";
import { ask, nginxMissing, scratchFolder, startNginx, upstreamBlock } from "./balance-harness.ts";

const PEERS_MAX = 40;
const GONE = "gone";

/** How a peer answers: 204, 500 or 404, by its letter in the question; "gone" refuses connections. */
function peerServers(folder: string): string {
  const servers = Array.from({ length: PEERS_MAX }, (_, at) =>
    [
      `server { listen unix:${folder}/${at};`,
      `if ($arg_o ~ "^.{${at}}f") { return 500; } if ($arg_o ~ "^.{${at}}n") { return 404; } return 204; }`,
    ].join(" "),
  );
  return servers.join("\n");
}

type Scenario = (server: (at: number | typeof GONE) => string) => PeerOptions[];

const SCENARIOS: Record<string, Scenario> = {
  weights: (server) =>
    [5, 1, 1].map((weight, at) => peer(server(at), { weight, maxFails: 2, failTimeoutMs: 1000 })),
  counted: (server) =>
    [1, 2, 3, 4].map((weight, at) => peer(server(at), { weight, maxFails: at, failTimeoutMs: 1000 })),
  patient: (server) =>
    [10, 20, 7, 3, 9].map((weight, at) => peer(server(at), { weight, maxFails: 6, failTimeoutMs: 1000 })),
  gone: (server) => [
    peer(server(0), { maxFails: 9, failTimeoutMs: 1000 }),
    peer(server(GONE), { weight: 3, maxFails: 4, failTimeoutMs: 1000 }),
    peer(server(2), { weight: 2, maxFails: 9, failTimeoutMs: 1000 }),
  ],
  down: (server) => [
    peer(server(0), { down: true }),
    peer(server(1), { maxFails: 3, failTimeoutMs: 1000, weight: 2 }),
    peer(server(2), { down: true, weight: 5 }),
    peer(server(3), { maxFails: 3, failTimeoutMs: 1000 }),
  ],
  single: (server) => [peer(server(0), { maxFails: 2, failTimeoutMs: 1000 })],
  singleDown: (server) => [peer(server(0), { down: true })],
  allDown: (server) => [peer(server(0), { down: true }), peer(server(1), { down: true })],
  many: (server) =>
    Array.from({ length: PEERS_MAX }, (_, at) =>
      peer(server(at), { weight: 1 + (at % 3), maxFails: 1 + (at % 4), failTimeoutMs: 1000 }),
    ),
  backup: (server) => [
    peer(server(0), { weight: 2, maxFails: 2, failTimeoutMs: 1000 }),
    peer(server(1), { backup: true, weight: 3, maxFails: 4, failTimeoutMs: 1000 }),
    peer(server(2), { maxFails: 2, failTimeoutMs: 1000 }),
    peer(server(3), { backup: true, maxFails: 4, failTimeoutMs: 1000 }),
  ],
  singleWithBackup: (server) => [
    peer(server(0), { maxFails: 3, failTimeoutMs: 1000 }),
    peer(server(1), { backup: true, maxFails: 5, failTimeoutMs: 1000 }),
  ],
};

interface Call {
  readonly key: string;
  readonly address: string;
  /** One letter for each peer: "f" fails with 500, "n" has nothing (404), "." serves. */
  readonly outcomes: string;
}

function calls(number: (limit: number) => number, count: number): Call[] {
  const letter = (): string => "ffn"[number(14)] ?? ".";
  return Array.from({ length: count }, () => ({
    key: number(1e6).toString(36),
    address: `${1 + number(220)}.${number(256)}.${number(256)}.${number(256)}`,
    outcomes: Array.from({ length: PEERS_MAX }, letter).join(""),
  }));
}

/** Walks one request through its peers as nginx's upstream does; returns its `$upstream_addr`. */
function walk(balancer: Balancer, request: BalanceRequest, outcomes: string, upstream: string): string {
  const selection = balancer.begin(request);
  const names: string[] = [];
  for (;;) {
    const chosen = selection.next();
    names.push(chosen?.name ?? upstream);
    if (chosen === null) break;
    const place = chosen.name.slice(chosen.name.lastIndexOf("/") + 1);
    const outcome = place === GONE ? GONE : outcomes[Number(place)];
    if (outcome === GONE) {
      selection.release(chosen, "failed");
      if (selection.tries === 0) break;
      continue;
    }
    // A response is passed over only while another peer may follow; the last one counts as served.
    if ((outcome !== "f" && outcome !== "n") || selection.tries <= 1) {
      selection.release(chosen, "ok");
      break;
    }
    selection.release(chosen, outcome === "f" ? "failed" : "skipped");
  }
  return names.join(", ");
}

test(
  "requests walk through failing peers as in nginx",
  { skip: nginxMissing ?? false, timeout: 60_000 },
  async (context) => {
    const folder = scratchFolder();
    const runs = Object.entries(SCENARIOS).flatMap(([scenario, make]) => {
      const peers = make((at) => `unix:${folder}/${at}`);
      return DETERMINISTIC.filter((method) => method.knowsBackup || !peers.some((each) => each.backup)).map(
        (method) => ({
          upstream: `${scenario}_${method.name}`,
          method,
          peers,
          balancer: method.balancer(PeerSet.of(peers)),
          number: seededNumbers(scenario.length * 31 + method.name.length),
          ours: new Array<string>(),
          theirs: new Array<string>(),
        }),
      );
    });
    await using nginx = await startNginx(
      folder,
      [
        peerServers(folder),
        ...runs.map((run) => upstreamBlock(run.upstream, run.method.directive, run.peers)),
        `server { listen unix:${folder}/front.sock; add_header X-Peer $upstream_addr always;`,
        "proxy_next_upstream error http_500 http_404;",
        ...runs.map(({ upstream }) => `location /${upstream} { proxy_pass http://${upstream}; }`),
        "}",
      ].join("\n"),
    );
    for (let burst = 0; burst < 3; burst++) {
      // Lets every fail_timeout of one second, counted in whole seconds, run out in nginx.
      if (burst > 0) await sleep(2_100);
      for (const run of runs) {
        const asked = calls(run.number, 80);
        const nowMs = START_MS + burst * 10_000;
        run.ours.push(
          ...asked.map(({ key, address, outcomes }) =>
            walk(run.balancer, balanceRequest(key, address, nowMs), outcomes, run.upstream),
          ),
        );
        const questions = asked.map(({ key, address, outcomes }) => ({
          path: `/${run.upstream}?k=${key}&o=${outcomes}`,
          address,
        }));
        run.theirs.push(...(await ask(nginx.socket, questions)));
      }
    }
    for (const { upstream, ours, theirs } of runs) {
      await context.test(upstream, () => assert.deepEqual(ours, theirs));
    }
  },
);

test(
  "idle peers are taken in nginx's order",
  { skip: nginxMissing ?? false, timeout: 60_000 },
  async (context) => {
    const folder = scratchFolder();
    const weightSets = [
      [1, 1, 1],
      [5, 1, 1],
      [1, 2, 3, 4],
      [7, 3],
      [10, 1, 10, 1, 4],
      [100, 1],
      Array.from({ length: PEERS_MAX }, (_, at) => 1 + (at % 7)),
    ];
    const runs = weightSets.flatMap((weights, set) =>
      [ROUND_ROBIN, LEAST_CONN].map((method) => ({
        upstream: `set${set}_${method.name}`,
        title: `${method.name} over ${weights.join(" ")}`,
        method,
        peers: weights.map((weight, at) => peer(`unix:${folder}/${at}`, { weight })),
      })),
    );
    await using nginx = await startNginx(
      folder,
      [
        peerServers(folder),
        ...runs.map((run) => upstreamBlock(run.upstream, run.method.directive, run.peers)),
        `server { listen unix:${folder}/front.sock; add_header X-Peer $upstream_addr always;`,
        ...runs.map(({ upstream }) => `location /${upstream} { proxy_pass http://${upstream}; }`),
        "}",
      ].join("\n"),
    );
    for (const { upstream, title, method, peers } of runs) {
      await context.test(title, async () => {
        const balancer = method.balancer(PeerSet.of(peers));
        const ours = Array.from({ length: 300 }, () => walk(balancer, balanceRequest(""), "", upstream));
        const questions = ours.map(() => ({ path: `/${upstream}`, address: "10.0.0.1" }));
        assert.deepEqual(ours, await ask(nginx.socket, questions));
      });
    }
  },
);
