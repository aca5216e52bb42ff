import { slabStates } from "../../../gateway/zones/slab.ts";
import { nodeHeadBytes, ZoneTable } from "../../../gateway/zones/zone-table.ts";
import type { TableShape } from "../../../gateway/zones/zone-table.ts";
import type { Zone } from "../../../gateway/zones/zones.ts";

const nodeBytes = 128;
// Behind the table's part of a node: three 64-bit numbers.
const messagesNumber = (nodeHeadBytes + 4) / 8;
const bytesNumber = messagesNumber + 1;
const lastMsNumber = messagesNumber + 2;
const keyOffset = (lastMsNumber + 1) * 8;

/** Clocks of people's time may be set back: what is younger by more than this was not measured by one clock. */
const backwardsMsMax = 60_000;

/** So much may come at once before bytes have to wait: a rate says how much a second brings. */
const bytesAtOnceMs = 1000;

/** What a zone allows each key; Infinity for no limit. */
export interface ZoneRate {
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
}

/** What one frame costs, and what it may find. */
export interface FrameCharge {
  readonly key: string;
  messages: number;
  bytes: number;
  /** So many messages may be ahead of the rate. */
  readonly burst: number;
  /** What comes too early is charged, and waits; else it is refused, and costs nothing. */
  readonly waits: boolean;
  /** Of the clock that all threads share. */
  nowMs: number;
}

/**
 * The accounts of a `websocket_limit_zone`: for each key how far its messages and their bytes are ahead of the rate, as
 * the milliseconds in which the rate allows that much.
 */
export class MessageRates {
  private readonly table: ZoneTable;
  private readonly rate: ZoneRate;

  /** `worker`: number of this thread. */
  constructor(zone: Zone, rate: ZoneRate, worker: number) {
    this.rate = rate;
    const states = slabStates(zone.size, nodeBytes);
    const shape: TableShape = { keysMax: states, nodesMax: states, nodeBytes, keyOffset };
    this.table = new ZoneTable(zone.region(ZoneTable.byteLength(shape)), shape, worker);
  }

  /** The memory, for what is not about messages. */
  get memory(): ZoneTable {
    return this.table;
  }

  /** Charges a frame to its key. @returns milliseconds after which it is due; 0: at once */
  take(charge: FrameCharge): number {
    const { table, rate } = this;
    const { key, messages, bytes, burst, waits, nowMs } = charge;
    table.select(key);
    table.lock();
    const at = this.account(nowMs) / 2;
    const { numbers } = table;
    const lastMs = numbers[at + lastMsNumber]!;
    const passedMs = Math.max(0, nowMs - lastMs);
    let messagesMs = Math.max(0, numbers[at + messagesNumber]! - passedMs);
    let bytesMs = Math.max(0, numbers[at + bytesNumber]! - passedMs);
    const messageMs = 1000 / rate.messagesPerSecond;
    const earlyMs = Math.max(
      messages === 0 ? 0 : messagesMs - burst * messageMs,
      bytes === 0 ? 0 : bytesMs - bytesAtOnceMs,
    );
    const waitMs = earlyMs > 0 ? Math.ceil(earlyMs) : 0;
    if (waits || waitMs === 0) {
      messagesMs += messages * messageMs;
      bytesMs += (bytes * 1000) / rate.bytesPerSecond;
    }
    numbers[at + messagesNumber] = messagesMs;
    numbers[at + bytesNumber] = bytesMs;
    // The clocks of two threads differ a little: what has passed by the one does not pass again by the other.
    if (nowMs > lastMs || lastMs - nowMs > backwardsMsMax) numbers[at + lastMsNumber] = nowMs;
    table.unlock();
    return waitMs;
  }

  /** The word where the selected key's node begins; where there is no room the one goes that was used last longest ago. */
  private account(nowMs: number): number {
    const { table } = this;
    let node = table.first();
    if (node !== 0) {
      table.touch(node);
      return table.word(node);
    }
    node = table.insert();
    while (node === 0) {
      table.remove(table.oldest);
      node = table.insert();
    }
    const word = table.word(node);
    table.numbers.fill(0, word / 2 + messagesNumber, word / 2 + bytesNumber + 1);
    table.numbers[word / 2 + lastMsNumber] = nowMs;
    return word;
  }
}
