import { judgeClose, readClose } from "./close-frame.ts";
import type { CloseFrame, Violation } from "./close-frame.ts";
import { CLOSE_PROTOCOL_ERROR } from "./close-codes.ts";
import { applyMask } from "./frame-writer.ts";
import {
  CONTROL_PAYLOAD_MAX,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PONG,
} from "./frames.ts";

const maskBytes = 4;
/** The longest header: two bytes, a length of eight, a mask. */
const headerBytesMax = 14;
/** The longest control frame. */
const controlBytesMax = 2 + maskBytes + CONTROL_PAYLOAD_MAX;
/** Payload of the gateway's own pings, bytes. */
const ownPingBytes = 8;

/** Which frames are judged, and by what. */
export interface FrameRules {
  /** Frames from a client must be masked, frames from a server must not. */
  readonly from: "client" | "server";
  /** "deflate": RSV1 may be set on the first frame of a message; "any": an unknown extension may set what it likes. */
  readonly reserved: "none" | "deflate" | "any";
}

/** Where in a chunk the payload of a frame is. */
interface PayloadPlace {
  readonly start: number;
  readonly end: number;
  readonly masked: boolean;
}

/**
 * Where in a frame one direction of a WebSocket connection stands (RFC 6455, section 5.2), and what has gone by.
 *
 * It looks at headers and close frames and steps over everything else. A chunk that is one frame costs a few
 * comparisons; memory is allocated only when a header is cut, and for close frames. What breaks the rules is noted
 * and followed on as far as it makes sense: what comes of it is the owner's business.
 */
export class FrameCursor {
  /** Opcode of the frame that is under way, or went by last. */
  opcode = 0;
  /** It is the last frame of its message. */
  final = true;
  /** Payload bytes of that frame, as its header tells. */
  payloadLength = 0;
  /** The rule that was broken first; null while none was, or where nothing is judged. */
  violation: Violation | null = null;
  /** What the close frame said; null before it went by, and where what went before broke the rules. */
  close: CloseFrame | null = null;
  /** Set with each frame of a message that is met; its owner takes it back. */
  metMessage = false;
  /** Pongs with eight bytes are met as a whole: one of them may answer a ping of the gateway. */
  meetsPongs = false;
  /**
   * The beginning of a frame that was cut before what has to be known of it was there, or has been until the frame
   * was met; the first `keptBytes` of it count. Null otherwise.
   */
  kept: Buffer | null = null;
  keptBytes = 0;
  private inMessage = false;
  /** Headers of final frames of messages, and the payload bytes that headers of messages told. */
  private finals = 0;
  private toldBytes = 0;
  /** Bytes of the frame under way that have not come yet; infinite when its length makes no sense. */
  private left = 0;
  private waiting = false;
  private readonly rules: FrameRules | null;
  /** Of the second byte, as it should be; -1 where it is not known. */
  private readonly maskBit: number;

  /** @param rules null: nothing is judged */
  constructor(rules: FrameRules | null = null) {
    this.rules = rules;
    this.maskBit = rules === null ? -1 : rules.from === "client" ? 0x80 : 0;
  }

  /** A close frame has begun: it is the last frame of this direction. */
  get closing(): boolean {
    return this.opcode === OPCODE_CLOSE;
  }

  /** True between two frames, where a control frame of one's own may stand. */
  get atBoundary(): boolean {
    return this.left === 0 && !this.waiting;
  }

  /** A frame that has been met is under way. */
  get inFrame(): boolean {
    return this.left > 0;
  }

  /** A frame has begun of which not enough is known; `kept` holds what there is. */
  get cut(): boolean {
    return this.waiting;
  }

  /** A message has begun of which not all has gone by, or a frame has. */
  get midMessage(): boolean {
    return this.inMessage || this.left > 0;
  }

  /** True where a message may begin, and nothing of a frame is there. */
  get betweenMessages(): boolean {
    return !this.midMessage && !this.waiting;
  }

  /** The close frame has gone by as a whole. */
  get closed(): boolean {
    return this.closing && this.atBoundary;
  }

  /** The frame that was met last is a part of a message. */
  get carriesMessage(): boolean {
    return this.opcode < OPCODE_CLOSE;
  }

  /** Messages that have gone by as a whole. */
  get messages(): number {
    return this.left > 0 && this.final && this.carriesMessage ? this.finals - 1 : this.finals;
  }

  /** Payload bytes of messages that have gone by. */
  get payloadBytes(): number {
    if (this.left === 0 || !this.carriesMessage) return this.toldBytes;
    return this.left === Infinity ? this.toldBytes : this.toldBytes - Math.min(this.left, this.payloadLength);
  }

  /** Another connection goes on where the one before ended: between two messages. Counts go on, too. */
  reopen(): void {
    this.opcode = 0;
    this.final = true;
    this.close = null;
    this.kept = null;
    this.waiting = false;
  }

  /** Goes past a chunk. */
  pass(bytes: Uint8Array): void {
    const end = bytes.length;
    for (let at = 0; at < end;) {
      const next = this.left === 0 ? this.passUsual(bytes, at) : 0;
      at = next === 0 ? this.advance(bytes, at) : next;
    }
    if (!this.waiting) this.kept = null;
  }

  /** Goes past a frame that nearly all are like: a message of its own, which breaks no rule, as a whole. 0: it is another one. */
  private passUsual(bytes: Uint8Array, at: number): number {
    const first = bytes[at]!;
    if ((first !== 0x81 && first !== 0x82) || this.waiting || this.inMessage || this.closing) return 0;
    if (at + 4 > bytes.length) return 0;
    const second = bytes[at + 1]!;
    if ((second & 0x80) !== this.maskBit) return 0;
    let length = second & 0x7f;
    let next = at + 2 + (second >> 7) * maskBytes;
    if (length > 125) {
      if (length === 127) return 0;
      length = bytes[at + 2]! * 256 + bytes[at + 3]!;
      next += 2;
    }
    next += length;
    if (next > bytes.length) return 0;
    this.opcode = first & 0x0f;
    this.final = true;
    this.payloadLength = length;
    this.finals += 1;
    this.toldBytes += length;
    this.metMessage = true;
    return next;
  }

  /**
   * Goes on from `bytes[at]`: to the end of the payload that is under way, or else to where the next frame is met: behind
   * its header, or behind all of it if that is what has to be known. @returns how far; the end when there is more to come
   */
  advance(bytes: Uint8Array, at: number): number {
    const end = bytes.length;
    if (this.left > 0) return this.skip(at, end);
    if (this.waiting) return this.mend(bytes, at);
    // What follows a close frame belongs to no frame.
    if (this.closing) return end;
    const size = this.sizeToMeet(bytes, at, end - at);
    if (size > end - at) return this.keep(bytes, at);
    this.meet(bytes, at, size);
    return at + size;
  }

  private skip(at: number, end: number): number {
    const { left } = this;
    if (left > end - at) {
      this.left = left - (end - at);
      return end;
    }
    this.left = 0;
    return at + left;
  }

  /** What has to be known of the frame ends with a later chunk. */
  private keep(bytes: Uint8Array, at: number): number {
    this.waiting = true;
    this.keptBytes = 0;
    this.kept = Buffer.alloc(headerBytesMax);
    this.opcode = bytes[at]! & 0x0f;
    return this.mend(bytes, at);
  }

  /** Puts together what has to be known of a frame that was cut. */
  private mend(bytes: Uint8Array, at: number): number {
    for (;;) {
      const size = this.sizeToMeet(this.kept!, 0, this.keptBytes);
      if (this.keptBytes === size) {
        this.waiting = false;
        this.meet(this.kept!, 0, size);
        return at;
      }
      if (at === bytes.length) return at;
      const taken = Math.min(size - this.keptBytes, bytes.length - at);
      this.roomFor(size).set(bytes.subarray(at, at + taken), this.keptBytes);
      this.keptBytes += taken;
      at += taken;
    }
  }

  private roomFor(size: number): Buffer {
    const { kept } = this;
    if (size <= kept!.length) return kept!;
    const larger = Buffer.alloc(controlBytesMax);
    kept!.copy(larger);
    this.kept = larger;
    return larger;
  }

  /** Bytes from the frame's beginning that must be there before it is met, as far as `there` bytes of it tell. */
  private sizeToMeet(bytes: Uint8Array, at: number, there: number): number {
    if (there < 2) return 2;
    const size = headerBytes(bytes[at + 1]!);
    if (there < size) return size;
    const opcode = bytes[at]! & 0x0f;
    if (opcode < OPCODE_CLOSE) return size;
    const length = bytes[at + 1]! & 0x7f;
    const whole =
      opcode === OPCODE_CLOSE
        ? length <= CONTROL_PAYLOAD_MAX
        : this.meetsPongs && opcode === OPCODE_PONG && length === ownPingBytes;
    return whole ? size + length : size;
  }

  /** The frame that begins at `bytes[at]`, whose first `size` bytes are there. */
  private meet(bytes: Uint8Array, at: number, size: number): void {
    const first = bytes[at]!;
    const second = bytes[at + 1]!;
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    const header = headerBytes(second);
    const length = lengthOf(bytes, at, second & 0x7f);
    if (this.rules !== null) this.judge(this.rules, first, second, length);
    this.opcode = opcode;
    this.final = final;
    this.payloadLength = length;
    this.left = header + length - size;
    if (opcode < OPCODE_CLOSE) {
      this.metMessage = true;
      this.inMessage = !final;
      if (final) this.finals += 1;
      this.toldBytes += length;
    } else if (opcode === OPCODE_CLOSE)
      this.meetClose(bytes, { start: at + header, end: at + size, masked: (second & 0x80) !== 0 });
  }

  private meetClose(bytes: Uint8Array, { start, end, masked }: PayloadPlace): void {
    // Where frames are no frames any more, one that looks like this means nothing.
    if (this.violation !== null) return;
    const payload = Buffer.from(bytes.subarray(start, end));
    if (masked)
      applyMask(
        payload,
        0,
        payload.length,
        Buffer.from(bytes.subarray(start - maskBytes, start)).readUInt32BE(0),
        0,
      );
    this.close = readClose(payload);
    if (this.rules !== null) this.violation = judgeClose(payload);
  }

  private judge(rules: FrameRules, first: number, second: number, length: number): void {
    if (this.violation !== null) return;
    const rule = brokenRule(rules, first, second, this.inMessage);
    const broken = rule === "" && length === Infinity ? "length over 2^63" : rule;
    if (broken !== "") this.violation = { rule: broken, code: CLOSE_PROTOCOL_ERROR };
  }
}

/** The rule of RFC 6455, sections 5.1 to 5.5, that the first two bytes of a frame break; "" for none. */
function brokenRule(
  { from, reserved }: FrameRules,
  first: number,
  second: number,
  inMessage: boolean,
): string {
  const opcode = first & 0x0f;
  const bits = first & 0x70;
  if (bits !== 0 && reserved !== "any") {
    const compressed = bits === 0x40 && reserved === "deflate" && opcode > 0 && opcode <= OPCODE_BINARY;
    if (!compressed) return "reserved bits are set";
  }
  if ((second & 0x80) === 0 && from === "client") return "unmasked frame from a client";
  if ((second & 0x80) !== 0 && from === "server") return "masked frame from a server";
  if (opcode >= OPCODE_CLOSE) {
    if (opcode > OPCODE_PONG) return reserved === "any" ? "" : "reserved opcode";
    if ((first & 0x80) === 0) return "fragmented control frame";
    return (second & 0x7f) > CONTROL_PAYLOAD_MAX ? "control frame over 125 bytes" : "";
  }
  if (opcode > OPCODE_BINARY) return reserved === "any" ? "" : "reserved opcode";
  if (opcode === OPCODE_CONTINUATION) return inMessage ? "" : "continuation without a message";
  return inMessage ? "new message inside a message" : "";
}

/** Bytes of a header with this second byte, mask included. */
function headerBytes(second: number): number {
  const length = second & 0x7f;
  const masked = (second & 0x80) === 0 ? 0 : maskBytes;
  if (length < 126) return 2 + masked;
  return (length === 126 ? 4 : 10) + masked;
}

/** Infinite for a length of which the first bit is set: that makes no sense. */
function lengthOf(bytes: Uint8Array, at: number, short: number): number {
  if (short < 126) return short;
  if (short === 126) return bytes[at + 2]! * 256 + bytes[at + 3]!;
  if ((bytes[at + 2]! & 0x80) !== 0) return Infinity;
  let length = 0;
  for (let p = at + 2; p < at + 10; p++) length = length * 256 + bytes[p]!;
  return length;
}
