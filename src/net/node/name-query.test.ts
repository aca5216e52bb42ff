import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { queryName, queryServices } from "./name-query.ts";
import { NameServer } from "./name-server.fixture.ts";

const nameServer = new NameServer(`
  both.test 127.0.0.1 127.0.0.2 ::1 ttl=7
  four.test 127.0.0.3 ttl=300
  broken.test servfail
  refused.test refused
  _http._tcp.app.test srv=10:5:8080:one.app.test srv=20:0:8081:two.app.test
`);
let servers: string[] = [];

before(async () => {
  servers = [`127.0.0.1:${await nameServer.listen()}`];
});
after(() => nameServer.close());

const options = { ipv4: true, ipv6: true, timeoutMs: 5000 };

test("addresses of both kinds, IPv4 first, with their shortest life", async () => {
  const answer = await queryName("both.test", { ...options, servers });
  assert.deepEqual(answer, { addresses: ["127.0.0.1", "127.0.0.2", "::1"], ttlSeconds: 7 });
});

test("one kind only", async () => {
  const four = await queryName("both.test", { ...options, servers, ipv6: false });
  assert.deepEqual(four.addresses, ["127.0.0.1", "127.0.0.2"]);
  const six = await queryName("both.test", { ...options, servers, ipv4: false });
  assert.deepEqual(six.addresses, ["::1"]);
});

test("a name that has addresses of one kind only is found", async () => {
  assert.deepEqual((await queryName("four.test", { ...options, servers })).addresses, ["127.0.0.3"]);
  await assert.rejects(queryName("four.test", { ...options, servers, ipv4: false }), { code: "ENOTFOUND" });
});

test("failures are told by code", async () => {
  await assert.rejects(queryName("none.test", { ...options, servers }), { code: "ENOTFOUND" });
  await assert.rejects(queryName("broken.test", { ...options, servers }), { code: "ESERVFAIL" });
  await assert.rejects(queryName("refused.test", { ...options, servers }), { code: "EREFUSED" });
});

test("the records of a service", async () => {
  assert.deepEqual(
    (await queryServices("_http._tcp.app.test", { ...options, servers })).toSorted(
      (one, other) => one.priority - other.priority,
    ),
    [
      { target: "one.app.test", port: 8080, priority: 10, weight: 5 },
      { target: "two.app.test", port: 8081, priority: 20, weight: 0 },
    ],
  );
  await assert.rejects(queryServices("four.test", { ...options, servers }), { code: "ENOTFOUND" });
  await assert.rejects(queryServices("broken.test", { ...options, servers }), { code: "ESERVFAIL" });
});
