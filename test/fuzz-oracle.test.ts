/**
 * Malformed and odd requests, made by seed, through Longhaul and through nginx: what one refuses the other
 * refuses with the same status, and what reaches the server behind them is the same bytes.
 *
 * Left out is what is known to have changed since nginx 1.22: stricter hosts, a bare LF in chunks, and the
 * place of Host, which now goes first in any case.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { SeededRandom } from "../src/net/memory/random.ts";
import { startRawBackend, type Backend } from "./support/backend.ts";
import { products, startGateway, type Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const caseCount = 600;
const atOnce = 60;

const targets = ["/", "/ret?a=b", "/norm/x", "/norm/../ret", "/norm/%2e%2e/x", "/a%00b", "/a%zz", "//x//y"];
const oddTargets = [
  "http://a/abs",
  "http://a?x=1",
  "*",
  "/a b",
  "/\x01",
  "/norm/a%20b",
  "?x",
  "/a#b",
  "/../..",
];
const versions = ["HTTP/1.0", "HTTP/2.0", "HTTP/1.01", "HTTP/1.", "http/1.1", "HTTP/1.1 ", "HTTP/1.1x"];
const codings = [
  "chunked",
  "Chunked",
  "identity",
  "chunked, identity",
  "xchunked",
  "chunked;q=1",
  " chunked",
];
const lengths = ["5", "0", "05", "+5", "-5", "5,5", "0x5", "99999999999999999999", "", "a", "5 5", "5\t"];
const oddLines = [
  "X : y",
  " X: y",
  "X: y\r\n z",
  "X\0: y",
  "X: a\0b",
  "X: a\rb",
  "X",
  ": y",
  "X_Y: z",
  "Content-Length : 5",
  "Transfer-Encoding : chunked",
  "Connection: close",
  "Expect: 100-continue",
  "Upgrade: websocket",
];
const sizes = ["5", "05", "5 ", " 5", "5;x=y", "0x5", "+5", "-5", "5h", "", "8000000000000000", "5\r"];

function oddOneIn(random: SeededRandom, chance: number, odd: readonly string[], usual: string): string {
  return random.chance(chance) ? random.pick(odd)! : usual;
}

function chunkedBody(random: SeededRandom): string {
  let text = "";
  for (let count = random.integer(0, 2); count > 0; count--)
    text += `${oddOneIn(random, 0.3, sizes, "5")}\r\nhello${oddOneIn(random, 0.1, ["", "x\r\n"], "\r\n")}`;
  return `${text}${oddOneIn(random, 0.2, ["00", "0;x", "-0", "0x0"], "0")}\r\n\r\n`;
}

/** One request with a few things wrong with it, and often one behind it that must not be smuggled in. */
function oddRequest(random: SeededRandom): string {
  const method = random.pick(["GET", "POST", "PUT", "get", "G-T"])!;
  const target = oddOneIn(random, 0.2, oddTargets, random.pick(targets)!);
  const lines = [`${method} ${target} ${oddOneIn(random, 0.15, versions, "HTTP/1.1")}`, "Host: a"];
  let body = "";
  if (random.chance(0.4)) {
    lines.push(`Transfer-Encoding: ${oddOneIn(random, 0.4, codings, "chunked")}`);
    body = chunkedBody(random);
  }
  if (random.chance(body === "" ? 0.4 : 0.15)) {
    lines.push(`Content-Length: ${oddOneIn(random, 0.4, lengths, "5")}`);
    if (body === "") body = "hello";
  }
  if (random.chance(0.4)) lines.splice(random.integer(1, lines.length), 0, random.pick(oddLines)!);
  const next = random.chance(0.5) ? "GET /ret?next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" : "";
  return `${lines.join("\r\n")}\r\n\r\n${body}${next}`;
}

/** Everything that is answered until the gateway closes. */
function answersTo(port: number, request: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = net.connect(port, "127.0.0.1", () => socket.write(Buffer.from(request, "latin1")));
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    // A reset may follow the answer to a request that was not read to its end.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text));
  });
}

/** Statuses and, where a request was served, what was answered. */
function essence(text: string, upstream: number): string[] {
  // nginx answers with a bare page where a request line has no version.
  if (text.startsWith("<html>")) return [/<h1>(\d+)/.exec(text)?.[1] ?? text];
  const parts = text.split(/(?=HTTP\/1\.1 \d\d\d [A-Z][A-Za-z -]*\r\n)/).filter((part) => part !== "");
  return parts.map((part) => {
    const status = part.slice(9, 12);
    const body = part.slice(part.indexOf("\r\n\r\n") + 4).replaceAll(`127.0.0.1:${upstream}`, "UPSTREAM");
    return status === "200" ? `200 ${body}` : status;
  });
}

function config(port: number, upstream: number): string {
  const fields = "proxy_set_header Host $proxy_host; proxy_set_header Connection close;";
  const proxy = `proxy_http_version 1.1; ${fields}`;
  return `
    events { worker_connections 1000; }
    http {
      access_log off;
      client_header_timeout 1s;
      client_body_timeout 1s;
      keepalive_timeout 1s;
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://127.0.0.1:${upstream}; ${proxy} }
        location /norm/ { proxy_pass http://127.0.0.1:${upstream}/n/; ${proxy} }
        location /ret { return 200 "$request_method|$uri|$args|$host|"; }
      }
    }`;
}

const both = products();

describe("odd requests", { skip: both.length < 2 ? "NO NGINX HERE" : false }, () => {
  let backend: Backend;
  const gateways: { gateway: Gateway; port: number }[] = [];

  before(async () => {
    // Sends back what it got. Without a buffered body there is nothing behind the head but that body.
    backend = await startRawBackend(async (connection) => {
      const head = await connection.readHead();
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const got = head + (await connection.read(length)).toString("latin1");
      connection.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${got.length}\r\n\r\n${got}`);
      connection.socket.end();
    });
    for (const product of both) {
      const port = await freePort();
      const gateway = await startGateway(product, { config: config(port, backend.port), port });
      gateways.push({ gateway, port });
    }
  });

  after(async () => {
    for (const { gateway } of gateways) await gateway.stop();
    await backend.stop();
  });

  test("are refused and passed on as nginx does", async () => {
    const random = new SeededRandom(20_261_122);
    const requests = Array.from({ length: caseCount }, () => oddRequest(random));
    const compare = async (): Promise<void> => {
      for (let request = requests.pop(); request !== undefined; request = requests.pop()) {
        const asked = request;
        const texts = await Promise.all(gateways.map(({ port }) => answersTo(port, asked)));
        const [ours, nginx] = texts.map((text) => essence(text, backend.port));
        assert.deepEqual(ours, nginx, JSON.stringify(asked));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, compare));
  });
});
