/**
 * The WebSocket bytes that load generator and backend agree on, written out once so that neither
 * has to build anything per message.
 *
 * Client frames carry a masking key of zero: a legal key under which the payload is its own masked
 * form, so both ends save the XOR, which would otherwise cost them more than the proxy's work.
 */
import { createHash } from "node:crypto";

/** One key for all handshakes; the accept value then is one as well. */
export const handshakeKey = "bG9uZ2hhdWwgYmVuY2htaw==";

const acceptMagic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455, 4.2.2). */
export function acceptValue(key: string): string {
  return createHash("sha1")
    .update(key + acceptMagic)
    .digest("base64");
}

export const opcode = { binary: 0x2, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** Close frames with code 1000, as each side sends them. */
export const clientClose = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);
export const serverClose = Buffer.from([0x88, 0x02, 0x03, 0xe8]);

/** Smallest payload that has room for the stamp. */
export const payloadBytesMin = 8;

function frameHeader(size: number, masked: boolean): number[] {
  const mask = masked ? 0x80 : 0;
  const key = masked ? [0, 0, 0, 0] : [];
  const first = 0x80 | opcode.binary;
  if (size < 126) return [first, mask | size, ...key];
  if (size < 65536) return [first, mask | 126, size >> 8, size & 0xff, ...key];
  const long = [0, 0, 0, 0, size >>> 24, (size >> 16) & 0xff, (size >> 8) & 0xff, size & 0xff];
  return [first, mask | 127, ...long, ...key];
}

/** Bytes that repeat only after 1 MiB or so, so that a misplaced piece never passes for the right one. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i += 1) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;
  return bytes;
}

/**
 * A frame whose payload starts with a stamp (tunnel, sequence), so that a reply that belongs to
 * another tunnel or another message is noticed.
 */
export class StampedFrame {
  readonly bytes: Buffer;
  readonly #stampAt: number;

  constructor(payloadBytes: number, masked: boolean) {
    if (payloadBytes < payloadBytesMin) throw new RangeError(`payload below ${payloadBytesMin} bytes`);
    const header = frameHeader(payloadBytes, masked);
    this.bytes = Buffer.concat([Buffer.from(header), pattern(payloadBytes)]);
    this.#stampAt = header.length;
  }

  stamp(tunnel: number, sequence: number): Buffer {
    this.bytes.writeUInt32LE(tunnel, this.#stampAt);
    this.bytes.writeUInt32LE(sequence, this.#stampAt + 4);
    return this.bytes;
  }
}

/** Paths that the backend serves. */
export const paths = {
  echo: "/echo",
  broadcast: "/broadcast",
  /** Not proxied: each byte sent here starts one round of the broadcast. */
  broadcastControl: "/broadcast-control",
  small: "/small",
  download: "/download",
  /** Served by the proxy itself. */
  files: "/files/",
  smallFile: "/files/small",
  largeFile: "/files/large",
  /** Answered by the proxy itself, with `smallBody`. */
  expressions: "/expressions/",
  post: "/expressions/2024/05/how-to-keep-connections-open/",
} as const;

/** The body of `paths.small`. */
export const smallBody = "hello from the backend\n";

/** The file of `paths.smallFile`. */
export const smallFileBody = pattern(1024);

/** `paths.download` and `paths.largeFile` are this many bytes of `pattern(downloadPeriodBytes)` over and over. */
export const downloadBytes = 10 * 1024 * 1024;
export const downloadPeriodBytes = 1024 * 1024;
