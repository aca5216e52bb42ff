import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../simulation.fixture.ts";
import { answering, incomplete } from "../wire.fixture.ts";

/** Which location a tunnel to `path` of host `a` belongs to after a reload from one configuration to the other. */
async function settled(path: string, before: string, after: string): Promise<string> {
  const simulation = await Simulation.start({ http: withUpgrade(before) });
  await simulation.origin(9000, (wire) =>
    answering(wire, () => "HTTP/1.1 101 Hi\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"),
  );
  const client = simulation.client();
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n`);
  await simulation.until(() => client.take() !== incomplete);
  await simulation.configure(withUpgrade(after));
  const [tunnel] = simulation.gateway.tunnels;
  const { idleMs } = tunnel!.location.websocket;
  await simulation.finish();
  return `${idleMs / 1000}`;
}

const withUpgrade = (servers: string): string =>
  `proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; ${servers}`;
const server = (name: string, locations: string): string =>
  `server { listen 10.0.0.1:80; server_name ${name}; ${locations} }`;
const location = (name: string, seconds: number, inner = ""): string =>
  `location ${name} { proxy_pass http://10.0.0.9:9000; websocket_idle_timeout ${seconds}s; ${inner} }`;

test("a location is found again by its server's address and names, and by its own", async () => {
  const one = server("a", location("/x", 1)) + server("b", location("/x", 2));
  const other = server("b", location("/x", 4)) + server("a", location("/", 5) + location("/x", 3));
  assert.equal(await settled("/x/y", one, other), "3");
});

test("one inside another is looked for there", async () => {
  const before = server("a", location("/x", 1, location("~ y", 2)) + location("~ y", 3));
  const after = server("a", location("~ y", 5) + location("/x", 6, location("~ y", 7)));
  assert.equal(await settled("/x/y", before, after), "7");
});

test("one whose kind or server's name has changed is not found", async () => {
  const before = server("a", location("/x", 1));
  assert.equal(await settled("/x", before, server("a", location("= /x", 2))), "1");
  assert.equal(await settled("/x", before, server("a c", location("/x", 2))), "1");
});

test("an if block is told apart by its place among others", async () => {
  const block = (seconds: number): string =>
    location("/", 9, `if ($arg_a) { set $b 1; } if ($arg_c) { set $b 2; }`).replace("9s", `${seconds}s`);
  assert.equal(await settled("/?c=1", server("a", block(1)), server("a", block(2))), "2");
});
