import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import type { InternalErrorHook } from "../guard.ts";
import type { DatagramEvents, DatagramPeer, TcpEndpoint } from "../network.ts";
import type { SocketCount } from "../socket-count.ts";

/** A connected UDP socket: the system lets nothing in but what comes from the peer, and tells of refusals. */
export class NodeDatagramPeer implements DatagramPeer {
  private readonly socket: Socket;
  private readonly sockets: SocketCount;
  private connected = false;
  private closed = false;
  /** Sent as soon as the socket is connected. */
  private waiting: Buffer[] = [];

  constructor(
    { address, port }: TcpEndpoint,
    events: DatagramEvents,
    sockets: SocketCount,
    onInternalError: InternalErrorHook,
  ) {
    this.sockets = sockets;
    sockets.open += 1;
    const guarded = (run: () => void): void => {
      if (this.closed) return;
      try {
        run();
      } catch (error) {
        onInternalError(error);
      }
    };
    this.socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    this.socket.on("message", (bytes) => guarded(() => events.onDatagram(bytes)));
    this.socket.on("error", (error) => {
      guarded(() => events.onFailed("code" in error ? String(error.code) : "EIO"));
    });
    this.socket.connect(port, address, () => {
      if (this.closed) return;
      this.connected = true;
      for (const bytes of this.waiting) this.sendNow(bytes);
      this.waiting = [];
    });
  }

  send(bytes: Buffer): void {
    if (this.closed) return;
    if (this.connected) this.sendNow(bytes);
    else this.waiting.push(bytes);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.sockets.open -= 1;
    this.socket.close();
  }

  /** What cannot be sent is lost, as datagrams are; refusals come by "error" in any case. */
  private sendNow(bytes: Buffer): void {
    this.socket.send(bytes, () => undefined);
  }
}
