/**
 * HalfSipHash-1-3 of words, with a secret of 64 bits: clients choose keys, and must not be able to choose
 * such as fall into one bucket.
 */
export function keyHash(words: Int32Array, count: number, secret0: number, secret1: number): number {
  let v0 = secret0;
  let v1 = secret1;
  let v2 = secret0 ^ 0x6c796765;
  let v3 = secret1 ^ 0x74656462;
  for (let index = 0; index < count + 4; index++) {
    // One round for each word, then three to finish.
    const word = index < count ? words[index]! : index === count ? count : 0;
    if (index === count + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = rotate(v1, 5) ^ v0;
    v0 = rotate(v0, 16);
    v2 = (v2 + v3) | 0;
    v3 = rotate(v3, 8) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = rotate(v3, 7) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = rotate(v1, 13) ^ v2;
    v2 = rotate(v2, 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
