import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import { answering, incomplete } from "../wire.fixture.ts";

/** What does not depend on the answer: a tunnel must tell of it as any other request does. */
const variables = [
  "request",
  "request_method",
  "request_uri",
  "uri",
  "args",
  "is_args",
  "arg_room",
  "arg_none",
  "server_protocol",
  "scheme",
  "host",
  "http_host",
  "server_name",
  "remote_addr",
  "remote_user",
  "connection_requests",
  "request_length",
  "request_filename",
  "request_id",
  "request_body",
  "content_length",
  "http_cookie",
  "cookie_sid",
  "http_x_twice",
  "http_x_latin",
  "http_none",
  "proxy_host",
  "proxy_port",
  "upstream_addr",
  "upstream_bytes_sent",
  "limit_rate",
  "pipe",
  "mapped",
  "chosen",
  "unused",
  "id",
  "captured",
];

function configuration(more = "", format = variables): string {
  const text = format.map((name) => `${name}=\${${name}}`).join("|");
  return `
  log_format all '${text}';
  access_log all.log all;
  proxy_read_timeout 9s;
  map $http_upgrade $mapped { default plain; websocket "so: $arg_room"; }
  map $pipe $captured { default "$1 and $2"; }
  upstream origin { server 10.0.0.8:9000 down; server 10.0.0.9:9000; keepalive 4; }
  server {
    listen 10.0.0.1:80;
    server_name "~^(?<id>[a-z]+)\\.example$";
    if ($arg_room = never) { set $unused 1; }
    location ~ ^/(room|hall)/(.*)$ {
      set $chosen "$mapped, $1";
      set $limit_rate 4k;
      rewrite ^/hall/(.*)\\.old$ /room/$1?new=1;
      proxy_pass http://origin;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      ${more}
    }
  }`;
}

const fields =
  'Upgrade: websocket\r\nConnection: upgrade\r\nCookie: a=1; sid=xyz\r\nX-Twice: one\r\nx-TWICE:  two\r\nX-Latin: \xe9\\"\x7f\r\n';

const answers = {
  tunnel:
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nX-Own: it\r\n\r\n",
  plain: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Own: it\r\n\r\n",
};

/** The access log's lines for one request of a simulation of its own. */
async function linesFor(http: string, answer: keyof typeof answers, request: string): Promise<Simulation> {
  const simulation = await Simulation.start({ http, weather: stillWeather });
  await simulation.origin(9000, (wire) =>
    answering(wire, () => {
      if (answer === "tunnel") wire.onBytes = null;
      return Buffer.from(answers[answer]);
    }),
  );
  const client = simulation.client();
  client.endsAlong = false;
  client.send(Buffer.from(request, "latin1"));
  await simulation.until(() => client.take() !== incomplete);
  await simulation.advance(10_000);
  client.end();
  await simulation.finish();
  assert.equal(simulation.accessLines.length, 2);
  return simulation;
}

const requests: Record<string, string> = {
  "a usual one": `GET /room/7?room=a%20b HTTP/1.1\r\nHost: chat.example\r\n${fields}\r\n`,
  "without arguments": `GET /room/ HTTP/1.1\r\nHost: chat.example\r\n${fields}\r\n`,
  "with an empty query": `GET /room/x? HTTP/1.1\r\nHost: chat.example\r\n${fields}\r\n`,
  "a path that is normalised": `GET //room/./%61/../b%25?room=1#end HTTP/1.1\r\nHost: chat.example\r\n${fields}\r\n`,
  "the absolute form": `GET http://Chat.example:80/room/1?room=2 HTTP/1.1\r\nHost: other\r\n${fields}\r\n`,
  "several spaces": `GET   /room/1   HTTP/1.1\r\nHost: CHAT.example:8080\r\n${fields}\r\n`,
  "a rewritten URI": `GET /hall/1.old?room=5 HTTP/1.1\r\nHost: chat.example\r\n${fields}\r\n`,
  "with a body": `POST /room/1 HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 4\r\n${fields}\r\nbody`,
  "with a body in chunks": `POST /room/1 HTTP/1.1\r\nHost: chat.example\r\nTransfer-Encoding: chunked\r\n${fields}\r\n4\r\nbody\r\n0\r\n\r\n`,
};

for (const [name, request] of Object.entries(requests)) {
  test(`a tunnel's line tells of its request what any line does: ${name}`, async () => {
    const [tunnel, plain] = await Promise.all([
      linesFor(configuration(), "tunnel", request),
      linesFor(configuration(), "plain", request),
    ]);
    const withoutId = (line: string): string => line.replace(/request_id=[0-9a-f]{32}/, "request_id");
    const [, expected] = plain.accessLines;
    assert.match(expected!, /chosen=so: .*room\|.*id=chat/);
    assert.equal(withoutId(tunnel.accessLines[1]!), withoutId(expected!));
  });
}

test("a value that was computed before the tunnel opened stays as it was", async () => {
  const http = configuration("add_header X-Id $request_id; set $unused $request_id;", [
    "unused",
    "request_id",
  ]);
  const { accessLines } = await linesFor(http, "tunnel", requests["a usual one"]!);
  const [, unused, id] = /^unused=(.*)\|request_id=(.*)$/.exec(accessLines[1]!)!;
  assert.match(id!, /^[0-9a-f]{32}$/);
  assert.equal(unused, id);
});

test("a tunnel's line tells of the answer, and of how it ended", async () => {
  const names = ["status", "upstream_status", "request_time", "request_completion", "sent_http_connection"];
  const { accessLines, errorLines } = await linesFor(
    configuration("", names),
    "tunnel",
    requests["a usual one"]!,
  );
  assert.equal(
    accessLines[1],
    "status=101|upstream_status=101|request_time=9.000|request_completion=OK|sent_http_connection=upgrade",
  );
  const line = errorLines.find((text) => text.includes("timed out"))!;
  const where =
    'client: 127.0.0.1, server: ~^(?<id>[a-z]+)\\.example$, request: "GET /room/7?room=a%20b HTTP/1.1"';
  const upstream = 'upstream: "http://10.0.0.9:9000/room/7?room=a%20b", host: "chat.example"';
  const websocket =
    'websocket: closed by gateway, code: 1001, reason: "proxy_read_timeout 9s", cause: "proxy_read_timeout 9s at ';
  assert.ok(line.includes(`while proxying upgraded connection, ${where}, ${upstream}, ${websocket}`), line);
});

test("the answer's fields are kept where a variable asks for them", async () => {
  const http = configuration("add_header X-Added $arg_room always;", [
    "upstream_http_x_own",
    "sent_http_x_own",
    "sent_http_x_added",
  ]);
  const { accessLines } = await linesFor(http, "tunnel", requests["the absolute form"]!);
  assert.equal(accessLines[1], "upstream_http_x_own=it|sent_http_x_own=it|sent_http_x_added=2");
});
