/**
 * The floor under anything written for Bun: a relay that only moves bytes, on native sockets.
 * It takes a `Setting` as JSON, listens plain and with TLS, and dials the backend at a connection's first bytes.
 */
import { connect, listen, type Socket, type SocketHandler } from "bun";
import type { Setting } from "./configurations.ts";

const setting = JSON.parse(process.argv[2] ?? "{}") as Setting;

/** One side of a relayed pair. */
class Side {
  socket: Socket<Side> | null = null;
  peer: Side | null = null;
  /** Bytes for this side's socket that the kernel has not taken, or that came before it was there. */
  pending: Buffer | null = null;
  ended = false;

  write(bytes: Buffer): boolean {
    if (this.pending === null && this.socket !== null) {
      const taken = Math.max(0, this.socket.write(bytes));
      if (taken === bytes.length) return true;
      this.pending = bytes.subarray(taken);
      return false;
    }
    this.pending = this.pending === null ? bytes : Buffer.concat([this.pending, bytes]);
    return false;
  }

  /** Sends what is pending; true when nothing is left. */
  flush(): boolean {
    if (this.pending === null || this.socket === null) return this.pending === null;
    const taken = Math.max(0, this.socket.write(this.pending));
    this.pending = taken < this.pending.length ? this.pending.subarray(taken) : null;
    return this.pending === null;
  }

  finish(): void {
    this.ended = true;
    if (this.pending === null) this.socket?.shutdown();
  }
}

const handlers: SocketHandler<Side, "buffer"> = {
  binaryType: "buffer",
  open(socket) {
    if (socket.data.peer === null) accept(socket);
    else dialed(socket, socket.data.peer);
  },
  data(socket, bytes) {
    const side = socket.data;
    if (side.peer === null) dial(side);
    if (!side.peer!.write(bytes)) socket.pause();
  },
  drain(socket) {
    const side = socket.data;
    if (side.pending === null || !side.flush()) return;
    if (side.ended) socket.shutdown();
    else side.peer!.socket?.resume();
  },
  end(socket) {
    if (socket.data.peer === null) socket.shutdown();
    else socket.data.peer.finish();
  },
  close(socket) {
    socket.data.socket = null;
    socket.data.peer?.socket?.terminate();
  },
  error() {},
  connectError(socket) {
    socket.data.peer?.socket?.terminate();
  },
};

function accept(socket: Socket<Side>): void {
  socket.data = new Side();
  socket.data.socket = socket;
}

function dial(client: Side): void {
  const upstream = new Side();
  client.peer = upstream;
  upstream.peer = client;
  const options = { hostname: "127.0.0.1", port: setting.backendPort, allowHalfOpen: true };
  connect<Side>({ ...options, socket: handlers, data: upstream }).catch(() => {});
}

function dialed(socket: Socket<Side>, client: Side): void {
  const upstream = socket.data;
  upstream.socket = socket;
  if (client.socket === null) {
    socket.terminate();
  } else if (upstream.flush()) {
    if (upstream.ended) socket.shutdown();
    client.socket.resume();
  }
}

const common = { hostname: "127.0.0.1", allowHalfOpen: true, data: new Side(), socket: handlers };
listen<Side>({ ...common, port: setting.plainPort });
const tls = { cert: Bun.file(setting.certificate), key: Bun.file(setting.key) };
listen<Side>({ ...common, port: setting.tlsPort, tls });
