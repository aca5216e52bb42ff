/** What both runtimes' Buffers have, but their types do not tell: `toString` without looking up the encoding. */
interface Latin1Bytes {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, offset: number): number;
}

/** The bytes of `[start, end)` as a string with one character per byte. */
export function latin1(bytes: Buffer, start: number, end: number): string {
  return (bytes as Buffer & Latin1Bytes).latin1Slice(start, end);
}

/** Puts `text` into `bytes` at `offset`, one byte per character; returns how many were written. */
export function writeLatin1(bytes: Buffer, text: string, offset: number): number {
  return (bytes as Buffer & Latin1Bytes).latin1Write(text, offset);
}
