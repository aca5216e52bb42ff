/** The servers behind the gateways of the oracle: what they do is said by the path. */
import net from "node:net";
import tls from "node:tls";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { gzipSync } from "node:zlib";

export interface Backends {
  /** "127.0.0.1:port": does what the path says. */
  readonly plain: string;
  /** Always answers 200 "second". */
  readonly second: string;
  /** By TLS: answers with what it knows of the connection. */
  readonly secure: string;
  /** Resolves when a request with this text in its target has come. */
  readonly came: (text: string) => Promise<void>;
  stop(): Promise<void>;
}

const page = "<p>abc abc</p>";

const answers: Readonly<Record<string, string>> = {
  fields:
    "HTTP/1.1 200 OK\r\nX-One: 1\r\nServer: back\r\nSet-Cookie: one=1; Domain=one.test; Path=/one/\r\n" +
    `Content-Type: text/html; charset=cb\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
  redirect: "HTTP/1.1 302 Found\r\nLocation: http://one.test/x\r\nContent-Length: 0\r\n\r\n",
  chunked: `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n${page}\r\n0\r\n\r\n`,
  trailers: `HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n${page}\r\n0\r\nX-T: 1\r\n\r\n`,
  hints: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  accel: "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /a.html\r\nContent-Length: 0\r\n\r\n",
  big: `HTTP/1.1 200 OK\r\nX-Big: ${"b".repeat(3000)}\r\nContent-Length: 0\r\n\r\n`,
  fail: "HTTP/1.1 500 Failed\r\nContent-Length: 4\r\n\r\nfail",
  plain: `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${page.length}\r\n\r\n${page}`,
};

/** Starts them on free ports. */
export async function startBackends(certificates: string): Promise<Backends> {
  const seen: string[] = [];
  const waiting = new Set<() => void>();
  const sockets = new Set<net.Socket>();
  const serve = (socket: net.Socket): void => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
      const request = takeRequest(received);
      if (request === null) return;
      received = received.slice(request.length);
      seen.push(request.target);
      for (const look of waiting) look();
      answer(socket, request);
    });
  };
  const file = (name: string): Buffer => readFileSync(`${certificates}/${name}`);
  const plain = net.createServer(serve);
  const second = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () =>
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond"),
    );
  });
  const secure = tls.createServer({
    cert: file("server-one.crt"),
    key: file("server-one.key"),
    ca: file("clients-ca.crt"),
    requestCert: true,
    rejectUnauthorized: false,
  });
  secure.on("tlsClientError", () => undefined);
  secure.on("secureConnection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("data", () => socket.end(tlsAnswer(socket)));
  });
  const servers = [plain, second, secure];
  await Promise.all(servers.map((server) => once(server.listen(0, "127.0.0.1"), "listening")));
  const [a, b, c] = servers.map((server) => `127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  return {
    plain: a!,
    second: b!,
    secure: c!,
    came: (text) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!seen.some((target) => target.includes(text))) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

interface Seen {
  readonly length: number;
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** Null while it is not complete. */
function takeRequest(text: string): Seen | null {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line = "", ...fields] = text.slice(0, end).split("\r\n");
  const [method = "", target = "", version = ""] = line.split(" ");
  const rest = text.slice(end + 4);
  const length = Number(/^content-length: *(\d+)/im.exec(fields.join("\n"))?.[1] ?? 0);
  const chunked = /^transfer-encoding: *chunked/im.test(fields.join("\n"));
  if (chunked ? !rest.includes("0\r\n\r\n") : rest.length < length) return null;
  const body = chunked ? rest : rest.slice(0, length);
  return { length: end + 4 + body.length, method, target, version, fields, body };
}

function answer(socket: net.Socket, request: Seen): void {
  const what = /^\/(\w*)/.exec(request.target)![1]!;
  if (what === "hold") return;
  if (what === "slow") return void setTimeout(() => socket.end(closing(answers["plain"]!), "latin1"), 400);
  const known = answers[what];
  if (known !== undefined) socket.end(closing(known), "latin1");
  else if (what === "zipped")
    socket.end(withBody(gzipSync(page), "Content-Encoding: gzip\r\nContent-Type: text/html"));
  else socket.end(withBody(Buffer.from(echo(socket, request), "latin1"), "Content-Type: text/plain"));
}

/** Who keeps connections must not take one that is about to be closed. */
function closing(text: string): string {
  return text.replace(/HTTP\/1\.1 (?!103)\d+ .*\r\n/, "$&Connection: close\r\n");
}

function withBody(body: Buffer, fields: string): Buffer {
  return Buffer.concat([
    Buffer.from(
      `HTTP/1.1 200 OK\r\n${fields}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`,
    ),
    body,
  ]);
}

/** What came, in an order that does not matter, without what versions of nginx do differently. */
function echo(socket: net.Socket, { method, target, version, fields, body }: Seen): string {
  const kept = fields.filter((field) => !/^(host|connection):/i.test(field)).sort();
  const shown = target.startsWith("/version") ? version : "HTTP";
  return [`${method} ${target} ${shown} from ${socket.remoteAddress}`, ...kept, body].join("\n");
}

function tlsAnswer(socket: tls.TLSSocket): string {
  const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } };
  const name = socket.servername;
  const facts = [
    socket.getProtocol(),
    socket.getProtocol() === "TLSv1.2" ? socket.getCipher().name : "",
    typeof name === "string" ? name : "",
    subject?.CN ?? "",
  ];
  const body = facts.join(" | ");
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}
