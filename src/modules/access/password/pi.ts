/** Bits that are computed beyond those that are wanted: the last ones are inexact. */
const guardBits = 64n;

let known = new Int32Array(0);

/** So many times 32 bits of what follows the point in π: where Blowfish takes its first state from. */
export function piWords(count: number): Int32Array {
  if (known.length < count) known = compute(count);
  return known.slice(0, count);
}

/** John Machin's formula: π/4 = 4 arctan(1/5) - arctan(1/239). */
function compute(count: number): Int32Array<ArrayBuffer> {
  const bits = 32 * count + Number(guardBits);
  const pi = 16n * inverseArctan(5, bits) - 4n * inverseArctan(239, bits);
  const digits = (pi & ((1n << BigInt(bits)) - 1n)) >> guardBits;
  const bytes = Buffer.from(digits.toString(16).padStart(8 * count, "0"), "hex");
  return Int32Array.from({ length: count }, (_, index) => bytes.readInt32BE(4 * index));
}

/** arctan(1/x) with so many bits behind the point, by its power series. */
function inverseArctan(x: number, bits: number): bigint {
  const terms = Math.ceil(bits / (2 * Math.log2(x))) + 1;
  const { numerator, odds, powers } = sum(0, terms, BigInt(x * x));
  return ((BigInt(x) * numerator) << BigInt(bits)) / (odds * powers);
}

/**
 * The terms `from` to `to` of the series, as numerator / (odds * powers): put together by halves, which
 * multiplies few large numbers instead of dividing by many small ones.
 */
function sum(from: number, to: number, square: bigint): { numerator: bigint; odds: bigint; powers: bigint } {
  if (to - from === 1) {
    return { numerator: from % 2 === 0 ? 1n : -1n, odds: BigInt(2 * from + 1), powers: square };
  }
  const middle = (from + to) >> 1;
  const low = sum(from, middle, square);
  const high = sum(middle, to, square);
  return {
    numerator: low.numerator * high.odds * high.powers + high.numerator * low.odds,
    odds: low.odds * high.odds,
    powers: low.powers * high.powers,
  };
}
