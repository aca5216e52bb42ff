import { randomBytes } from "node:crypto";
import type { SharedMemory } from "../../../gateway/zones/shared-memory.ts";

/** Where nginx's two sequences begin; they go up by 0x100. */
const firstOfV1 = 1;
const firstOfV2 = 0x03030302;

/** Places in the common memory. */
const startPlace = 0;
const countOfV1 = 1;
const countOfV2 = 2;

/**
 * Makes the ids that `userid` gives to clients: 16 bytes out of the server's number or address, the time in
 * seconds, a number that the process began with, and a sequence. All threads draw from the same sequences,
 * so that no two ids are the same.
 */
export class UserIds {
  private readonly words: Int32Array;

  constructor(shared: SharedMemory) {
    this.words = new Int32Array(shared.region("userid", 3 * Int32Array.BYTES_PER_ELEMENT));
    const start = randomBytes(4).readInt32LE() | 1;
    Atomics.compareExchange(this.words, startPlace, 0, start);
  }

  /** Version 1: numbers in the order of bytes of the machine, of which nginx has little-endian ones. */
  v1(service: number, seconds: number): Buffer {
    const id = Buffer.alloc(16);
    id.writeUInt32LE(service >>> 0, 0);
    id.writeUInt32LE(seconds >>> 0, 4);
    id.writeUInt32LE(this.start, 8);
    const count = Atomics.add(this.words, countOfV1, 1);
    id.writeUInt32LE((firstOfV1 + count * 0x100) >>> 0, 12);
    return id;
  }

  /** Version 2: numbers in the order of bytes of networks; `origin` are 4 bytes that tell servers apart. */
  v2(origin: Uint8Array, seconds: number): Buffer {
    const id = Buffer.alloc(16);
    id.set(origin, 0);
    id.writeUInt32BE(seconds >>> 0, 4);
    id.writeUInt32BE(this.start, 8);
    id.writeUInt32BE(this.nextOfV2(), 12);
    return id;
  }

  private get start(): number {
    return Atomics.load(this.words, startPlace) >>> 0;
  }

  /** It never falls below its first number, as in nginx: 3 is the version that its last byte but one tells. */
  private nextOfV2(): number {
    const steps = Math.floor((0x1_0000_0000 - firstOfV2) / 0x100);
    const count = Atomics.add(this.words, countOfV2, 1) >>> 0;
    return firstOfV2 + (count % steps) * 0x100;
  }
}
