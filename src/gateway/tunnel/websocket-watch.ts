import { describeSettingOrigin, originOf } from "../../config/setting-origin.ts";
import { CLOSE_GOING_AWAY } from "../../websocket/close-codes.ts";
import { writePing } from "../../websocket/frame-writer.ts";
import { failureOf } from "../failure/failure.ts";
import type { FailureKind } from "../failure/kinds.ts";
import type { WebSocketPing, WebSocketPolicy } from "../serve/websocket-policy.ts";
import type { WebSocketSide } from "./websocket-side.ts";
import type { WebSocketTunnel } from "./websocket-tunnel.ts";

/** How long a boundary, and then the client's answer, is waited for where somebody ends a WebSocket in good order. */
export const graceMs = 10_000;

/**
 * What happens to a WebSocket by the clock: pings, and ends for want of messages or for age. It has no timer of its own:
 * the tunnel's deadline is set to what comes first, and nothing is done per message.
 */
export class WebSocketWatch {
  private readonly tunnel: WebSocketTunnel;
  private readonly policy: WebSocketPolicy;
  private readonly ageAtMs: number;
  private readonly hearts: Heart[] = [];

  constructor(tunnel: WebSocketTunnel, policy: WebSocketPolicy) {
    this.tunnel = tunnel;
    this.policy = policy;
    const { maxAge, ping } = policy;
    this.ageAtMs =
      maxAge === null ? Infinity : tunnel.openedMs + maxAge.ms + tunnel.random() * maxAge.jitterMs;
    if (ping?.to.client === true) this.hearts.push(new Heart(tunnel, tunnel.client, ping));
    if (ping?.to.upstream === true) this.hearts.push(new Heart(tunnel, tunnel.upstream, ping));
  }

  /** When something is to be done, by the clock; infinite for never. */
  nextMs(): number {
    let nextMs = Math.min(this.ageAtMs, this.idleAtMs);
    for (const heart of this.hearts) nextMs = Math.min(nextMs, heart.nextMs);
    return nextMs;
  }

  /** Does what is to be done by now. */
  run(nowMs: number): void {
    const { tunnel, policy } = this;
    if (nowMs >= this.ageAtMs) {
      this.close("websocketAged", policy.maxAge!.code, "websocket_max_age", "max age");
      return;
    }
    if (nowMs >= this.idleAtMs) {
      this.close("websocketIdle", CLOSE_GOING_AWAY, "websocket_idle_timeout", "idle");
      return;
    }
    for (const heart of this.hearts) if (!tunnel.over) heart.beat(nowMs);
  }

  private get idleAtMs(): number {
    const { idleMs } = this.policy;
    return idleMs === 0 ? Infinity : this.tunnel.lastMessageMs + idleMs;
  }

  private close(kind: FailureKind, code: number, directive: string, closeReason: string): void {
    const setting = originOf(this.tunnel.location.settings, directive);
    const cause = setting === null ? directive : describeSettingOrigin(setting);
    this.tunnel.drain({ code, reason: cause, cause, chosen: { closeReason, kind } }, graceMs);
  }
}

/** The pings to one side. */
class Heart {
  private readonly tunnel: WebSocketTunnel;
  private readonly side: WebSocketSide;
  private readonly ping: WebSocketPing;
  private waitMs: number;
  /** When the side was asked; -1 while it is not. */
  private askedMs = -1;
  /** What was queued for the side then. */
  private queuedThen = 0;

  constructor(tunnel: WebSocketTunnel, side: WebSocketSide, ping: WebSocketPing) {
    this.tunnel = tunnel;
    this.side = side;
    this.ping = ping;
    this.waitMs = this.nextWaitMs();
    side.frames.meetsPongs = true;
  }

  get nextMs(): number {
    if (this.askedMs >= 0 && !this.heard) return this.askedMs + this.ping.timeoutMs;
    return this.side.guard!.heardMs + this.waitMs;
  }

  beat(nowMs: number): void {
    const { side, ping } = this;
    const guard = side.guard!;
    // Who is not read from cannot be heard.
    if (side.paused || guard.holding || !side.self.open) {
      guard.heardMs = nowMs;
      guard.heard = true;
    }
    if (this.askedMs >= 0) {
      if (this.heard) this.askedMs = -1;
      else if (nowMs >= this.askedMs + ping.timeoutMs) return this.missed(nowMs);
      else return;
    }
    if (nowMs >= guard.heardMs + this.waitMs) this.ask(nowMs);
  }

  private get heard(): boolean {
    return this.side.guard!.heard;
  }

  /** The side has not answered. One that still takes what is queued for it is slow, and the ping stands behind that. */
  private missed(nowMs: number): void {
    const { side } = this;
    const { queued } = side.self;
    if (queued > 0 && queued < this.queuedThen) {
      this.askedMs = nowMs;
      this.queuedThen = queued;
      return;
    }
    const setting = originOf(this.tunnel.location.settings, "websocket_ping");
    this.tunnel.endAbout(side, failureOf("websocketSilent", side.name, setting), CLOSE_GOING_AWAY);
  }

  private ask(nowMs: number): void {
    const { side, tunnel } = this;
    const guard = side.guard!;
    this.waitMs = this.nextWaitMs();
    this.askedMs = nowMs;
    this.queuedThen = side.self.queued;
    guard.heard = false;
    if (side.toldClose || side.other.toldClose || this.queuedThen > 0) return;
    const value = tunnel.random();
    guard.pingValueBefore = guard.pingValue;
    guard.pingValue = value;
    guard.pingSentMs = nowMs;
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(value);
    const frame = writePing(payload, side.mask());
    if (side.other.clean) side.self.send(frame);
    else side.other.guard!.insert = frame;
  }

  private nextWaitMs(): number {
    return this.ping.intervalMs - this.tunnel.random() * this.ping.jitterMs;
  }
}
