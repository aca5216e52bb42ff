/**
 * The server behind the gateway: a process of its own, with one name per port.
 *
 *     node test/operations/backend.ts <names, comma between>
 *
 * prints `{"name":port,…}` and ends when its standard input does. By path:
 * `/echo` WebSocket echo; `/fragments` WebSocket that sends an endless message in fragments;
 * `/hold?ms=` answers later; `/body?bytes=` a long body; `/_stats` what it has held at once;
 * anything else: its name and the path.
 */
import net from "node:net";
import { EchoStream, scratch } from "../../bench/echo-stream.ts";
import { acceptValue, handshakeKey } from "../../bench/wire.ts";
import { fragmentBytes, fragmentOf } from "./load/message.ts";
import { bodyOf } from "./load/pattern.ts";

/** Between two fragments of the endless message. */
const fragmentEveryMs = 100;
const accept = acceptValue(handshakeKey);
const bodies = new Map<number, Buffer>();

/** Held requests of one port. */
interface Stats {
  active: number;
  activeMax: number;
  total: number;
}

function serve(name: string): net.Server {
  const stats: Stats = { active: 0, activeMax: 0, total: 0 };
  return net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    let head = "";
    const request = (chunk: Buffer): void => {
      head += chunk.toString("latin1");
      if (!head.endsWith("\r\n\r\n")) return;
      const target = head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/"));
      head = "";
      if (target.startsWith("/echo")) upgrade(socket, name, request, echo);
      else if (target.startsWith("/fragments")) upgrade(socket, name, request, sendFragments);
      else answer(socket, name, target, stats);
    };
    socket.on("data", request);
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
  });
}

function answer(socket: net.Socket, name: string, target: string, stats: Stats): void {
  const query = new URLSearchParams(target.split("?")[1] ?? "");
  if (target.startsWith("/_stats")) {
    send(socket, name, Buffer.from(JSON.stringify(stats)));
    Object.assign(stats, { activeMax: stats.active, total: 0 });
  } else if (target.startsWith("/hold")) {
    hold(socket, name, target, stats, Number(query.get("ms")));
  } else if (target.startsWith("/body")) {
    const length = Number(query.get("bytes"));
    const body = bodies.get(length) ?? bodyOf(length);
    bodies.set(length, body);
    send(socket, name, body);
  } else {
    send(socket, name, Buffer.from(`${name} ${target}`, "latin1"));
  }
}

function hold(socket: net.Socket, name: string, target: string, stats: Stats, ms: number): void {
  stats.total += 1;
  stats.active += 1;
  stats.activeMax = Math.max(stats.activeMax, stats.active);
  setTimeout(() => {
    stats.active -= 1;
    send(socket, name, Buffer.from(`${name} ${target}`, "latin1"));
  }, ms);
}

function send(socket: net.Socket, name: string, body: Buffer): void {
  const head = `HTTP/1.1 200 OK\r\nX-Backend: ${name}\r\nContent-Length: ${body.length}\r\n\r\n`;
  socket.write(Buffer.concat([Buffer.from(head, "latin1"), body]));
}

type Conversation = (socket: net.Socket) => void;

function upgrade(
  socket: net.Socket,
  name: string,
  request: (chunk: Buffer) => void,
  converse: Conversation,
): void {
  socket.off("data", request);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `X-Backend: ${name}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  converse(socket);
}

function echo(socket: net.Socket): void {
  const stream = new EchoStream();
  socket.on("data", (chunk: Buffer) => {
    socket.write(Buffer.from(scratch.subarray(0, stream.reply(chunk))));
    if (stream.closed) socket.end();
  });
}

/** An unending binary message: the first fragment, then continuations that are never the last. */
function sendFragments(socket: net.Socket): void {
  let number = 0;
  const stream = new EchoStream();
  const timer = setInterval(() => {
    const opcode = number === 0 ? 0x02 : 0x00;
    const frameHead = Buffer.from([opcode, 126, fragmentBytes >> 8, fragmentBytes & 0xff]);
    socket.write(Buffer.concat([frameHead, fragmentOf(number)]));
    number += 1;
  }, fragmentEveryMs);
  socket.on("close", () => clearInterval(timer));
  socket.on("end", () => clearInterval(timer));
  socket.on("data", (chunk: Buffer) => {
    stream.reply(chunk);
    if (!stream.closed) return;
    clearInterval(timer);
    socket.end();
  });
}

const ports: Record<string, number> = {};
for (const name of (process.argv[2] ?? "a").split(",")) {
  const server = serve(name);
  server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 });
  await new Promise((resolve) => server.once("listening", resolve));
  ports[name] = (server.address() as net.AddressInfo).port;
}
process.stdout.write(`${JSON.stringify(ports)}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
