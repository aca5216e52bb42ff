import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { test } from "node:test";
import type { Selection } from "../src/gateway/balance/balancer.ts";
import { PeerSet } from "../src/gateway/balance/peer-set.ts";
import {
  balanceRequest,
  CONSISTENT_HASH,
  HASH,
  LEAST_CONN,
  peerOptions as peer,
  ROUND_ROBIN,
  seededNumbers,
} from "../src/gateway/balance/peer.fixture.ts";
import type { Peer } from "../src/gateway/balance/peer.ts";
import { nginxMissing, scratchFolder, startNginx, upstreamBlock } from "./balance-harness.ts";

const STEPS = 250;
const NOBODY = "no live upstreams";

const PEERS = [
  { weight: 3, maxConns: 4 },
  { weight: 1, maxConns: 0 },
  { weight: 2, maxConns: 3 },
  { weight: 1, maxConns: 1 },
];
const LIMITED = PEERS.map((each) => ({ ...each, maxConns: each.maxConns || 2 }));

/** A peer that keeps every request waiting until it is told to answer. */
async function holdingPeer(path: string, onRequest: (name: string, socket: Socket) => void): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => onRequest(`unix:${path}`, socket));
  });
  server.listen(path);
  server.unref();
  await once(server, "listening");
  return server;
}

interface Held {
  readonly selection: Selection;
  readonly chosen: Peer;
  readonly upstream: Socket;
  readonly client: Socket;
}

test(
  "peers that hold connections are taken as in nginx",
  { skip: nginxMissing ?? false, timeout: 60_000 },
  async (context) => {
    const folder = scratchFolder();
    let arrived: (name: string, socket: Socket) => void = () => {};
    const servers = await Promise.all(
      PEERS.map((_, at) => holdingPeer(`${folder}/${at}`, (name, socket) => arrived(name, socket))),
    );
    const runs = [ROUND_ROBIN, LEAST_CONN, HASH, CONSISTENT_HASH].flatMap((method) =>
      [PEERS, LIMITED].map((limits, at) => ({
        upstream: `${method.name}_${at}`,
        method,
        peers: limits.map((options, place) => peer(`unix:${folder}/${place}`, options)),
      })),
    );
    await using nginx = await startNginx(
      folder,
      [
        ...runs.map((run) => upstreamBlock(run.upstream, run.method.directive, run.peers)),
        `server { listen unix:${folder}/front.sock;`,
        ...runs.map(({ upstream }) => `location /${upstream} { proxy_pass http://${upstream}; }`),
        "}",
      ].join("\n"),
    );

    /** Sends a request; tells where it arrived, or that nginx found nobody. */
    const open = (path: string): Promise<{ name: string; upstream: Socket | null; client: Socket }> =>
      new Promise((resolve) => {
        const client = connect({ path: nginx.socket });
        arrived = (name, upstream) => resolve({ name, upstream, client });
        client.once("data", () => resolve({ name: NOBODY, upstream: null, client }));
        client.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      });

    /** Lets the peer answer, and waits until nginx is through with it. */
    const answer = async ({ client, upstream }: Held): Promise<void> => {
      upstream.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
      await once(client, "close");
    };

    for (const { upstream, method, peers } of runs) {
      await context.test(
        `${upstream}, max_conns ${peers.map((each) => each.maxConns).join(" ")}`,
        async () => {
          const balancer = method.balancer(PeerSet.of(peers));
          const number = seededNumbers(upstream.length);
          const held: Held[] = [];
          for (let step = 0; step < STEPS; step++) {
            if (held.length > 0 && number(5) < 2) {
              const done = held.splice(number(held.length), 1)[0]!;
              await answer(done);
              done.selection.release(done.chosen, "ok");
              continue;
            }
            const key = number(1000).toString();
            const selection = balancer.begin(balanceRequest(key));
            const chosen = selection.next();
            const theirs = await open(`/${upstream}?k=${key}`);
            assert.equal(chosen?.name ?? NOBODY, theirs.name, `step ${step}, ${held.length} held`);
            if (chosen === null || theirs.upstream === null) theirs.client.destroy();
            else held.push({ selection, chosen, upstream: theirs.upstream, client: theirs.client });
          }
          for (const each of held) await answer(each);
        },
      );
    }
    for (const server of servers) server.close();
  },
);
