const multiplier = 0x5bd1e995;

/** MurmurHash2 with seed 0 over the bytes of a latin1 string, as an unsigned 32-bit number. */
export function murmurHash2(text: string): number {
  let hash = text.length;
  let at = 0;
  for (; text.length - at >= 4; at += 4) {
    let word =
      text.charCodeAt(at) |
      (text.charCodeAt(at + 1) << 8) |
      (text.charCodeAt(at + 2) << 16) |
      (text.charCodeAt(at + 3) << 24);
    word = Math.imul(word, multiplier);
    word = Math.imul(word ^ (word >>> 24), multiplier);
    hash = Math.imul(hash, multiplier) ^ word;
  }
  const rest = text.length - at;
  if (rest === 3) hash ^= text.charCodeAt(at + 2) << 16;
  if (rest >= 2) hash ^= text.charCodeAt(at + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ text.charCodeAt(at), multiplier);
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return (hash ^ (hash >>> 15)) >>> 0;
}
