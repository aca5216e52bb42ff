import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { PeerSet } from "../src/gateway/balance/peer-set.ts";
import {
  balanceRequest,
  choices,
  CONSISTENT_HASH,
  HASH,
  IP_HASH,
  peerOptions as peer,
  seededNumbers,
} from "../src/gateway/balance/peer.fixture.ts";
import type { PeerOptions } from "../src/gateway/balance/peer.ts";
import { startGateway } from "../src/runtime/embed.ts";
import { ask, freePorts, nginxMissing, scratchFolder, startNginx, upstreamBlock } from "./balance-harness.ts";

const ADDRESSES = 10_000;

const METHODS = [{ ...CONSISTENT_HASH, directive: "hash $remote_addr consistent;" }, HASH, IP_HASH];

/** What Longhaul as a whole is asked: methods whose key can be told in the request. */
const SERVED = [CONSISTENT_HASH, HASH];

function clientAddresses(): string[] {
  const number = seededNumbers(2);
  const group = (): string => (1 + number(0xffff)).toString(16);
  return Array.from({ length: ADDRESSES }, (_, at) =>
    at % 10 === 9
      ? Array.from({ length: 8 }, group).join(":")
      : `${1 + number(223)}.${number(256)}.${number(256)}.${number(256)}`,
  );
}

function peerSets(ports: readonly number[], folder: string): Record<string, PeerOptions[]> {
  const at = (index: number): string => `127.0.0.1:${ports[index]}`;
  return {
    equal: ports.map((_, index) => peer(at(index))),
    weighted: [1, 2, 3, 5, 10, 1].map((weight, index) => peer(at(index), { weight })),
    mixed: [
      peer(`localhost:${ports[0]}`, { weight: 3 }),
      peer(at(1), { weight: 4, down: true }),
      peer(`LocalHost:${ports[2]}`),
      peer(`unix:${join(folder, "peer.sock")}`, { weight: 2 }),
      peer(at(3), { weight: 7, maxFails: 0 }),
      peer(at(4), { down: true }),
    ],
  };
}

/** A whole gateway over the same peers, on `folder`/longhaul.sock: also the blocks' text is read by Longhaul. */
function serve(
  folder: string,
  sets: readonly (readonly [string, PeerOptions[]])[],
): ReturnType<typeof startGateway> {
  const blocks = sets.flatMap(([set, peers]) =>
    SERVED.map(({ name, directive }) => upstreamBlock(`${set}_${name}`, directive, peers)),
  );
  const locations = sets.flatMap(([set]) =>
    SERVED.map(({ name }) => `location /${set}_${name} { proxy_pass http://${set}_${name}; }`),
  );
  const config = `events {} error_log stderr; http {
    access_log off; keepalive_requests 1000000; ${blocks.join("\n")}
    server { listen unix:${folder}/longhaul.sock; add_header X-Peer $upstream_addr always; ${locations.join("\n")} }
  }`;
  return startGateway({ config, prefix: folder });
}

test(
  "every client goes to the peer that nginx chooses",
  { skip: nginxMissing ?? false, timeout: 60_000 },
  async (context) => {
    const folder = scratchFolder();
    const ports = await freePorts(6);
    const sets = Object.entries(peerSets(ports, folder));
    const listens = ports.map((port) => `listen 127.0.0.1:${port};`).join(" ");
    const names = sets.flatMap(([set]) => METHODS.map((method) => `${set}_${method.name}`));
    await using nginx = await startNginx(
      folder,
      [
        ...sets
          .flatMap(([set, peers]) =>
            METHODS.map(({ name, directive }) => upstreamBlock(`${set}_${name}`, directive, peers)),
          )
          .map((block) => block.replace(/}\s*$/, "keepalive 8; keepalive_requests 1000000; }")),
        `server { ${listens} listen unix:${folder}/peer.sock; return 204; }`,
        `server { listen unix:${folder}/front.sock; add_header X-Peer $upstream_addr always;`,
        ...names.map((name) => `location /${name} { proxy_pass http://${name}; }`),
        "}",
      ].join("\n"),
    );
    const addresses = clientAddresses();
    const gateway = await serve(folder, sets);
    context.after(() => gateway.stop());
    for (const [set, peers] of sets) {
      for (const method of METHODS) {
        await context.test(`${set} peers, ${method.directive}`, async () => {
          const balancer = method.balancer(PeerSet.of(peers));
          const requests = addresses.map((address) => balanceRequest(address, address));
          const ours = choices(balancer, requests);
          const path = `/${set}_${method.name}?k=`;
          const questions = addresses.map((address) => ({ path: path + address, address }));
          const theirs = await ask(nginx.socket, questions);
          const different = addresses.flatMap((address, at) =>
            ours[at] === theirs[at] ? [] : [`${address}: ours ${ours[at]}, nginx's ${theirs[at]}`],
          );
          assert.deepEqual(different, []);
          if (!SERVED.some(({ name }) => name === method.name)) return;
          assert.deepEqual(await ask(`${folder}/longhaul.sock`, questions), theirs);
        });
      }
    }
  },
);
