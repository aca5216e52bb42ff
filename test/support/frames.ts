/** WebSocket frames by hand (RFC 6455, section 5.2), for tests that work on raw sockets. */

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

const maskKey = Buffer.from([0x12, 0x34, 0x56, 0x78]);

/** `mask`: clients must, servers must not. */
export function encodeFrame(frame: Frame, mask: boolean): Buffer {
  const { length } = frame.payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extended);
  head[0] = (frame.fin ? 0x80 : 0) | frame.opcode;
  head[1] = (mask ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) head.writeUInt16BE(length, 2);
  if (extended === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return mask
    ? Buffer.concat([head, maskKey, masked(frame.payload, maskKey)])
    : Buffer.concat([head, frame.payload]);
}

/** An unfragmented text frame. */
export function textFrame(text: string, mask: boolean): Buffer {
  return encodeFrame({ fin: true, opcode: opcodes.text, payload: Buffer.from(text) }, mask);
}

/** The first frame of `bytes` and its length on the wire; null while it is incomplete. */
export function decodeFrame(bytes: Buffer): { frame: Frame; length: number } | null {
  if (bytes.length < 2) return null;
  const [first, second] = bytes as unknown as [number, number];
  const short = second & 0x7f;
  const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
  const hasMask = (second & 0x80) !== 0;
  const start = 2 + extended + (hasMask ? 4 : 0);
  if (bytes.length < start) return null;
  const size =
    extended === 0 ? short : extended === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return null;
  const payload = bytes.subarray(start, start + size);
  return {
    frame: {
      fin: (first & 0x80) !== 0,
      opcode: first & 0x0f,
      payload: hasMask ? masked(payload, bytes.subarray(start - 4, start)) : Buffer.from(payload),
    },
    length: start + size,
  };
}

function masked(payload: Buffer, key: Buffer): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (key[index & 3] as number)));
}
