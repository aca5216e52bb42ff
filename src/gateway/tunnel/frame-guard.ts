import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { OPCODE_CLOSE, OPCODE_CONTINUATION, OPCODE_PONG } from "../../websocket/frames.ts";
import { applyMask } from "../../websocket/frame-writer.ts";
import type { FrameLimit, FrameLimitSpec, WebSocketPolicy } from "../serve/websocket-policy.ts";
import type { Heart } from "./heart.ts";
import type { WebSocketSide } from "./websocket-side.ts";

/** What becomes of a frame that was met. */
type FrameVerdict = "pass" | "swallow" | "wait" | "over";

/** An account, and the directive that it is of. */
export interface OpenLimit {
  readonly spec: FrameLimitSpec;
  readonly limit: FrameLimit;
}

/** What a guard looks at beside the framing: one object for all tunnels of a location. */
export interface GuardRules {
  /** What breaks the framing goes no further, and ends the tunnel. */
  readonly checks: boolean;
  /** Payload bytes of a message, all its frames together. */
  readonly messageBytesMax: number;
}

/** What has to wait for its turn. */
interface Held {
  /** Begins with a frame that was met, of which `metBytes` were looked at. */
  bytes: Buffer;
  readonly metBytes: number;
}

/** Nothing is limited. */
export const noLimits: readonly OpenLimit[] = [];

/** A WebSocket whose end has begun is watched for where its frames end, and for nothing else. */
export const noGuardRules: GuardRules = { checks: false, messageBytesMax: Infinity };

/** What the guards of both sides go by. */
type SideRules = Readonly<Record<"client" | "upstream", GuardRules>>;

const guardRules = new WeakMap<WebSocketPolicy, SideRules>();

/** What the directives of a location say: the same for all its tunnels. */
export function guardRulesOf(policy: WebSocketPolicy): SideRules {
  let found = guardRules.get(policy);
  if (found === undefined) {
    const { maxMessageSize } = policy;
    const of = (side: keyof SideRules): GuardRules => ({
      checks: true,
      messageBytesMax: maxMessageSize?.from[side] === true ? maxMessageSize.bytes : Infinity,
    });
    found = { client: of("client"), upstream: of("upstream") };
    guardRules.set(policy, found);
  }
  return found;
}

/**
 * The way of the frames of one side where something has to know them before they go on. A header that is cut is held
 * back until it is whole; what goes on, goes on in as few pieces as it came in. Where a frame ends, one of the gateway's
 * own may stand.
 */
export class FrameGuard implements DeadlineOwner {
  rules: GuardRules;
  limits = noLimits;
  /** Nothing goes on any more: the other side has been told that it is over. */
  muted = false;
  /** Something has come since this was set to false. */
  heard = false;
  heardMs: number;
  /** Who pings this side, or has: answers go no further. */
  heart: Heart | null = null;
  /** A frame of the gateway's own that goes to the other side at the next boundary. */
  insert: Buffer | null = null;
  /** The tunnel is told of the next boundary. */
  awaited = false;
  private readonly side: WebSocketSide;
  /** Bytes of `frames.kept` that have gone on. */
  private keptOut: number;
  /** Payload bytes of the message under way. */
  private messageBytes = 0;
  private held: Held | null = null;
  private turn: Deadline | null = null;
  /** Ends the tunnel, for what was met last. */
  private stop: (() => void) | null = null;
  /** A frame was met that did not go on. */
  private withheld = false;

  constructor(side: WebSocketSide, rules: GuardRules) {
    this.side = side;
    this.rules = rules;
    this.heardMs = side.clock.now();
    this.keptOut = side.frames.cut ? side.frames.keptBytes : 0;
  }

  /** What has gone on ends with a frame. */
  get clean(): boolean {
    const { frames } = this.side;
    if (this.withheld) return true;
    if (frames.violation !== null) return false;
    return !frames.inFrame && (!frames.cut || this.keptOut === 0);
  }

  /** Something waits for its turn, and reading has stopped. */
  get holding(): boolean {
    return this.held !== null;
  }

  /** The way of a chunk. */
  take(bytes: Buffer): void {
    this.heard = true;
    this.heardMs = this.side.noteActivity();
    if (this.muted) return;
    if (this.held !== null) this.held.bytes = Buffer.concat([this.held.bytes, bytes]);
    else this.flow(bytes);
    this.side.chunkPassed();
  }

  /** What waits goes on now, for its side sends nothing more or nothing is limited any more. */
  release(): void {
    const { held } = this;
    if (held === null) return;
    this.turn!.clear();
    this.held = null;
    this.withheld = false;
    this.side.send(held.bytes.subarray(0, held.metBytes));
    this.flow(held.bytes.subarray(held.metBytes));
  }

  /** Another connection goes on in place of the side's: what came of the one before is over. */
  reopen(): void {
    this.muted = false;
    this.withheld = false;
    this.keptOut = 0;
    this.held = null;
    this.turn?.clear();
    this.insert = null;
    this.awaited = false;
    this.heard = true;
    this.heardMs = this.side.clock.now();
  }

  /** The tunnel is over: nothing of it is left in the queue of times. */
  dispose(): void {
    this.turn?.dispose();
    this.held = null;
  }

  onDeadline(): void {
    if (this.side.over) return;
    this.release();
    if (!this.holding) this.side.goOnWhenFree();
  }

  private flow(bytes: Buffer): void {
    const { side } = this;
    const { frames } = side;
    const end = bytes.length;
    let from = 0;
    for (let at = 0; at < end;) {
      if (frames.inFrame) {
        at = frames.advance(bytes, at);
        continue;
      }
      if (this.hasBoundaryWork && frames.atBoundary) {
        this.sendPart(bytes, from, at);
        from = at;
        this.doBoundaryWork();
        if (this.muted) return;
      }
      // What follows a close frame goes no further.
      if (frames.closed) return this.sendPart(bytes, from, at);
      const start = at;
      const wasCut = frames.cut;
      at = frames.advance(bytes, at);
      if (frames.cut) return this.sendPart(bytes, from, start);
      const verdict = this.judge(wasCut ? frames.kept! : bytes, wasCut ? 0 : start);
      if (verdict === "pass") {
        if (!wasCut) continue;
        this.sendKept();
        from = at;
        continue;
      }
      this.sendPart(bytes, from, start);
      if (verdict === "over") return this.stop!();
      if (verdict === "wait") return this.hold(bytes, wasCut ? -1 : start, at);
      frames.kept = null;
      from = at;
    }
    this.sendPart(bytes, from, end);
    if (this.hasBoundaryWork && frames.atBoundary) this.doBoundaryWork();
  }

  private get hasBoundaryWork(): boolean {
    return this.awaited || this.insert !== null;
  }

  private doBoundaryWork(): void {
    const { insert } = this;
    this.insert = null;
    if (insert !== null) this.side.tellOther(insert);
    if (!this.awaited) return;
    this.awaited = false;
    this.side.boundaryReached();
  }

  private sendPart(bytes: Buffer, from: number, to: number): void {
    if (to > from) this.side.send(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to));
  }

  private sendKept(): void {
    const { frames } = this.side;
    this.side.send(frames.kept!.subarray(this.keptOut, frames.keptBytes));
    this.keptOut = 0;
    frames.kept = null;
  }

  /** Keeps a frame that has no turn yet, and what came behind it. `start` -1: its beginning is in `frames.kept`. */
  private hold(bytes: Buffer, start: number, at: number): void {
    const { frames } = this.side;
    const { kept, keptBytes } = frames;
    const met = start < 0 ? kept!.subarray(this.keptOut, keptBytes) : bytes.subarray(start, at);
    this.held = { bytes: Buffer.concat([met, bytes.subarray(at)]), metBytes: met.length };
    this.keptOut = 0;
    frames.kept = null;
    this.side.self.pause();
  }

  /** The frame that was met; it begins at `bytes[at]`. */
  private judge(bytes: Buffer, at: number): FrameVerdict {
    const { side } = this;
    const { frames } = side;
    const mayStop = this.keptOut === 0;
    if (frames.violation !== null && this.rules.checks && mayStop) return this.end(() => side.broke());
    if (frames.opcode === OPCODE_CLOSE) {
      if (mayStop && side.closesGateway) return this.end(() => side.gatewayClosed());
      side.closeFrameMet();
    } else if (frames.carriesMessage) side.messageMet();
    else if (frames.opcode === OPCODE_PONG && mayStop && this.answersPing(bytes, at)) return "swallow";
    if (!mayStop) return "pass";
    return this.judgeAmount();
  }

  private judgeAmount(): FrameVerdict {
    const { side, rules, limits } = this;
    const { frames } = side;
    if (frames.carriesMessage) {
      if (frames.opcode !== OPCODE_CONTINUATION) this.messageBytes = 0;
      this.messageBytes += frames.payloadLength;
      if (this.messageBytes > rules.messageBytesMax) return this.end(() => side.sentTooMuch());
    }
    if (limits.length === 0 || frames.opcode === OPCODE_CLOSE) return "pass";
    // A frame that is no part of a message's payload costs as much as a message: it could be sent without end.
    const counts = frames.opcode !== OPCODE_CONTINUATION || frames.payloadLength === 0 ? 1 : 0;
    let longestMs = 0;
    for (const { limit, spec } of limits) {
      const waitMs = limit.take(counts, frames.carriesMessage ? frames.payloadLength : 0);
      if (waitMs > 0 && !spec.delays) return this.end(() => side.sentTooFast(spec.directive));
      if (waitMs > longestMs) longestMs = waitMs;
    }
    if (longestMs === 0) return "pass";
    this.withheld = true;
    this.turn ??= new Deadline(side.clock, this);
    this.turn.set(longestMs);
    return "wait";
  }

  private end(stop: () => void): FrameVerdict {
    this.withheld = true;
    this.muted = true;
    this.stop = stop;
    return "over";
  }

  /** A pong to a ping of the gateway, which the frame cursor has met as a whole. */
  private answersPing(bytes: Buffer, at: number): boolean {
    const { frames } = this.side;
    if (this.heart === null || frames.payloadLength !== 8 || !frames.meetsPongs) return false;
    const masked = (bytes[at + 1]! & 0x80) !== 0;
    const start = masked ? at + 6 : at + 2;
    const payload = Buffer.from(bytes.subarray(start, start + 8));
    if (masked) applyMask(payload, 0, 8, bytes.readUInt32BE(at + 2), 0);
    return this.heart.takePong(payload.readDoubleBE(0), this.heardMs);
  }
}
