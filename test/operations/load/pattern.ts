/** Bytes whose place can be told from their value: 64 KiB from a fixed generator, the same in every process. */
export const pattern = Buffer.allocUnsafeSlow(65_536);

let state = 0x2545f491;
for (let i = 0; i < pattern.length; i += 1) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  pattern[i] = state & 0xff;
}

/** The first index at which two buffers differ; -1 when they are equal. */
export function firstDifference(actual: Buffer, expected: Buffer): number {
  if (actual.equals(expected)) return -1;
  const common = Math.min(actual.length, expected.length);
  for (let i = 0; i < common; i += 1) if (actual[i] !== expected[i]) return i;
  return common;
}

/** A body of `length` bytes, as the backend sends it for `/body?bytes=`. */
export function bodyOf(length: number): Buffer {
  const body = Buffer.allocUnsafe(length);
  for (let at = 0; at < length; at += pattern.length) pattern.copy(body, at);
  return body;
}
