/** QUIT, with clients in every state: what each of them gets, and that the process ends for all that. */
import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { isAlive } from "./operations/processes.ts";
import { until } from "./operations/until.ts";
import { close, listen, portOf } from "./support/backend.ts";
import { longhaul, products, startGateway } from "./support/gateway.ts";
import type { Product } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const limitMs = 30_000;
/** Larger than all buffers on the way. */
const largeBytes = 33_554_432;

const host = "Host: a\r\n";
const own = `GET /own HTTP/1.1\r\n${host}\r\n`;
const upload = `POST /buffered HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\nabc`;

interface Case {
  readonly name: string;
  readonly sends: string;
  /** Sent after QUIT. */
  readonly completes?: string;
  /** It takes nothing. */
  readonly stalls?: true;
  /** Its answers, whole. */
  readonly gets: RegExp;
}

const kept = /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: keep-alive\r\n[^]*\r\nown$/;
const lastOwn = /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*\r\nown$/;
const lastProxied = /^HTTP\/1\.1 200 OK\r\n[^]*\r\nConnection: close\r\n[^]*\r\n(2\r\n)?ok/;
const nothing = /^$/;

const cases: readonly Case[] = [
  { name: "has only just come", sends: "", gets: nothing },
  { name: "has only just come, and asks", sends: "", completes: own, gets: lastOwn },
  { name: "is kept", sends: own, gets: kept },
  { name: "is kept, and has begun to ask", sends: `${own}GET /o`, gets: kept },
  { name: "has sent half a line", sends: "GET /ow", gets: nothing },
  { name: "has sent half a head", sends: "GET /own HTTP/1.1\r\nHo", gets: nothing },
  {
    name: "sends the rest of its head",
    sends: "GET /own HTTP/1.1\r\nHo",
    completes: "st: a\r\n\r\n",
    gets: lastOwn,
  },
  { name: "has sent half a body", sends: upload, gets: nothing },
  {
    name: "has sent half a body that is passed on",
    sends: upload.replace("buffered", "passed"),
    gets: nothing,
  },
  { name: "sends the rest of its body", sends: upload, completes: "defghij", gets: lastProxied },
  {
    name: "has sent half a chunk",
    sends: `POST /buffered HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n5\r\nab`,
    gets: nothing,
  },
  { name: "waits for its answer", sends: `GET /late HTTP/1.1\r\n${host}\r\n`, gets: lastProxied },
  { name: "has asked ahead", sends: `GET /late HTTP/1.1\r\n${host}\r\n${own}`, gets: lastProxied },
  {
    name: "waits in vain",
    sends: `GET /never HTTP/1.1\r\n${host}\r\n`,
    gets: /^HTTP\/1\.1 504 [^]*\r\nConnection: close\r\n/,
  },
  {
    name: "takes nothing of its answer",
    sends: `GET /large HTTP/1.1\r\n${host}\r\n`,
    stalls: true,
    gets: nothing,
  },
];

/** Answers by path; late ones when told. */
class Origin {
  readonly late: http.ServerResponse[] = [];
  asked = 0;
  private readonly server = http.createServer((request, response) => {
    this.asked += 1;
    if (request.url === "/large") response.end(Buffer.alloc(largeBytes, "x"));
    else if (request.url === "/late") this.late.push(response);
    else if (request.url === "/never") request.resume();
    else request.resume().on("end", () => response.end("ok"));
  });

  async start(t: TestContext): Promise<number> {
    await listen(this.server, 0);
    t.after(async () => {
      this.server.closeAllConnections();
      await close(this.server);
    });
    return portOf(this.server);
  }
}

class Client {
  text = "";
  readonly spec: Case;
  readonly socket: net.Socket;
  readonly ended: Promise<void>;

  constructor(spec: Case, port: number) {
    this.spec = spec;
    this.socket = net.connect({ port, host: "127.0.0.1" });
    this.ended = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("error", () => undefined);
    if (spec.stalls === true) this.socket.pause();
    else this.socket.setEncoding("latin1").on("data", (chunk: string) => (this.text += chunk));
    this.socket.write(spec.sends);
  }
}

async function stop(t: TestContext, product: Product, workers: number, more: string): Promise<Client[]> {
  const origin = new Origin();
  const originPort = await origin.start(t);
  const port = await freePort();
  const config = `worker_processes ${workers}; ${more} events {} http {
    access_log off; client_header_timeout 2s; client_body_timeout 2s; send_timeout 2s; proxy_read_timeout 2s;
    server {
      listen 127.0.0.1:${port};
      location /own { return 200 own; }
      location /passed { proxy_pass http://127.0.0.1:${originPort}; proxy_request_buffering off; }
      location / { proxy_pass http://127.0.0.1:${originPort}; }
    } }`;
  const gateway = await startGateway(product, { config, port });
  t.after(() => gateway.stop());
  const clients = cases.map((spec) => new Client(spec, port));
  t.after(() => clients.forEach(({ socket }) => socket.destroy()));
  const answered = clients.filter(({ spec }) => spec.gets === kept);
  await until("what is under way", limitMs, () => {
    return origin.late.length === 2 && answered.every(({ text }) => text.endsWith("own")) ? true : null;
  });
  process.kill(gateway.pid, "SIGQUIT");
  await clients.find(({ spec }) => spec.name === "is kept")!.ended;
  // The others learn of it each for itself.
  if (workers > 1) {
    await until("the word of all workers", limitMs, () =>
      gateway.log().match(/gracefully shutting down/g)?.length === workers ? true : null,
    );
  }
  for (const { spec, socket } of clients) if (spec.completes !== undefined) socket.write(spec.completes);
  for (const response of origin.late) response.end("ok");
  await until("the end of the process", limitMs, () =>
    /#\d+: exit$/m.test(gateway.log()) || !isAlive(gateway.pid) ? true : null,
  );
  await Promise.all(clients.filter(({ spec }) => spec.stalls !== true).map(({ ended }) => ended));
  return clients;
}

for (const product of products()) {
  for (const workers of product.name === longhaul.name ? [1, 2] : [1]) {
    describe(`QUIT of ${product.name} with ${workers} worker${workers === 1 ? "" : "s"}`, () => {
      test("gives everyone the time that its timeout gives it", { timeout: 60_000 }, async (t) => {
        for (const { spec, text } of await stop(t, product, workers, "")) {
          assert.match(text, spec.gets, `a client that ${spec.name}`);
        }
      });

      test("ends sooner with worker_shutdown_timeout", { timeout: 60_000 }, async (t) => {
        const clients = await stop(t, product, workers, "worker_shutdown_timeout 1s;");
        for (const { spec, text } of clients) {
          if (spec.name !== "waits in vain") assert.match(text, spec.gets, `a client that ${spec.name}`);
        }
      });
    });
  }
}
