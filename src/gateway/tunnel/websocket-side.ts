import type { Connection } from "../../net/connection.ts";
import type { Clock } from "../../net/clock.ts";
import type { FrameCursor, FrameRules } from "../../websocket/frame-cursor.ts";
import { writeClose } from "../../websocket/frame-writer.ts";
import { FrameGuard, noLimits } from "./frame-guard.ts";
import type { GuardRules } from "./frame-guard.ts";
import { TunnelSide } from "./tunnel.ts";
import type { WebSocketTunnel } from "./websocket-tunnel.ts";

/** One side of a WebSocket tunnel: knows where the frames end that `self` sends. */
export class WebSocketSide extends TunnelSide {
  declare protected readonly tunnel: WebSocketTunnel;
  frames!: FrameCursor;
  /** Null while frames go on without being looked at before. */
  guard: FrameGuard | null = null;
  /** The gateway has sent a close frame to this side: nothing may follow. */
  told = false;

  get clock(): Clock {
    return this.tunnel.clock;
  }

  get over(): boolean {
    return this.tunnel.over;
  }

  override get other(): WebSocketSide {
    const { client, upstream } = this.tunnel;
    return client === this ? upstream : client;
  }

  override onData(bytes: Buffer): void {
    if (this.guard !== null) {
      if (!this.tunnel.over) this.guard.take(bytes);
      return;
    }
    const { frames } = this;
    frames.pass(bytes);
    super.onData(bytes);
    if (frames.metMessage) this.messageMet();
    if (frames.closing && frames.close !== null) this.tunnel.noteClose(this);
  }

  /** Passes on what `frames` has gone past already. */
  send(bytes: Buffer): void {
    const { failover } = this.tunnel;
    if (failover === null || this !== this.tunnel.client) return super.onData(bytes);
    if (failover.holds) {
      this.bytes += bytes.length;
      failover.hold(bytes);
      return;
    }
    super.onData(bytes);
    failover.sent(bytes);
  }

  override onDrain(): void {
    if (this === this.tunnel.upstream) this.tunnel.failover?.drained();
    super.onDrain();
  }

  override connect(connection: Connection): void {
    super.connect(connection);
    this.told = false;
    this.frames.reopen();
    this.guard?.reopen();
  }

  /** A close frame was met that is meant for the gateway, not for the other side. */
  get closesGateway(): boolean {
    const { failover, upstream } = this.tunnel;
    return this === upstream && failover !== null && failover.takesClose(this.frames.close!.code);
  }

  /** It did not go on. */
  gatewayClosed(): void {
    const { code, reason } = this.frames.close!;
    this.tunnel.failover!.serverClosed(code, reason);
  }

  /** Something has come, whether or not it goes on. @returns the time */
  noteActivity(): number {
    return (this.tunnel.lastActivityMs = this.clock.now());
  }

  /** From now on frames are looked at before they go on. */
  guardBy(rules: GuardRules, limits = noLimits): FrameGuard {
    if (this.guard === null) this.guard = new FrameGuard(this, rules);
    else this.guard.rules = rules;
    this.guard.limits = limits;
    return this.guard;
  }

  /** What has gone on from this side ends with a frame. */
  get clean(): boolean {
    if (this.guard !== null) return this.guard.clean;
    return this.frames.atBoundary && this.frames.violation === null;
  }

  /** A close frame was sent to this side, by the other one or by the gateway. */
  get toldClose(): boolean {
    const { other } = this;
    return this.told || (other.frames.closing && !(other.guard?.muted === true));
  }

  /**
   * Sends a close frame to this side, if there is a place for one.
   *
   * @returns whether there was
   */
  tell(code: number, reason: string): boolean {
    if (this.toldClose || !this.other.clean || !this.self.open) return false;
    this.self.send(writeClose(code, reason, this.mask()));
    this.told = true;
    return true;
  }

  /** The mask of a frame to this side; null where frames have none: those to clients. */
  mask(): number | null {
    return this === this.tunnel.client ? null : this.tunnel.randomMask();
  }

  /** Sends a frame of the gateway's own to the other side. */
  tellOther(frame: Buffer): void {
    if (!this.other.toldClose) this.other.self.send(frame);
  }

  /** What has gone on from this side ends with a frame, which its tunnel waits for. */
  boundaryReached(): void {
    this.tunnel.boundaryReached(this);
  }

  /** What this side had sent at once has gone its way. */
  chunkPassed(): void {
    this.tunnel.chunkPassed(this);
  }

  /** The close frame of this side is about to go on. */
  closeFrameMet(): void {
    this.tunnel.noteClose(this);
  }

  /** A message, or a part of one, goes on. */
  messageMet(): void {
    this.frames.metMessage = false;
    this.tunnel.lastMessageMs = this.tunnel.lastActivityMs;
  }

  /** This side broke the framing. */
  broke(): void {
    this.tunnel.endByFrame(this, "websocketBroken", null);
  }

  /** This side sent a message that is too big. */
  sentTooMuch(): void {
    this.tunnel.endByFrame(this, "websocketTooBig", null);
  }

  /** @param directive the limit that says so */
  sentTooFast(directive: string): void {
    this.tunnel.endByFrame(this, "websocketTooFast", directive);
  }

  /** Reads on after a wait, unless the other side is in the way. */
  goOnWhenFree(): void {
    this.noteActivity();
    if (!this.paused) this.self.resume();
  }

  /** What waits for its turn goes on now. */
  releaseHeld(): void {
    if (!(this.guard?.holding === true)) return;
    this.guard.release();
    if (!this.tunnel.over) this.goOnWhenFree();
  }

  override goOn(): void {
    if (!(this.guard?.holding === true)) this.self.resume();
  }

  override onEnd(): void {
    if (!this.tunnel.over) this.guard?.release();
    super.onEnd();
  }

  override onClose(code: string | null): void {
    this.guard?.dispose();
    super.onClose(code);
  }

  /** After the closing handshake neither side sends anything: what is left is to close (RFC 6455, section 7.1.1). */
  protected override get silent(): boolean {
    const { client, upstream } = this.tunnel;
    return super.silent || (client.frames.closed && upstream.frames.closed);
  }

  override farewell(): void {
    this.guard?.dispose();
    if (this.tunnel.serverEnds(this)) this.awaitEnd();
    else super.farewell();
  }
}

const rules: Readonly<Record<string, FrameRules>> = Object.fromEntries(
  (["client", "server"] as const).flatMap((from) =>
    (["none", "deflate", "any"] as const).map((reserved) => [`${from} ${reserved}`, { from, reserved }]),
  ),
);

/** The rules for frames from one side, with what extensions do with the reserved bits: one object for all tunnels. */
export function rulesOf(from: FrameRules["from"], reserved: FrameRules["reserved"]): FrameRules {
  return rules[`${from} ${reserved}`]!;
}
