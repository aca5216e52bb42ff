/** How the simulated network behaves. Chances are from 0 to 1 and drawn from the network's seed. */
export interface Weather {
  /** One-way delay of each segment, drawn between these. */
  delayMsMin: number;
  delayMsMax: number;
  /** Longest piece that arrives in one go. */
  segmentBytesMax: number;
  /** What the kernels of both ends hold of one direction before the sender must wait. */
  kernelBytesMax: number;
  /** That the kernel takes only a part of a write although it had room. */
  partialWriteChance: number;
  /** Per segment: that it (and all after it) is held up, for up to `stallMsMax`. */
  stallChance: number;
  stallMsMax: number;
  /** Per segment: that the connection breaks, on both sides, instead of delivering it. */
  resetChance: number;
  /** Per dial: that it is refused though somebody listens. */
  refuseChance: number;
  /** Per dial: that it never gets an answer. */
  loseDialChance: number;
}

/** A lively but loss-free network: delays, odd segment sizes, partial writes. */
export function fairWeather(): Weather {
  return {
    delayMsMin: 0,
    delayMsMax: 2,
    segmentBytesMax: 64 * 1024,
    kernelBytesMax: 256 * 1024,
    partialWriteChance: 0.1,
    stallChance: 0,
    stallMsMax: 0,
    resetChance: 0,
    refuseChance: 0,
    loseDialChance: 0,
  };
}
