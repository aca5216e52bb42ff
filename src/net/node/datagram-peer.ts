import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import type { InternalErrorHook } from "../guard.ts";
import type { DatagramEvents, DatagramPeer, TcpEndpoint } from "../network.ts";
import type { SocketCount } from "../socket-count.ts";

/** A connected UDP socket: the system lets nothing in but what comes from the peer, and tells of refusals. */
export class NodeDatagramPeer implements DatagramPeer {
  private readonly socket: Socket;
  private readonly events: DatagramEvents;
  private readonly sockets: SocketCount;
  private readonly onInternalError: InternalErrorHook;
  private state: "connecting" | "connected" | "unusable" | "closed" = "connecting";
  /** Sent as soon as the socket is connected. */
  private waiting: Buffer[] = [];

  constructor(
    { address, port }: TcpEndpoint,
    events: DatagramEvents,
    sockets: SocketCount,
    onInternalError: InternalErrorHook,
  ) {
    this.events = events;
    this.sockets = sockets;
    this.onInternalError = onInternalError;
    sockets.open += 1;
    this.socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    this.socket.on("message", (bytes) => this.guarded(() => events.onDatagram(bytes)));
    this.socket.on("error", (error) => this.fail(error));
    // The types do not say so, but the callback gets what went wrong: no way there, no descriptors.
    this.socket.connect(port, address, (error?: Error | null) => this.begin(error ?? null));
  }

  send(bytes: Buffer): void {
    if (this.state === "connecting") this.waiting.push(bytes);
    else if (this.state === "connected") this.sendNow(bytes);
    else if (this.state === "unusable") setImmediate(() => this.fail({ code: "ENOTCONN" }));
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.sockets.open -= 1;
    this.socket.close();
  }

  private begin(error: Error | null): void {
    if (this.state !== "connecting") return;
    const { waiting } = this;
    this.waiting = [];
    this.state = error === null ? "connected" : "unusable";
    if (error !== null) return this.fail(error);
    for (const bytes of waiting) this.sendNow(bytes);
  }

  private sendNow(bytes: Buffer): void {
    this.socket.send(bytes, (error) => {
      if (error !== null) this.fail(error);
    });
  }

  private fail(error: object): void {
    // No socket at all: nothing else will be heard of it.
    if (this.state === "connecting") this.state = "unusable";
    this.guarded(() => this.events.onFailed("code" in error ? String(error.code) : "EIO"));
  }

  private guarded(run: () => void): void {
    if (this.state === "closed") return;
    try {
      run();
    } catch (error) {
      this.onInternalError(error);
    }
  }
}
