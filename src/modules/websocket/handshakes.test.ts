import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Simulation } from "../../gateway/simulation.fixture.ts";
import { answering, response } from "../../gateway/wire.fixture.ts";
import { acceptFor } from "../../websocket/accept.ts";

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const handshake = (path: string, more = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${more}\r\n`;

/** A server that accepts handshakes, and answers everything else with what it got. */
async function begin(http: string): Promise<Simulation> {
  const simulation = await Simulation.start({ http });
  await simulation.origin(9000, (wire) =>
    answering(wire, ({ startLine, fields }) => {
      if (/websocket/i.test(fields.get("upgrade") ?? "")) {
        const accepts = startLine.endsWith("HTTP/1.1") && fields.get("connection") === "upgrade";
        assert.ok(accepts, `a handshake: ${startLine}, ${fields.get("connection")}`);
        return (
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          `Sec-WebSocket-Accept: ${acceptFor(fields.get("sec-websocket-key")!)}\r\n\r\n`
        );
      }
      const names = ["upgrade", "connection", "x-one"].filter((name) => fields.has(name));
      return response("200 OK", `${startLine} ${names.map((name) => `${name}=${fields.get(name)}`).join()}`);
    }),
  );
  return simulation;
}

const server = (inner: string): string => `server { listen 10.0.0.1:80; ${inner} }`;
const pass = "proxy_pass http://10.0.0.9:9000;";

async function answerOf(simulation: Simulation, request: string): Promise<string> {
  const { startLine, body } = await simulation.ask(request);
  return `${startLine.slice(9, 12)} ${body.toString()}`.trim();
}

const warnings = ({ errorLines }: Simulation): string[] =>
  errorLines.filter((line) => line.includes("[warn]"));

describe("websocket on", () => {
  const passedOn: readonly (readonly [what: string, directives: string])[] = [
    ["by itself", ""],
    [
      "whatever the fields say",
      'proxy_set_header Connection ""; proxy_set_header Upgrade ""; proxy_set_header X-One 1;',
    ],
    ["beside the recipe", 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'],
    ["whatever the version", "proxy_http_version 1.0;"],
  ];
  for (const [what, directives] of passedOn) {
    test(`passes handshakes on ${what}`, async () => {
      const simulation = await begin(server(`location / { websocket on; ${directives} ${pass} }`));
      assert.equal(await answerOf(simulation, handshake("/")), "101");
      assert.deepEqual(warnings(simulation), []);
      await simulation.finish();
    });
  }

  test("leaves other requests as they are, also such as only look like handshakes", async () => {
    const simulation = await begin(
      `websocket on; ${server(`location / { proxy_set_header Connection keep-alive; proxy_set_header X-One 1; ${pass} }`)}`,
    );
    const plain = "connection=keep-alive,x-one=1";
    assert.equal(
      await answerOf(simulation, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
      `200 GET /a HTTP/1.1 ${plain}`,
    );
    const lookalikes = [
      handshake("/b").replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n"),
      handshake("/b").replace("HTTP/1.1", "HTTP/1.0"),
      handshake("/b").replace("Upgrade: WebSocket", "Upgrade: h2c"),
      handshake("/b").replace("keep-alive, Upgrade", "keep-alive"),
    ];
    for (const request of lookalikes) {
      assert.match(await answerOf(simulation, request), new RegExp(`^200 (GET|POST) /b HTTP/1.1 ${plain}$`));
    }
    await simulation.finish();
  });
});

describe("websocket auto", () => {
  test("warns of a location that loses handshakes, once a minute, with file, line and cure", async () => {
    const simulation = await begin(server(`location /lost {\n ${pass} }\n location /other { ${pass} }`));
    for (let times = 0; times < 3; times++) {
      assert.match(await answerOf(simulation, handshake("/lost")), /^200 /);
    }
    const [line = "", ...more] = warnings(simulation);
    assert.deepEqual(more, []);
    assert.match(line, /passed on without "Upgrade" by location "\/lost" at \/simulated\/nginx\.conf:1, /);
    assert.match(line, /"websocket on;"/);
    await simulation.advance(59_000);
    await answerOf(simulation, handshake("/lost"));
    assert.equal(warnings(simulation).length, 1);
    await simulation.advance(2_000);
    await answerOf(simulation, handshake("/lost"));
    assert.equal(warnings(simulation).length, 2);
    await answerOf(simulation, handshake("/other"));
    assert.match(warnings(simulation)[2] ?? "", /location "\/other" at \/simulated\/nginx\.conf:3/);
    await simulation.finish();
  });

  test("says nothing where the recipe passes them on, nor of requests that are no handshakes", async () => {
    const recipe = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
    const simulation = await begin(server(`location / { ${pass} } location /ws { ${recipe} ${pass} }`));
    assert.equal(await answerOf(simulation, handshake("/ws")), "101");
    await answerOf(simulation, "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n");
    assert.deepEqual(warnings(simulation), []);
    await simulation.finish();
  });
});

test("websocket off is auto without the warning", async () => {
  const simulation = await begin(server(`websocket off; location / { ${pass} }`));
  assert.match(await answerOf(simulation, handshake("/")), /^200 /);
  assert.deepEqual(warnings(simulation), []);
  await simulation.finish();
});
