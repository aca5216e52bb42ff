import { CLOSE_GOING_AWAY } from "../../websocket/close-codes.ts";
import { FrameCursor } from "../../websocket/frame-cursor.ts";
import { writeClose } from "../../websocket/frame-writer.ts";
import type { AnswerWriter } from "../request/answer-writer.ts";
import type { DrainOccasion, WebSocketDrain } from "../serve/drain.ts";
import { failureOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { Tunnel, TunnelSide } from "./tunnel.ts";
import type { TunnelParts } from "./tunnel.ts";

/**
 * What a WebSocket that is being drained waits for:
 * "boundary": the end of the frame that the client is getting; the close frame follows it;
 * "answer": the client's close frame, which goes on to the server as the client's own;
 * "ends": the end of a closing handshake that client or server had begun before.
 */
type Awaited = "boundary" | "answer" | "ends";

/** A drain that has begun. */
interface Draining {
  readonly occasion: DrainOccasion;
  readonly graceMs: number;
  awaits: Awaited;
}

/** What the log says when `grace` was not enough. */
const overdue: Readonly<Record<Awaited, string>> = {
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
  private draining: Draining | null = null;

  constructor(parts: TunnelParts) {
    super(parts, WebSocketSide);
  }

  override get websocketDrain(): WebSocketDrain | null {
    return this.record.location.core.websocketDrain;
  }

  /** Chunks go their way by `drainData`. */
  get drains(): boolean {
    return this.draining !== null;
  }

  override open(writer: AnswerWriter, early: Buffer | null): void {
    super.open(writer, early);
    if (!this.over) this.gateway.admitTunnel(this);
  }

  override drain(occasion: DrainOccasion, graceMs: number): void {
    if (this.over || this.draining !== null) return;
    const { client, upstream } = this;
    const draining: Draining = { occasion, graceMs, awaits: "boundary" };
    this.draining = draining;
    this.deadline.set(graceMs);
    if (client.frames.closing || upstream.frames.closing) draining.awaits = "ends";
    else if (upstream.frames.atBoundary) this.sendClose(draining);
  }

  /** The way of a chunk once the tunnel is being drained. */
  drainData(side: WebSocketSide, bytes: Buffer): void {
    const draining = this.draining!;
    if (side === this.client) return this.drainClient(bytes, draining);
    if (draining.awaits === "answer") return;
    if (draining.awaits === "ends") return side.passOn(bytes);
    const end = side.frames.step(bytes, 0);
    side.send(end === bytes.length ? bytes : bytes.subarray(0, end));
    if (this.over || !side.frames.atBoundary) return;
    // The end of the frame that was under way.
    if (side.frames.closing) draining.awaits = "ends";
    else this.sendClose(draining);
  }

  override end(ending: Failure): void {
    if (this.over) return;
    const { draining } = this;
    if (draining === null) return super.end(ending);
    const code = this.codeFor(draining.occasion);
    this.closeUpstream(code);
    const why = `${draining.occasion.reason}, WebSocket closed with code ${code}: ${wordsOf(ending)}`;
    super.end({ ...ending, kind: "gatewayLeaves", source: "gateway", cause: why });
    this.deadline.set(draining.graceMs);
  }

  override drop(reason: string): void {
    const { client, upstream } = this;
    // "websocket_drain off" is nginx, which cuts.
    if (!this.over && this.draining === null && this.websocketDrain !== null) {
      const { frames } = upstream;
      if (frames.atBoundary && !frames.closing) client.self.send(writeClose(CLOSE_GOING_AWAY, ""));
    }
    super.drop(reason);
  }

  /** The server, which has got the client's close frame, ends the connection first (RFC 6455, section 7.1.1). */
  serverEnds(side: WebSocketSide): boolean {
    return this.draining !== null && side === this.upstream && this.client.frames.closed;
  }

  override onDeadline(): void {
    if (this.over || this.draining === null) return super.onDeadline();
    this.end(failureOf("gatewayLeaves", overdue[this.draining.awaits]));
  }

  private drainClient(bytes: Buffer, { awaits }: Draining): void {
    const { client } = this;
    client.passOn(bytes);
    if (awaits === "answer" && client.frames.closed) this.end(failureOf("gatewayLeaves", "client answered"));
  }

  private sendClose(draining: Draining): void {
    const { client, upstream } = this;
    draining.awaits = "answer";
    client.self.send(writeClose(this.codeFor(draining.occasion), ""));
    this.deadline.set(draining.graceMs);
    // A slow client has held the server back; nothing it sends is passed on any more.
    if (!upstream.paused) return;
    upstream.paused = false;
    upstream.self.resume();
  }

  /** A client that has not told the server itself is told for. */
  private closeUpstream(code: number): void {
    const { frames } = this.client;
    if (frames.closing || !frames.atBoundary) return;
    const mask = Math.floor(this.gateway.network.random() * 2 ** 32);
    this.upstream.self.send(writeClose(code, "", mask));
  }

  private codeFor({ code }: DrainOccasion): number {
    return this.websocketDrain?.code ?? code;
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

  /** Passes bytes on to the other side, and follows their frames. */
  passOn(bytes: Buffer): void {
    this.frames.pass(bytes);
    super.onData(bytes);
  }

  /** The same for bytes that `frames` has gone past already. */
  send(bytes: Buffer): void {
    super.onData(bytes);
  }

  /** After the closing handshake neither side sends anything: what is left is to close (RFC 6455, section 7.1.1). */
  protected override get silent(): boolean {
    const { client, upstream } = this.tunnel;
    return super.silent || (client.frames.closed && upstream.frames.closed);
  }

  override farewell(): void {
    if (this.tunnel.serverEnds(this)) this.awaitEnd();
    else super.farewell();
  }
}
