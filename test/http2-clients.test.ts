import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import http from "node:http";
import http2 from "node:http2";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { promisify } from "node:util";
import { listen, portOf } from "./support/backend.ts";
import { isOnPath, longhaul, repository, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePorts } from "./support/ports.ts";

const run = promisify(execFile);
const certificates = path.join(repository, "test/case-runner/certificates");
const mebibytes = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef");

interface Ports {
  readonly plain: number;
  readonly byName: number;
  readonly old: number;
  readonly backend: number;
}

function configOf({ plain, byName, old, backend }: Ports): string {
  const certificateOf = (name: string): string =>
    `ssl_certificate ${certificates}/${name}.crt; ssl_certificate_key ${certificates}/${name}.key;`;
  return `
    events { worker_connections 1024; }
    http {
      access_log logs/access.log;
      client_max_body_size 0;
      keepalive_requests 1000000;
      server {
        listen 127.0.0.1:${byName} ssl;
        server_name a.example;
        http2 on;
        ${certificateOf("a.example")}
        ssl_client_certificate ${certificates}/clients-ca.crt;
        ssl_verify_client optional;
        location / { return 200 "a $http2 $server_protocol $ssl_server_name $ssl_alpn_protocol $ssl_client_verify $ssl_client_s_dn"; }
      }
      server {
        listen 127.0.0.1:${byName} ssl;
        server_name b.example;
        ${certificateOf("b.example")}
        ssl_client_certificate ${certificates}/clients-ca.crt;
        ssl_verify_client optional;
        location / { return 200 "b $http2 $server_protocol"; }
      }
      server {
        listen 127.0.0.1:${old} ssl http2;
        ${certificateOf("localhost")}
        location / { return 200 "old $http2"; }
      }
      server {
        listen 127.0.0.1:${plain};
        http2 on;
        location / { proxy_pass http://127.0.0.1:${backend}; }
        location /streamed { proxy_pass http://127.0.0.1:${backend}; proxy_request_buffering off; proxy_http_version 1.1; }
        location /own { return 200 "own"; }
      }
    }`;
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

async function ask(
  session: http2.ClientHttp2Session,
  head: http2.OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Answer> {
  const stream = session.request(head, { endStream: body === undefined });
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const response = once(stream, "response");
  const ended = once(stream, "end");
  if (body !== undefined) stream.end(body);
  const [fields] = (await response) as [http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader];
  await ended;
  return { status: fields[":status"]!, body: Buffer.concat(chunks) };
}

async function close(session: http2.ClientHttp2Session): Promise<void> {
  const closed = once(session, "close");
  session.close();
  await closed;
}

/** What a server agrees on with a client that can do both. */
async function protocolFor(port: number, servername: string): Promise<string | false | null> {
  const offers = ["h2", "http/1.1"];
  const socket = tls.connect({ port, servername, ALPNProtocols: offers, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { alpnProtocol } = socket;
  socket.destroy();
  return alpnProtocol;
}

describe("real clients that speak HTTP/2", () => {
  let ports: Ports;
  let gateway: Gateway;
  const held: http.ServerResponse[] = [];
  const backend = http.createServer((request, response) => {
    if (request.url === "/held") held.push(response);
    else if (request.url === "/large") response.end(mebibytes);
    else request.pipe(response);
  });

  before(async () => {
    await listen(backend, 0);
    const [plain = 0, byName = 0, old = 0] = await freePorts(3);
    ports = { plain, byName, old, backend: portOf(backend) };
    gateway = await startGateway(longhaul, { config: configOf(ports), port: plain });
  });

  after(async () => {
    await gateway.stop();
    backend.closeAllConnections();
    backend.close();
  });

  test("get it by ALPN where the server of their name says so, or the address", async () => {
    assert.equal(await protocolFor(ports.byName, "a.example"), "h2");
    assert.equal(await protocolFor(ports.byName, "b.example"), "http/1.1");
    assert.equal(await protocolFor(ports.byName, "other.example"), "h2");
    assert.equal(await protocolFor(ports.old, "localhost"), "h2");
  });

  test("are known by their certificate, and get 421 for a server that was not negotiated", async () => {
    const session = http2.connect(`https://127.0.0.1:${ports.byName}`, {
      servername: "a.example",
      rejectUnauthorized: false,
      cert: readFileSync(path.join(certificates, "client-one.crt")),
      key: readFileSync(path.join(certificates, "client-one.key")),
    });
    const known = await ask(session, { ":path": "/", ":authority": "a.example" });
    assert.match(known.body.toString(), /^a h2 HTTP\/2\.0 a\.example h2 SUCCESS CN=/);
    assert.equal((await ask(session, { ":path": "/", ":authority": "b.example" })).status, 421);
    await close(session);
  });

  test("curl: large bodies both ways, on TLS and with prior knowledge", async () => {
    const file = path.join(gateway.directory, "upload");
    await writeFile(file, mebibytes);
    const curl = async (...args: readonly string[]): Promise<Buffer> => {
      const { stdout } = await run("curl", ["-sS", "--max-time", "30", ...args], {
        encoding: "buffer",
        maxBuffer: 8 * 1024 * 1024,
      });
      return stdout;
    };
    const plain = `http://127.0.0.1:${ports.plain}`;
    for (const location of ["/", "/streamed"]) {
      const echoed = await curl("--http2-prior-knowledge", "--data-binary", `@${file}`, plain + location);
      assert.ok(echoed.equals(mebibytes), location);
    }
    assert.ok((await curl("--http2-prior-knowledge", `${plain}/large`)).equals(mebibytes));
    assert.equal((await curl("--http1.1", `${plain}/own`)).toString(), "own");
    assert.equal((await curl("-k", "--http2", `https://127.0.0.1:${ports.old}/`)).toString(), "old h2");
  });

  test("node:http2: a hundred uploads at once, each with its own echo", async () => {
    const session = http2.connect(`http://127.0.0.1:${ports.plain}`);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => {
        const body = Buffer.alloc(1000 * index, String(index));
        return ask(session, { ":path": index % 2 === 0 ? "/x" : "/streamed", ":method": "POST" }, body);
      }),
    );
    for (const [index, { status, body }] of answers.entries()) {
      assert.equal(status, 200);
      assert.ok(body.equals(Buffer.alloc(1000 * index, String(index))), `body ${index}`);
    }
    await close(session);
  });

  test("h2load: no request fails, also while the configuration is read anew", async (t) => {
    if (!isOnPath("h2load")) return t.skip("h2load is not installed");
    const args = ["-n", "20000", "-c", "4", "-m", "100", `http://127.0.0.1:${ports.plain}/own`];
    const loaded = run("h2load", args, { timeout: 60_000 });
    process.kill(gateway.pid, "SIGHUP");
    const { stdout } = await loaded;
    assert.match(stdout, /20000 succeeded, 0 failed, 0 errored, 0 timeout/);
  });

  test("at SIGQUIT the streams that are open go on to their ends, and no new ones come", async () => {
    const session = http2.connect(`http://127.0.0.1:${ports.plain}`);
    const idle = http2.connect(`http://127.0.0.1:${ports.plain}`);
    await ask(idle, { ":path": "/own" });
    const answered = ask(session, { ":path": "/held" });
    while (held.length === 0) await once(backend, "request");
    const idleClosed = once(idle, "close");
    const leaving = once(session, "goaway");
    process.kill(gateway.pid, "SIGQUIT");
    await Promise.all([idleClosed, leaving]);
    const sessionClosed = once(session, "close");
    held[0]!.end("late");
    assert.equal((await answered).body.toString(), "late");
    await sessionClosed;
  });
});
