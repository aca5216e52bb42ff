import type { Connection } from "../net/connection.ts";
import { CLOSE_GOING_AWAY } from "../websocket/close-codes.ts";
import { FrameCursor } from "../websocket/frame-cursor.ts";
import { writeClose } from "../websocket/frame-writer.ts";
import type { DrainOccasion, WebSocketDrain } from "./drain.ts";
import { Tunnel, TunnelSide } from "./tunnel.ts";
import type { Exchange } from "./upstream/exchange.ts";

/**
 * What a WebSocket that is being drained waits for:
 * "boundary": the end of the frame that the client is getting; the close frame follows it;
 * "answer": the client's close frame, which goes on to the server as the client's own;
 * "ends": the end of a closing handshake that client or server had begun before.
 */
type Draining = "boundary" | "answer" | "ends";

/** What the log says when `grace` was not enough. */
const overdue: Readonly<Record<Draining, string>> = {
  boundary: "the server did not end its frame in time",
  answer: "client did not answer in time",
  ends: "the closing handshake did not end in time",
};

/**
 * A tunnel that carries a WebSocket. Its frames pass as they are, and where they end is known, so that
 * the WebSocket can be closed in good order when the gateway goes away from it.
 *
 * The close frame goes to the client. What the client had sent by then still reaches the server, and the
 * client's answer tells the server as well. What the server sends meanwhile has nobody to go to: behind
 * a close frame nothing may follow (RFC 6455, section 5.5.1).
 */
export class WebSocketTunnel extends Tunnel {
  declare readonly client: WebSocketSide;
  declare readonly upstream: WebSocketSide;
  private readonly settings: WebSocketDrain;
  private draining: Draining | null = null;
  private occasion: DrainOccasion | null = null;
  private graceMs = 0;

  constructor(exchange: Exchange, upstream: Connection, drain: WebSocketDrain) {
    super(exchange, upstream, WebSocketSide);
    this.settings = drain;
  }

  override get websocketDrain(): WebSocketDrain {
    return this.settings;
  }

  /** Chunks go their way by `drainData`. */
  get drains(): boolean {
    return this.draining !== null;
  }

  override open(early: Buffer | null): void {
    super.open(early);
    if (!this.over) this.request.connection.gateway.admitTunnel(this);
  }

  override drain(occasion: DrainOccasion, graceMs: number): void {
    if (this.over || this.occasion !== null) return;
    const { client, upstream } = this;
    this.occasion = occasion;
    this.graceMs = graceMs;
    this.idle.set(graceMs);
    if (client.frames.closing || upstream.frames.closing) this.draining = "ends";
    else if (upstream.frames.atBoundary) this.sendClose();
    else this.draining = "boundary";
  }

  /** The way of a chunk once the tunnel is being drained. */
  drainData(side: WebSocketSide, bytes: Buffer): void {
    if (side === this.client) return this.drainClient(bytes);
    if (this.draining === "answer") return;
    if (this.draining === "ends") return side.passOn(bytes);
    const end = side.frames.step(bytes, 0);
    side.send(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (this.over || !side.frames.atBoundary) return;
    // The end of the frame that was under way.
    if (side.frames.closing) this.draining = "ends";
    else this.sendClose();
  }

  override end(reason: string, level: "info" | "error" = "info"): void {
    if (this.over) return;
    if (this.occasion === null) return super.end(reason, level);
    this.closeUpstream();
    super.end(`${this.drained}: ${reason}`, level);
    this.idle.set(this.graceMs);
  }

  override drop(reason: string): void {
    const { client, upstream } = this;
    if (!this.over && this.occasion === null) {
      const { frames } = upstream;
      if (frames.atBoundary && !frames.closing) client.self.send(writeClose(CLOSE_GOING_AWAY, ""));
    }
    super.drop(reason);
  }

  /** The server, which has got the client's close frame, ends the connection first (RFC 6455, section 7.1.1). */
  serverEnds(side: WebSocketSide): boolean {
    return this.occasion !== null && side === this.upstream && this.client.frames.closed;
  }

  override onDeadline(): void {
    if (this.over || this.draining === null) return super.onDeadline();
    this.end(overdue[this.draining]);
  }

  private drainClient(bytes: Buffer): void {
    const { client } = this;
    client.passOn(bytes);
    if (this.draining === "answer" && client.frames.closed) this.end("client answered");
  }

  private sendClose(): void {
    const { client, upstream } = this;
    this.draining = "answer";
    client.self.send(writeClose(this.code, ""));
    this.idle.set(this.graceMs);
    // A slow client has held the server back; nothing it sends is passed on any more.
    if (!upstream.paused) return;
    upstream.paused = false;
    upstream.self.resume();
  }

  /** A client that has not told the server itself is told for. */
  private closeUpstream(): void {
    const { frames } = this.client;
    if (frames.closing || !frames.atBoundary) return;
    const mask = Math.floor(this.request.connection.gateway.network.random() * 2 ** 32);
    this.upstream.self.send(writeClose(this.code, "", mask));
  }

  private get code(): number {
    return this.settings.code ?? this.occasion!.code;
  }

  private get drained(): string {
    return `${this.occasion!.reason}, WebSocket closed with code ${this.code}`;
  }
}

/** One side of a WebSocket tunnel: knows where the frames end that `self` sends. */
export class WebSocketSide extends TunnelSide {
  declare protected readonly tunnel: WebSocketTunnel;
  readonly frames = new FrameCursor();

  override onData(bytes: Buffer): void {
    if (this.tunnel.drains) this.tunnel.drainData(this, bytes);
    else this.passOn(bytes);
  }

  passOn(bytes: Buffer): void {
    this.frames.pass(bytes);
    super.onData(bytes);
  }

  /** The same for bytes that `frames` has gone past already. */
  send(bytes: Buffer): void {
    super.onData(bytes);
  }

  override farewell(): void {
    if (this.tunnel.serverEnds(this)) this.awaitEnd();
    else super.farewell();
  }
}
