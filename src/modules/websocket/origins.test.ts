import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../../config/errors.ts";
import { Simulation } from "../../gateway/simulation.fixture.ts";
import { answering, response } from "../../gateway/wire.fixture.ts";

type Row = readonly [what: string, rules: string, host: string, origin: string | null, allowed: boolean];

/** `origin`: the field's value, or whole lines; null for none. */
const rows: readonly Row[] = [
  ["the same host", "same", "a.example", "https://a.example", true],
  ["the same host on another port", "same", "a.example:8443", "http://a.example:3000", true],
  ["the same host in other letters", "same", "A.Example", "https://a.EXAMPLE", true],
  ["the same host with the root's dot", "same", "a.example", "https://a.example.", true],
  ["the same host, asked for with the root's dot", "same", "a.example.", "https://a.example", true],
  ["the same address of IPv6", "same", "[::1]:8080", "http://[::1]:3000", true],
  ["another address of IPv6", "same", "[::1]", "http://[::2]", false],
  ["a host that begins with the same", "same", "a.example", "https://a.example.evil.test", false],
  ["a host that ends with the same", "same", "a.example", "https://evila.example", false],
  ["a host below the same", "same", "a.example", "https://b.a.example", false],
  ["the same host as user of another", "same", "a.example", "https://a.example@evil.test", false],
  ["the same host as password", "same", "a.example", "https://x:a.example@evil.test", false],
  ["the same host as path", "same", "a.example", "https://evil.test/a.example", false],
  ["the same host as fragment", "same", "a.example", "https://evil.test#a.example", false],
  ["the same host behind a backslash", "same", "a.example", "https://evil.test\\a.example", false],
  ["the same host with a path", "same", "a.example", "https://a.example/", false],
  ["the same host without a scheme", "same", "a.example", "a.example", false],
  ["the same host without a scheme's name", "same", "a.example", "//a.example", false],
  ["a sandboxed page", "same", "a.example", "null", false],
  ["a sandboxed page, and a host of that name", "same null", "null", "null", false],
  ["a file", "same", "a.example", "file://", false],
  ["an empty field", "same none", "a.example", "", false],
  ["two origins in one field", "same", "a.example", "https://a.example https://evil.test", false],
  ["a list of origins", "same", "a.example", "https://a.example, https://evil.test", false],
  ["two fields", "same", "a.example", "Origin: https://a.example\r\nOrigin: https://evil.test\r\n", false],
  [
    "two fields that are the same",
    "same",
    "a.example",
    "Origin: https://a.example\r\nOrigin: https://a.example\r\n",
    false,
  ],
  ["no field", "same", "a.example", null, false],
  ["no field where that may be", "none same", "a.example", null, true],
  ["another host where only none may be", "none", "a.example", "https://a.example", false],
  ["a name", "b.example", "a.example", "https://b.example", true],
  ["the own host where only another may be", "b.example", "a.example", "https://a.example", false],
  ["a name in other letters", "B.example", "a.example", "https://b.EXAMPLE:1", true],
  ["a mask", "*.b.example", "a.example", "https://x.y.b.example", true],
  ["the bare name of a mask", "*.b.example", "a.example", "https://b.example", false],
  ["the bare name of a mask with a dot", ".b.example", "a.example", "https://b.example", true],
  ["a name that a mask's name ends", "*.b.example", "a.example", "https://evilb.example", false],
  ["a mask at the end", "www.b.*", "a.example", "https://www.b.test", true],
  ["a label that is empty", "*.b.example", "a.example", "https://.b.example", false],
  ["labels that are empty", "*.b.example", "a.example", "https://x..b.example", false],
  ["an expression", "~^[ab]\\.example$", "c.example", "https://B.example", true],
  ["a host that an expression does not match", "~^[ab]\\.example$", "c.example", "https://c.example", false],
  ["a scheme and a port that an expression does not see", "~^b\\.example$", "a", "wss://b.example:99", true],
  ["an extension by its id", "abcdefgh", "a.example", "chrome-extension://abcdefgh", true],
  ["a name in letters of its own", "xn--bcher-kva.example", "a", "https://xn--bcher-kva.example", true],
  ["bytes beyond ASCII", "~.", "a.example", "https://b\xfccher.example", false],
  ["an escaped dot", "b.example", "a.example", "https://b%2eexample", false],
  ["a port that is none", "same", "a.example", "https://a.example:x", false],
  ["a name without end", "~.", "a.example", `https://${"a".repeat(300)}`, false],
];

const handshake = (host: string, origin: string | null): string => {
  const lines = origin === null ? "" : origin.startsWith("Origin:") ? origin : `Origin: ${origin}\r\n`;
  return `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n${lines}\r\n`;
};

async function begin(inner: string): Promise<Simulation> {
  const http = `server { listen 10.0.0.1:80; location / { ${inner} proxy_pass http://10.0.0.9:9000; } }`;
  const simulation = await Simulation.start({ http });
  await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", "in")));
  return simulation;
}

const statusOf = async (simulation: Simulation, request: string): Promise<string> =>
  (await simulation.ask(request)).startLine.slice(9, 12);

const refusals = ({ errorLines }: Simulation): string[] =>
  errorLines.filter((line) => line.includes("websocket_origin"));

describe("websocket_origin", () => {
  for (const [what, rules, host, origin, allowed] of rows) {
    test(`"${rules}" ${allowed ? "lets in" : "refuses"} ${what}`, async () => {
      const simulation = await begin(`websocket_origin ${rules};`);
      assert.equal(await statusOf(simulation, handshake(host, origin)), allowed ? "200" : "403");
      assert.equal(refusals(simulation).filter((line) => line.includes("[error]")).length, allowed ? 0 : 1);
      await simulation.finish();
    });
  }

  test("adds up over several lines, and says in the log who was refused", async () => {
    const simulation = await begin("websocket_origin same; websocket_origin b.example;");
    assert.equal(await statusOf(simulation, handshake("a", "http://a")), "200");
    assert.equal(await statusOf(simulation, handshake("a", "http://b.example")), "200");
    assert.equal(await statusOf(simulation, handshake("a", "http://evil.test")), "403");
    assert.match(refusals(simulation)[0] ?? "", /handshake from origin "http:\/\/evil\.test" forbidden/);
    await simulation.finish();
  });

  test("holds for whatever names a WebSocket, and for nothing else", async () => {
    const simulation = await begin("websocket_origin same;");
    const evil = handshake("a", "http://evil.test");
    assert.equal(await statusOf(simulation, evil.replace("Upgrade: websocket\r\n", "")), "200");
    assert.equal(await statusOf(simulation, evil.replace("Upgrade: websocket", "Upgrade: h2c")), "200");
    for (const other of ["Upgrade: h2c, WebSocket", "Upgrade: h2c\r\nUpgrade: websocket"]) {
      assert.equal(await statusOf(simulation, evil.replace("Upgrade: websocket", other)), "403");
    }
    assert.equal(await statusOf(simulation, evil.replace("Connection: upgrade\r\n", "")), "403");
    await simulation.finish();
  });

  test("is not passed by with satisfy any", async () => {
    const simulation = await begin("websocket_origin same; satisfy any; allow all; auth_basic a;");
    assert.equal(await statusOf(simulation, handshake("a", "http://evil.test")), "403");
    await simulation.finish();
  });

  test("is read as server_name, but for what an origin's comparison leaves out", async () => {
    for (const rule of ["https://a.example", "a.example:80", "a.*.example", '""', "~", "~(", "*"]) {
      await assert.rejects(begin(`websocket_origin ${rule};`), ConfigError, rule);
    }
  });
});
