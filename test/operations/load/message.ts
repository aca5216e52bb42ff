/** The frames of the tunnels' conversation (RFC 6455, section 5.2), and what each message has to say. */
import { pattern } from "./pattern.ts";

export const opcodes = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A client's frame, masked. */
export function clientFrame(opcode: number, payload: Buffer, fin = true): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = Buffer.allocUnsafe(6 + extended + length);
  frame[0] = (fin ? 0x80 : 0) | opcode;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) frame.writeUInt16BE(length, 2);
  if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  // Long payloads carry a key of zero, which is legal and saves the client's time.
  const key = length < 512 ? [0x37, 0xfa, 0x21, 0x3d] : [0, 0, 0, 0];
  const at = 6 + extended;
  frame.set(key, at - 4);
  payload.copy(frame, at);
  if (length < 512) for (let i = 0; i < length; i += 1) frame[at + i]! ^= key[i & 3]!;
  return frame;
}

/** Cuts a server's bytes into frames. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** Bytes of a frame that has not come whole. */
  get pending(): number {
    return this.#pending.length;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The next frame; null when it is not complete. @throws Error for what no server may send */
  next(): Frame | null {
    const bytes = this.#pending;
    if (bytes.length < 2) return null;
    const first = bytes[0]!;
    const short = bytes[1]!;
    if ((first & 0x70) !== 0 || short > 127 || ![0, 2, 8, 9, 10].includes(first & 0x0f)) {
      throw new Error(
        `no frame of this conversation: ${bytes.toString("hex", 0, Math.min(16, bytes.length))}`,
      );
    }
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = 2 + extended;
    if (bytes.length < start) return null;
    const length = extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : bytes.readUIntBE(4, 6);
    if (bytes.length < start + length) return null;
    this.#pending = bytes.subarray(start + length);
    const payload = bytes.subarray(start, start + length);
    return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload };
  }
}

/** Lengths that need each kind of frame header, and some that fill several segments. */
const bodyLengths = [0, 80, 101, 400, 3000, 120, 17, 90, 1400, 60, 40_000, 110];

/** The payload of a tunnel's message: who, which, and bytes that only this message has at this place. */
export function messageOf(tunnel: number, number: number): Buffer {
  const length = bodyLengths[(tunnel * 5 + number) % bodyLengths.length]!;
  const from = (tunnel * 131 + number * 17) % (pattern.length - length);
  const head = Buffer.from(`tunnel ${tunnel} message ${number}:`, "latin1");
  return Buffer.concat([head, pattern.subarray(from, from + length)]);
}

/** The number that a payload claims; null when it is none of the tunnel's messages. */
export function numberOf(tunnel: number, payload: Buffer): number | null {
  const match = /^tunnel (\d+) message (\d+):/.exec(payload.toString("latin1", 0, 60));
  return match === null || Number(match[1]) !== tunnel ? null : Number(match[2]);
}

/** What the two ends of a tunnel say. */
export interface Conversation {
  readonly path: string;
  /** The payload of the server's data frame `number`. */
  due(tunnel: number, number: number): Buffer;
}

/** The client's messages come back. */
export const echoing: Conversation = { path: "/echo", due: messageOf };

/** The server sends one endless message in fragments of this length. */
export const fragmentBytes = 1_000;
const fragmentsBeforeRepeat = 60;

export function fragmentOf(number: number): Buffer {
  const from = (number % fragmentsBeforeRepeat) * fragmentBytes;
  return pattern.subarray(from, from + fragmentBytes);
}

export const fragments: Conversation = {
  path: "/fragments",
  due: (_tunnel, number) => fragmentOf(number),
};
