import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../../gateway/simulation.fixture.ts";
import { answering, response } from "../../gateway/wire.fixture.ts";
import { VirtualClock } from "../../net/memory/clock.ts";
import { LearnedSessions, sessionBytes, sessionTable } from "./sticky-sessions.ts";

const zoneSize = 32_768;

function setUp(timeoutMs = 1000): { clock: VirtualClock; learned: LearnedSessions; other: LearnedSessions } {
  const clock = new VirtualClock(0, (error) => assert.fail(String(error)));
  const region = new SharedArrayBuffer(sessionBytes(zoneSize));
  const [learned, other] = [1, 2].map(
    (worker) => new LearnedSessions({ table: sessionTable(region, zoneSize, worker) }, timeoutMs, clock),
  );
  return { clock, learned: learned!, other: other! };
}

test("what one worker has learned, others know", () => {
  const { learned, other } = setUp();
  const route = "0123456789abcdef0123456789abcdef";
  learned.learn("a", route);
  learned.learn("b".repeat(5000), "r2");
  assert.equal(other.find("a"), route);
  assert.equal(other.find("b".repeat(5000)), "r2");
  assert.equal(other.find("b".repeat(4999)), null);
});

test("a session is known until it was not used for its timeout", () => {
  const { clock, learned } = setUp();
  learned.learn("a", "r1");
  clock.moveTo(900);
  learned.prolong("a");
  clock.moveTo(1800);
  assert.equal(learned.find("a"), "r1", "looking is no use");
  clock.moveTo(1900);
  learned.prolong("a");
  assert.equal(learned.find("a"), null);
});

test("a session may move to another server", () => {
  const { learned } = setUp();
  learned.learn("a", "r1");
  learned.learn("a", "r2");
  assert.equal(learned.find("a"), "r2");
});

test("in a full zone the session unused for longest makes room", () => {
  const { learned } = setUp();
  const known = Array.from({ length: 200 }, (_, index) => `session ${index}`);
  for (const id of known) {
    learned.learn(id, "r1");
    learned.find("session 0");
  }
  const left = known.filter((id) => learned.find(id) !== null);
  assert.ok(left.length > 50 && left.length < 150, String(left.length));
  assert.deepEqual(left, ["session 0", ...known.slice(1 - left.length)]);
});

const config = `
  upstream app {
    server 10.0.0.9:9000; server 10.0.0.9:9001;
    sticky learn create=$upstream_http_x_sid lookup=$arg_sid zone=sessions:64k;
  }
  server {
    listen 10.0.0.1:80;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $http_connection;
    location / { proxy_pass http://app; }
  }`;

const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";

test("the session of a tunnel is known while the tunnel is open, and after a reload", async () => {
  const simulation = await Simulation.start({ http: config });
  const open =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Sid: s1\r\n\r\n";
  const first = await simulation.origin(9000, (wire) => answering(wire, () => open));
  await simulation.origin(9001, (wire) => answering(wire, () => response("200 OK", "second")));
  const client = simulation.client();
  client.send(`GET / HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
  await simulation.until(
    () => client.take({ headOnly: true }) !== null && simulation.gateway.tunnels.size === 1,
  );
  await simulation.configure(config);
  for (const count of [2, 3]) {
    const again = simulation.client();
    again.send(`GET /?sid=s1 HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    await simulation.until(() => simulation.gateway.tunnels.size === count);
  }
  assert.equal(first.wires.length, 3);
  await simulation.finish();
});

test("answers that begin another session do not prolong the one that was asked for", async () => {
  const learning = config.replace("zone=", "timeout=2s zone=");
  const simulation = await Simulation.start({ http: learning });
  const sid = (id: string): string => `HTTP/1.1 200 OK\r\nX-Sid: ${id}\r\nContent-Length: 0\r\n\r\n`;
  let next: Buffer | string = sid("s9");
  let served = 0;
  for (const port of [9000, 9001]) {
    await simulation.origin(port, (wire) =>
      answering(wire, () => {
        served = port;
        return next;
      }),
    );
  }
  const asked = async (path: string): Promise<boolean> => {
    await simulation.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    return served === 9000;
  };
  assert.equal(await asked("/"), true);
  next = response("200 OK", "none");
  for (let times = 0; times < 5; times++) {
    await simulation.advance(1500);
    assert.equal(await asked("/?sid=s9"), true, "prolonged by answers without a session");
  }
  next = sid("s8");
  await simulation.advance(1500);
  assert.equal(await asked("/?sid=s9"), true);
  await simulation.advance(600);
  const after = [await asked("/?sid=s9"), await asked("/?sid=s9")];
  assert.ok(after.includes(false), "nobody is bound by a session that is over");
  await simulation.finish();
});
