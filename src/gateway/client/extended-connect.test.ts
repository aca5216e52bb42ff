import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Answer } from "../../http2/echo.fixture.ts";
import { acceptFor, isKey } from "../../websocket/accept.ts";
import { Simulation } from "../simulation.fixture.ts";
import { answering, response } from "../wire.fixture.ts";
import type { Message } from "../wire.fixture.ts";
import { Http2SimulatedClient } from "./http2-client.fixture.ts";
import { StreamClient } from "./stream-wire.fixture.ts";

const pass = "proxy_pass http://10.0.0.9:9000;";
const recipe = `${pass}
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;`;
const map = "map $http_upgrade $connection_upgrade { default upgrade; '' close; }";
const two = "upstream two { server 10.0.0.9:9000; server 10.0.0.9:9000 backup; }";
const both = "http2_extended_connect on; accept_extended_connect on;";

interface Outcome {
  readonly answer: Answer;
  /** What the server got; null: nothing. */
  readonly got: Message | null;
  readonly simulation: Simulation;
}

const switching = (fields: ReadonlyMap<string, string>, more = ""): string =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n` +
  `Sec-WebSocket-Accept: ${acceptFor(fields.get("sec-websocket-key") ?? "")}\r\n${more}\r\n`;

/** Sends one extended CONNECT to a server with that inside. */
async function open(
  inner: string,
  fields: Readonly<Record<string, string>> = {},
  serve: (request: Message) => string | Buffer = (request) => switching(request.fields),
  protocol = "websocket",
): Promise<Outcome> {
  const http = `${map} ${two} http2 on; server { listen 10.0.0.1:80; ${inner} }`;
  const simulation = await Simulation.start({ http });
  let got: Message | null = null;
  await simulation.origin(9000, (wire) =>
    answering(wire, (request) => {
      got = request;
      if (/websocket/i.test(request.fields.get("upgrade") ?? "")) wire.onBytes = null;
      return serve(request);
    }),
  );
  const opening = new StreamClient(simulation).open(
    { "sec-websocket-version": "13", ...fields },
    undefined,
    protocol,
  );
  await simulation.until(() => opening.answered);
  await simulation.advance(10);
  return { answer: opening.answer, got, simulation };
}

describe("an extended CONNECT", () => {
  const recipes: readonly (readonly [what: string, inner: string])[] = [
    ["with the recipe of nginx's documentation", `${both} location / { ${recipe} }`],
    [
      "accepted in a location",
      `http2_extended_connect on; location / { accept_extended_connect on; ${recipe} }`,
    ],
    ["by websocket on alone", `location / { websocket on; ${pass} }`],
    ["by websocket on in an inner location", `location / { ${pass} location / { websocket on; ${pass} } }`],
    [
      "where only handshakes are let in",
      `${both} location / { if ($http_upgrade != websocket) { return 403; } if ($http_connection !~* upgrade) { return 403; } ${recipe} }`,
    ],
    [
      "where other methods are refused",
      `${both} location / { if ($request_method !~ ^(GET|POST)$) { return 405; } ${recipe} }`,
    ],
    ["where limit_except lets GET in", `${both} location / { limit_except GET { deny all; } ${recipe} }`],
    ["after a rewrite", `${both} rewrite ^/$ /b?c last; location /b { ${recipe} }`],
  ];
  for (const [what, inner] of recipes) {
    test(`becomes a handshake of HTTP/1.1 ${what}`, async () => {
      const fields = { "sec-websocket-protocol": "chat", "sec-websocket-key": "mine", cookie: "a=b" };
      const { answer, got, simulation } = await open(inner, fields, (request) =>
        switching(request.fields, "Sec-WebSocket-Protocol: chat\r\nSet-Cookie: c=d\r\n"),
      );
      assert.match(got!.startLine, /^GET \S+ HTTP\/1\.1$/);
      assert.equal(got!.fields.get("upgrade"), "websocket");
      assert.equal(got!.fields.get("connection"), "upgrade");
      assert.equal(got!.fields.get("sec-websocket-version"), "13");
      assert.equal(got!.fields.get("sec-websocket-protocol"), "chat");
      assert.equal(got!.fields.get("cookie"), "a=b");
      assert.ok(isKey(got!.fields.get("sec-websocket-key")!));
      assert.ok(![...got!.fields.keys()].some((name) => name.startsWith(":")));
      assert.equal(answer.status, 200);
      const names = answer.fields!.lowerNames.filter((name) => !["server", "date"].includes(name));
      assert.deepEqual(names, ["sec-websocket-protocol", "set-cookie"]);
      await simulation.finish();
      assert.match(simulation.accessLines.at(-1)!, /^GET \S+ 200 0 101$/);
    });
  }

  test("tells in variables and logs what it was and what it is served as", async () => {
    const values =
      '"$request" "$request_method" "$http_upgrade" "$http_connection" "$server_protocol" "$scheme"';
    const { answer, simulation } = await open(
      `${both} location / { add_header X '${values}' always; return 404; }`,
    );
    assert.equal(
      answer.fields!.get("x"),
      '"CONNECT / HTTP/2.0" "GET" "websocket" "Upgrade" "HTTP/2.0" "http"',
    );
    await simulation.finish();
  });

  const answers: readonly (readonly [status: string, more: string])[] = [
    ["302 Found", "Location: https://elsewhere/\r\n"],
    ["401 Unauthorized", "WWW-Authenticate: Basic realm=a\r\n"],
    ["403 Forbidden", ""],
    ["426 Upgrade Required", "Sec-WebSocket-Version: 8\r\n"],
    ["503 Service Unavailable", "Retry-After: 3\r\n"],
  ];
  for (const [status, more] of answers) {
    test(`that the server answers with ${status} gets that, with fields and body`, async () => {
      const { answer, simulation } = await open(`${both} location / { ${recipe} }`, {}, () =>
        response(status, "no", more),
      );
      assert.equal(`${answer.status}`, status.slice(0, 3));
      assert.equal(answer.body, "no");
      const [name = "", value] = more.trim().split(": ");
      if (value !== undefined) assert.equal(answer.fields!.get(name.toLowerCase()), value);
      await simulation.finish();
    });
  }

  const refused: readonly (readonly [what: string, status: number, log: RegExp, inner: string])[] = [
    [
      "where it is not accepted",
      405,
      /extended CONNECT refused by location "\/a?" at \/simulated\/nginx\.conf:1: "accept_extended_connect on;"/,
      `http2_extended_connect on; location / { ${recipe} }`,
    ],
    [
      "where it is not announced",
      400,
      /unknown pseudo-header ":protocol"/,
      `accept_extended_connect on; location / { ${recipe} }`,
    ],
    [
      "where the gateway itself would answer with success",
      501,
      /status 200 but opens no WebSocket/,
      `${both} location / { return 200 x; }`,
    ],
    [
      "where a page for errors would be a success",
      501,
      /status 200 but opens no WebSocket/,
      `${both} error_page 405 =200 /e; location / { accept_extended_connect off; ${recipe} } location /e { return 200 x; }`,
    ],
  ];
  for (const [what, status, log, inner] of refused) {
    test(`is refused with ${status} ${what}`, async () => {
      const { answer, got, simulation } = await open(inner);
      assert.equal(answer.status, status);
      assert.equal(got, null);
      assert.ok(
        simulation.errorLines.some((line) => log.test(line)),
        simulation.errorLines.join("\n"),
      );
      assert.equal(simulation.gateway.tunnels.size, 0);
      await simulation.finish();
    });
  }

  test("for another protocol is refused with 501", async () => {
    const { answer, got, simulation } = await open(
      `${both} location / { ${recipe} }`,
      {},
      undefined,
      "connect-udp",
    );
    assert.equal(answer.status, 501);
    assert.equal(got, null);
    assert.ok(simulation.errorLines.some((line) => line.includes('unknown protocol "connect-udp"')));
    await simulation.finish();
  });

  test("that promises a length is malformed", async () => {
    const { answer, simulation } = await open(`${both} location / { ${recipe} }`, { "content-length": "3" });
    assert.equal(answer.status, 400);
    await simulation.finish();
  });

  const wrong: readonly (readonly [
    what: string,
    answer: (fields: ReadonlyMap<string, string>) => string,
    log: RegExp,
  ])[] = [
    [
      "a success without a switch",
      () => response("200 OK", "<html>").toString(),
      /status 200 but opens no WebSocket/,
    ],
    ["204", () => "HTTP/1.1 204 No Content\r\n\r\n", /status 204 but opens no WebSocket/],
    [
      "the wrong Sec-WebSocket-Accept",
      () => switching(new Map([["sec-websocket-key", "other"]])),
      /upstream sent 101 with an invalid "Sec-WebSocket-Accept"/,
    ],
    [
      "another protocol",
      (fields) => switching(fields).replace("WebSocket\r", "h2c\r"),
      /101 without "Upgrade: websocket"/,
    ],
    [
      "no Connection",
      (fields) => switching(fields).replace("Connection:", "X:"),
      /101 without "Connection: upgrade"/,
    ],
  ];
  for (const [what, serve, log] of wrong) {
    test(`that the server answers with ${what} fails with 502: a 200 would open a WebSocket`, async () => {
      const { answer, simulation } = await open(`${both} location / { ${recipe} }`, {}, ({ fields }) =>
        serve(fields),
      );
      assert.equal(answer.status, 502);
      assert.ok(
        simulation.errorLines.some((line) => log.test(line)),
        simulation.errorLines.join("\n"),
      );
      assert.equal(simulation.gateway.tunnels.size, 0);
      await simulation.finish();
      assert.match(simulation.accessLines.at(-1)!, / 502 /);
    });
  }

  test("goes to the next server when the first does not complete the handshake", async () => {
    let tries = 0;
    const { answer, simulation } = await open(
      `${both} location / { ${recipe.replace("10.0.0.9:9000", "two")} proxy_next_upstream invalid_header; }`,
      {},
      ({ fields }) => (++tries === 1 ? switching(new Map()) : switching(fields)),
    );
    assert.equal(tries, 2);
    assert.equal(answer.status, 200);
    await simulation.finish();
  });

  test("is announced by the servers that say so, and by those with websocket on", async () => {
    for (const [inner, announced] of [
      ["http2_extended_connect on;", true],
      ["location / { websocket on; }", true],
      ["location / { accept_extended_connect on; }", false],
      ["", false],
    ] as const) {
      const http = `http2 on; server { listen 10.0.0.1:80; ${inner} }`;
      const simulation = await Simulation.start({ http });
      const client = new Http2SimulatedClient(simulation);
      const asked = client.ask("/");
      await simulation.until(() => asked.done);
      assert.equal(client.session.peer.enableConnectProtocol, announced, inner);
      await simulation.finish();
    }
  });
});
