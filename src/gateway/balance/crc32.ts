const POLYNOMIAL = 0xedb88320;

const TABLE = new Int32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = (remainder >>> 1) ^ (remainder & 1 ? POLYNOMIAL : 0);
  }
  TABLE[byte] = remainder;
}

/** The register before the first byte; see `crc32Update`. */
export const CRC32_START = -1;

/** Feeds text, one char per byte, into the CRC register. */
export function crc32Update(register: number, text: string): number {
  for (let at = 0; at < text.length; at++) {
    register = (register >>> 8) ^ TABLE[(register ^ text.charCodeAt(at)) & 0xff]!;
  }
  return register;
}

/** Feeds a 32-bit number into the CRC register, lowest byte first. */
export function crc32UpdateWord(register: number, word: number): number {
  for (let shift = 0; shift < 32; shift += 8) {
    register = (register >>> 8) ^ TABLE[(register ^ (word >>> shift)) & 0xff]!;
  }
  return register;
}

/** The checksum, unsigned, that a register holds. */
export function crc32Final(register: number): number {
  return ~register >>> 0;
}

/** CRC-32 (IEEE 802.3) of text with one char per byte, unsigned. */
export function crc32(text: string): number {
  return crc32Final(crc32Update(CRC32_START, text));
}
