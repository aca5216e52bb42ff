import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { grpcCases } from "./grpc-cases.ts";
import type { GrpcCase } from "./grpc-cases.ts";
import { products, startGateway } from "./support/gateway.ts";
import type { Gateway, Product } from "./support/gateway.ts";
import { ScriptedHttp2Server } from "./support/http2-server.ts";
import type { ServedRequest } from "./support/http2-server.ts";
import { freePorts } from "./support/ports.ts";

/** Case number N is the location /case-N; its server knows it by the path, or by `X-Case`. */
class Bench {
  port = 0;
  /** For clients that speak HTTP/2. */
  http2Port = 0;
  gateway: Gateway | null = null;
  private server: ScriptedHttp2Server | null = null;
  /** What the server got, by the number of the case. */
  readonly asked = new Map<number, string[]>();

  async start(product: Product): Promise<void> {
    [this.port, this.http2Port] = (await freePorts(2)) as [number, number];
    this.server = await ScriptedHttp2Server.start((request) => {
      const index = caseOf(request);
      this.asked.set(index, [...(this.asked.get(index) ?? []), this.textOf(request, index)]);
      return (
        grpcCases[index]!.answer ?? [
          ["headers", [[":status", "200"]]],
          ["data", "body", "END"],
        ]
      );
    });
    this.gateway = await startGateway(product, { config: this.config(), port: this.port });
  }

  async stop(): Promise<void> {
    await this.gateway?.stop();
    this.server?.stop();
  }

  private config(): string {
    const address = `127.0.0.1:${this.server!.port}`;
    const locations = grpcCases.map(({ location = "grpc_pass SERVER;" }, index) => {
      const directives = location.replaceAll("SERVER", address);
      return `location /case-${index} { ${directives} }`;
    });
    return `
      events {}
      http {
        access_log off;
        upstream calls { server ${address}; }
        upstream pair { server ${address}; server ${address} backup; }
        server {
          listen 127.0.0.1:${this.port};
          listen 127.0.0.1:${this.http2Port} http2;
          ${locations.join("\n")}
          location = /page { return 200 page; }
          location @away { default_type application/grpc; add_header grpc-status 14; return 204; }
        }
      }`;
  }

  private textOf({ fields, body }: ServedRequest, index: number): string {
    const text = [...fields, body].join(" | ");
    return text.replaceAll(`:${this.server!.port}`, ":S").replaceAll(`case-${index}`, "case");
  }

  /** What the error log says of a case: what was wrong, and the server. */
  logOf(index: number): string {
    const lines = this.gateway!.log().split("\n");
    const own = lines.filter((line) => /\[(?:error|crit)\]/.test(line) && line.includes(`/case-${index}`));
    return own
      .map((line) => /\*\d+ (.*?), client: /.exec(line)?.[1] ?? "")
      .filter((words) => words !== "upstream sent invalid header while reading response header from upstream")
      .join(" / ");
  }
}

function caseOf({ fields }: ServedRequest): number {
  const [, index] = /case-(\d+)/.exec(fields.join(" ")) ?? [];
  assert.ok(index !== undefined, fields.join(" "));
  return Number(index);
}

/** Sends a case's request; resolves with the answer when the connection ends. */
function ask(port: number, { request = "GET PATH HTTP/1.1\r\n" }: GrpcCase, index: number): Promise<string> {
  const [head = "", ...rest] = request.split("\r\n\r\n");
  const first = `${head.trimEnd()}\r\nHost: h\r\nX-Case: case-${index}\r\nConnection: close\r\n\r\n`;
  const socket = net.connect(port, "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
  socket.write(first.replace("PATH", `/case-${index}`) + rest.join("\r\n\r\n"), "latin1");
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

/** Head and body, without what differs between products and chunks without their sizes. */
function plain(answer: string): string {
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const own = /^(?:server: (?:nginx|longhaul)|date: \w+, |connection: )/i;
  const isPage = rest[0]?.startsWith("<html>") === true;
  const fields = head
    .split("\r\n")
    .filter((line) => !own.test(line) && !(isPage && line.startsWith("Content-Length")));
  if (isPage) return [...fields, "(page)"].join(" | ");
  const chunked = fields.includes("Transfer-Encoding: chunked");
  const body = rest.join("\r\n\r\n").trimEnd();
  return [...fields, chunked ? unchunked(body) : body].join(" | ");
}

function unchunked(body: string): string {
  const lines = body.split("\r\n");
  const last = lines.lastIndexOf("0");
  const data = lines.slice(0, last < 0 ? undefined : last).filter((_, index) => index % 2 === 1);
  return [data.join(""), ...lines.slice(last + 1)].join(" | ");
}

for (const product of products()) {
  describe(`a location with grpc_pass in ${product.name}`, () => {
    const bench = new Bench();
    before(() => bench.start(product));
    after(() => bench.stop());
    for (const [index, item] of grpcCases.entries()) {
      test(item.name, async () => {
        const reply = plain(await ask(bench.port, item, index));
        const got = { asked: bench.asked.get(index) ?? [], reply, log: bench.logOf(index) };
        const {
          asked,
          reply: expected,
          log = "",
        } = { ...item, ...(product.name === "longhaul" ? item.ours : {}) };
        assert.deepEqual(got, { asked, reply: expected, log });
      });
    }

    // What a client of gRPC needs: a status behind a body, or with a head that is all.
    for (const [name, ends, status] of [
      ["an answer with a length and trailers", false, "0"],
      ["trailers behind chunks", false, "0"],
      ["a status without a message", true, "12"],
    ] as const) {
      test(`by HTTP/2: ${name}`, async () => {
        const session = http2.connect(`http://127.0.0.1:${bench.http2Port}`);
        const index = grpcCases.findIndex((item) => item.name === name);
        const stream = session.request({ ":path": `/case-${index}`, "x-case": `case-${index}` });
        let trailers: http2.IncomingHttpHeaders = {};
        stream.on("trailers", (fields: http2.IncomingHttpHeaders) => (trailers = fields));
        const head = once(stream, "response") as Promise<[http2.IncomingHttpHeaders, number]>;
        const closed = once(stream, "close");
        let body = "";
        stream.on("data", (chunk: Buffer) => (body += chunk.toString()));
        const [fields, flags] = await head;
        await closed;
        session.close();
        assert.equal((flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0, ends);
        assert.equal(ends ? fields["grpc-status"] : trailers["grpc-status"], status);
        assert.equal(body, ends ? "" : "body");
      });
    }
  });
}
