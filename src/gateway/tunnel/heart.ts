import { originOf } from "../../config/setting-origin.ts";
import { CLOSE_GOING_AWAY } from "../../websocket/close-codes.ts";
import { writePing } from "../../websocket/frame-writer.ts";
import { failureOf } from "../failure/failure.ts";
import type { WebSocketPing } from "../serve/websocket-policy.ts";
import type { WebSocketSide } from "./websocket-side.ts";
import type { WebSocketTunnel } from "./websocket-tunnel.ts";

/** The pings to one side of a WebSocket. It is asked when something may have to be done, and has no timer of its own. */
export class Heart {
  private readonly tunnel: WebSocketTunnel;
  private readonly side: WebSocketSide;
  private readonly ping: WebSocketPing;
  /** How long the side may be silent this time: whole, as numbers in objects are small then. */
  private waitMs: number;
  /** When the side was asked; -1 while it is not. */
  private askedMs = -1;
  /** What was queued for the side then. */
  private queuedThen = 0;
  /** Payload of the last two pings, as numbers from 0 to 1: a side may answer the last of several only. */
  private value = -1;
  private valueBefore = -1;
  /** How long the last answer took; -1 while there was none. */
  rttMs = -1;

  constructor(tunnel: WebSocketTunnel, side: WebSocketSide, ping: WebSocketPing) {
    this.tunnel = tunnel;
    this.side = side;
    this.ping = ping;
    this.waitMs = this.nextWaitMs();
    side.frames.meetsPongs = true;
    // A ping of the one before may still be answered.
    const before = side.guard!.heart;
    side.guard!.heart = this;
    if (before === null) return;
    this.value = before.value;
    this.rttMs = before.rttMs;
  }

  /** A pong has come. @returns whether it answers a ping of the gateway */
  takePong(value: number, nowMs: number): boolean {
    if (value !== this.value) return value === this.valueBefore;
    if (this.askedMs >= 0) this.rttMs = nowMs - this.askedMs;
    return true;
  }

  /** When something is to be done, by the clock. */
  get nextMs(): number {
    if (this.askedMs >= 0 && !this.heard) return this.askedMs + this.ping.timeoutMs;
    return this.side.guard!.heardMs + this.waitMs;
  }

  /** Does what is to be done by now. */
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
    this.valueBefore = this.value;
    this.value = value;
    const payload = Buffer.alloc(8);
    payload.writeDoubleBE(value);
    const frame = writePing(payload, side.mask());
    if (side.other.clean) side.self.send(frame);
    else side.other.guard!.insert = frame;
  }

  private nextWaitMs(): number {
    return Math.round(this.ping.intervalMs - this.tunnel.random() * this.ping.jitterMs);
  }
}
