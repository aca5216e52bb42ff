import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Fields } from "../src/http/fields.ts";
import { LoopbackClient, LoopbackServer } from "../src/http2/loopback.fixture.ts";
import { http2Options } from "../src/http2/options.ts";

const run = promisify(execFile);
const mebibyte = Buffer.alloc(1024 * 1024, "0123456789abcdef");

/** A program's path, or null; what is missing is told. */
function installed(program: string, ...probe: readonly string[]): string | null {
  if (spawnSync(program, probe, { stdio: "ignore" }).status === 0) return program;
  console.error(`# ${program} ${probe.join(" ")}: not installed, its tests are SKIPPED`);
  return null;
}

const curl = installed("curl", "--version");
const nghttp = installed("nghttp", "--version");
const h2load = installed("h2load", "--version");
const python = installed("/usr/bin/python3", "-c", "import h2");

interface Gathered {
  readonly status: number;
  readonly body: string;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly interim: number[];
}

/** A request by node:http2. */
async function ask(
  session: http2.ClientHttp2Session,
  head: http2.OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Gathered> {
  const stream = session.request(head, { endStream: body === undefined });
  const interim: number[] = [];
  let trailers: http2.IncomingHttpHeaders = {};
  stream.on("headers", (fields) => interim.push(Number(fields[":status"])));
  stream.on("trailers", (fields) => (trailers = fields));
  if (body !== undefined) stream.end(body);
  const response = once(stream, "response");
  const ended = once(stream, "end");
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [fields] = (await response) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
  await ended;
  return { status: fields[":status"]!, body: Buffer.concat(chunks).toString(), trailers, interim };
}

describe("our server", () => {
  const server = new LoopbackServer({
    ...http2Options,
    requestHead: { ...http2Options.requestHead, extendedConnect: true },
  });
  let port = 0;
  before(async () => {
    port = await server.listen();
  });
  after(() => server.close());

  it("serves node:http2: bodies, trailers, interim heads, many streams, extended CONNECT", async () => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const [settings] = (await once(session, "remoteSettings")) as [http2.Settings];
    assert.equal(settings.maxConcurrentStreams, 128);
    const large = await ask(session, { ":path": "/bytes/3000000" });
    assert.equal(large.body.length, 3_000_000);
    const echo = await ask(session, { ":path": "/echo", ":method": "POST" }, mebibyte);
    assert.equal(echo.body, mebibyte.toString());
    assert.equal(echo.trailers["x-bytes"], String(mebibyte.length));
    assert.deepEqual((await ask(session, { ":path": "/early" })).interim, [103]);
    const many = await Promise.all(
      Array.from({ length: 100 }, (_, i) => ask(session, { ":path": `/bytes/${i}` })),
    );
    assert.deepEqual(
      many.map(({ body }) => body.length),
      Array.from({ length: 100 }, (_, i) => i),
    );
    const tunnel = await ask(
      session,
      {
        ":method": "CONNECT",
        ":protocol": "websocket",
        ":scheme": "http",
        ":path": "/chat",
        ":authority": "a",
      },
      Buffer.from("frames"),
    );
    assert.deepEqual([tunnel.status, tunnel.body], [200, "frames"]);
    session.close();
    await once(session, "close");
    assert.equal(server.events.at(-1)?.failure, null);
    assert.equal(server.sessions.at(-1)?.streams.size, 0);
  });

  it("takes a stream that node:http2 cancels, and goes on", async () => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":path": "/bytes/100000000" });
    await once(stream, "data");
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await once(stream, "close");
    assert.equal((await ask(session, { ":path": "/bytes/5" })).body, "xxxxx");
    session.close();
    await once(session, "close");
  });

  it("takes leave of node:http2 without losing a request", async () => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    await once(session, "remoteSettings");
    const closed = once(session, "close");
    const answer = ask(session, { ":path": "/bytes/500000" });
    server.sessions.at(-1)!.drain();
    server.sessions.at(-1)!.flush();
    assert.equal((await answer).body.length, 500_000);
    await closed;
  });

  it("serves curl", { skip: curl === null }, async () => {
    const { stdout } = await run("curl", [
      "-s",
      "--http2-prior-knowledge",
      "-d",
      "hello",
      "-w",
      " %{http_version} %{http_code}",
      `http://127.0.0.1:${port}/echo`,
    ]);
    assert.equal(stdout, "hello 2 200");
  });

  it("serves nghttp", { skip: nghttp === null }, async () => {
    const { stdout } = await run("nghttp", [
      "-nv",
      "-m",
      "5",
      "-w",
      "20",
      `http://127.0.0.1:${port}/bytes/100000`,
    ]);
    assert.equal(stdout.match(/recv DATA frame .*flags=0x01|END_STREAM/g) !== null, true);
    assert.doesNotMatch(stdout, /\[ERROR\]|error_code=(?!NO_ERROR)/);
  });

  it("serves h2load, no request of 3000 failing", { skip: h2load === null }, async () => {
    const { stdout } = await run("h2load", [
      "-n",
      "3000",
      "-c",
      "3",
      "-m",
      "50",
      `http://127.0.0.1:${port}/bytes/100`,
    ]);
    assert.match(stdout, /3000 succeeded, 0 failed, 0 errored, 0 timeout/);
  });

  it("serves python's h2, which is strict", { skip: python === null }, async () => {
    const script = path.join(import.meta.dirname, "support", "http2-client.py");
    const { stdout } = await run(python!, [script, String(port)]);
    assert.equal(stdout.trim(), "200 65536 x-bytes=65536");
  });
});

describe("our client", () => {
  it("asks node:http2: bodies both ways, trailers, interim heads, many streams, GOAWAY", async () => {
    const server = http2.createServer();
    server.on("stream", (stream: http2.ServerHttp2Stream, head) => {
      stream.on("error", () => {});
      if (head[":path"] === "/early") stream.additionalHeaders({ ":status": 103, link: "a" });
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "yes" }));
      stream.pipe(stream);
    });
    const sessions: http2.ServerHttp2Session[] = [];
    server.on("session", (session) => sessions.push(session));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = new LoopbackClient((server.address() as AddressInfo).port, http2Options);
    const echo = await client.request("POST", "/", mebibyte);
    assert.equal(echo.body, mebibyte.toString());
    assert.equal(echo.trailers?.get("x-end"), "yes");
    const trailers = new Fields();
    trailers.add("x-sum", "1");
    assert.equal((await client.request("POST", "/", Buffer.from("abc"), trailers)).body, "abc");
    assert.deepEqual((await client.request("GET", "/early", null)).interim, [103]);
    const many = await Promise.all(
      Array.from({ length: 50 }, (_, i) => client.request("POST", "/", Buffer.from(`body ${i}`))),
    );
    assert.deepEqual(
      many.map(({ body }) => body),
      Array.from({ length: 50 }, (_, i) => `body ${i}`),
    );
    const closed = once(client.socket, "close");
    sessions[0]!.close();
    await closed;
    assert.equal(client.session.canOpen, false);
    assert.equal(client.session.failure, null);
    server.close();
  });

  it("and our server agree over a socket", async () => {
    const server = new LoopbackServer({ ...http2Options, initialWindowSize: 1000 });
    const client = new LoopbackClient(await server.listen(), { ...http2Options, initialWindowSize: 777 });
    const echo = await client.request("POST", "/", mebibyte);
    assert.equal(echo.body, mebibyte.toString());
    client.close();
    server.close();
  });
});
