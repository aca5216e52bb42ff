/** Up to this size an input is cut at every byte; larger ones at the ends, around powers of two, and at steps. */
const EVERY_BYTE_MAX = 1500;
const STEP = 211;

/** Where to cut an input of `length` bytes in two. */
export function* cutsOf(length: number): Generator<number> {
  for (let at = 1; at < length; at++) {
    if (length <= EVERY_BYTE_MAX || at < 64 || length - at < 64 || at % STEP === 0 || nearPowerOfTwo(at))
      yield at;
  }
}

function nearPowerOfTwo(at: number): boolean {
  const nearest = 2 ** Math.round(Math.log2(at));
  return nearest >= 1024 && Math.abs(nearest - at) <= 3;
}
