/** The few frames of HTTP/2 that the load generator writes itself (RFC 9113, section 6). */

export const frameHeaderBytes = 9;
export const frameTypes = { data: 0, headers: 1, settings: 4, goaway: 7, windowUpdate: 8 } as const;
export const flags = { endStream: 0x1, ack: 0x1, endHeaders: 0x4 } as const;
export const windowFirst = 65_535;
const windowMax = 0x7fff_ffff;
/** A window is opened again after so much: seldom enough to cost nothing. */
export const windowStep = 0x4000_0000;

/** A frame with its header. */
export function frame(type: number, flagBits: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(frameHeaderBytes);
  writeHeader(head, 0, payload.length, type, streamId);
  head[4] = flagBits;
  return Buffer.concat([head, payload]);
}

/** Header of a frame without flags. */
export function writeHeader(bytes: Buffer, at: number, length: number, type: number, streamId: number): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = 0;
  bytes.writeUInt32BE(streamId, at + 5);
}

/** WINDOW_UPDATE by `windowStep`; stream 0 is the connection. */
export function windowOpened(streamId: number): Buffer {
  return frame(frameTypes.windowUpdate, 0, streamId, uint32(windowStep));
}

export const settingsAck = frame(frameTypes.settings, flags.ack, 0, Buffer.alloc(0));

/** ENABLE_PUSH 0, and INITIAL_WINDOW_SIZE as large as it can be. */
const ourSettings = Buffer.concat([Buffer.from([0, 2, 0, 0, 0, 0, 0, 4]), uint32(windowMax)]);

/** What a client sends first: all windows as far open as they go. */
export const clientOpening = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(frameTypes.settings, 0, 0, ourSettings),
  frame(frameTypes.windowUpdate, 0, 0, uint32(windowMax - windowFirst)),
]);

/** A field block of literals that nobody has to remember (RFC 7541, section 6.2.2). Names and values below 127 bytes. */
export function fieldBlock(fields: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat(
    Object.entries(fields).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  );
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
