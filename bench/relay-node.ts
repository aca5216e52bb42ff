/**
 * The floor under anything written for Node: a relay that only moves bytes. Reads go to one static
 * buffer and are copied to a slab, whose room is used again as soon as the kernel has taken the bytes.
 * It takes a `Setting` as JSON, listens plain and with TLS, and dials the backend at a connection's first bytes.
 */
import { readFileSync } from "node:fs";
import { connect, createServer, Socket, type SocketConstructorOpts } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Setting } from "./configurations.ts";

const setting = JSON.parse(process.argv[2] ?? "{}") as Setting;
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);
let slab = Buffer.allocUnsafeSlow(128 * 1024);
let slabUsed = 0;

function forward(to: Socket, length: number): boolean {
  if (slabUsed + length > slab.length) {
    slab = Buffer.allocUnsafeSlow(128 * 1024);
    slabUsed = 0;
  }
  readBuffer.copy(slab, slabUsed, 0, length);
  const more = to.write(slab.subarray(slabUsed, slabUsed + length));
  if (to.writableLength !== 0) slabUsed += length;
  return more;
}

/** The read options of a socket whose bytes go to whatever `peer` tells. */
function staticRead(peer: () => Socket): { buffer: Buffer; callback: (length: number) => boolean } {
  return { buffer: readBuffer, callback: (length) => forward(peer(), length) };
}

/** What makes two sockets a pair, besides the bytes. */
function join(client: Socket, upstream: Socket): void {
  client.setNoDelay(true);
  upstream.setNoDelay(true);
  for (const [from, to] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    from.on("drain", () => to.resume());
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", (failed) => failed && to.destroy());
  }
}

function dial(client: Socket): Socket {
  const onread = staticRead(() => client);
  const upstream = connect({ host: "127.0.0.1", port: setting.backendPort, allowHalfOpen: true, onread });
  join(client, upstream);
  return upstream;
}

/** Before there is an upstream, a client that leaves has nobody to tell. */
function watch(client: Socket, upstream: () => Socket | null): void {
  client.on("error", () => client.destroy());
  client.on("end", () => upstream() ?? client.destroy());
}

/** The `handle` option is Node's own way of giving an accepted connection a static read buffer; it is not in the types. */
type HandleOptions = Omit<SocketConstructorOpts, "handle"> & {
  handle: unknown;
  onread: ReturnType<typeof staticRead>;
};

createServer({ pauseOnConnect: true, allowHalfOpen: true }, (accepted) => {
  const holder = accepted as unknown as { _handle: unknown };
  const handle = holder._handle;
  holder._handle = null;
  accepted.destroy();
  let upstream: Socket | null = null;
  const onread = staticRead(() => (upstream ??= dial(client)));
  const options: HandleOptions = { handle, allowHalfOpen: true, onread };
  const client: Socket = new Socket(options as SocketConstructorOpts);
  watch(client, () => upstream);
  client.resume();
}).listen(setting.plainPort, "127.0.0.1");

const tls = { cert: readFileSync(setting.certificate), key: readFileSync(setting.key), allowHalfOpen: true };
createTlsServer(tls, (client) => {
  let upstream: Socket | null = null;
  watch(client, () => upstream);
  client.on("data", (bytes: Buffer) => {
    upstream ??= dial(client);
    if (!upstream.write(bytes)) client.pause();
  });
})
  .on("tlsClientError", (_error, socket) => socket.destroy())
  .listen(setting.tlsPort, "127.0.0.1");
