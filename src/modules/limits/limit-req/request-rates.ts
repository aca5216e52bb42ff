import type { Zone } from "../../../gateway/zones/zones.ts";
import { slabStates } from "../../../gateway/zones/slab.ts";
import { ZoneTable, nodeHeadBytes } from "../../../gateway/zones/zone-table.ts";
import type { TableShape } from "../../../gateway/zones/zone-table.ts";

/** Requests are counted in thousandths of one. */
export const oneRequest = 1000;

/** Clocks of people's time may be set back: what is younger by more than this was not measured by one clock. */
const backwardsMsMax = 60_000;

/** A state that was used within this time stays, whatever it says. */
const freshMs = 60_000;

const nodeBytes = 128;
// Behind the table's part of a node: a count of those who hold it, as a word; then two 64-bit numbers.
const countWord = nodeHeadBytes / 4;
const excessNumber = 3;
const lastMsNumber = 4;
const keyOffset = 40;

/** What a limit says of a request. */
export type Finding =
  /** Too many. */
  | "busy"
  /** Within the limit; counted. */
  | "passed"
  /** Within the limit; its state is held until `account` or `letGo`. */
  | "held"
  /** The zone is full of states that are held. */
  | "no memory";

/**
 * The states of a `limit_req_zone`: for each key how far its requests are ahead of the rate.
 * The same arithmetic in whole numbers as ngx_http_limit_req_module, so that the decisions are the same.
 */
export class RequestRates {
  /** Thousandths of a request per second. */
  readonly rate: number;
  /** Of the last request that was looked up or accounted, in thousandths. */
  excess = 0;
  private readonly table: ZoneTable;
  /** The state that the current request holds; 0 for none. Requests pass the limits one after the other. */
  private node = 0;

  /** `worker`: number of this thread. */
  constructor(zone: Zone, rate: number, worker: number) {
    this.rate = rate;
    const shape: TableShape = {
      keysMax: slabStates(zone.size, nodeBytes),
      nodesMax: slabStates(zone.size, nodeBytes),
      nodeBytes,
      keyOffset,
    };
    this.table = new ZoneTable(zone.region(ZoneTable.byteLength(shape)), shape, worker);
  }

  /** The memory, for what is not about requests. */
  get memory(): ZoneTable {
    return this.table;
  }

  /**
   * Looks a key up, and counts the request unless that makes more than `burst` (thousandths) too many.
   * With `last` false it is not counted yet: a further limit may refuse it.
   */
  look(key: string, burst: number, last: boolean, nowMs: number): Finding {
    const { table } = this;
    table.select(key);
    table.lock();
    const node = table.first();
    const finding = node === 0 ? this.begin(last, nowMs) : this.weigh(node, burst, last, nowMs);
    table.unlock();
    return finding;
  }

  /** Counts the request that holds a state. False when none is held. */
  account(nowMs: number): boolean {
    const { table, node } = this;
    if (node === 0) return false;
    this.node = 0;
    table.lock();
    this.excess = this.excessNow(node, nowMs);
    this.store(node, nowMs);
    this.hold(node, -1);
    table.unlock();
    return true;
  }

  /** Lets the held state go without counting the request. */
  letGo(): void {
    const { table, node } = this;
    if (node === 0) return;
    this.node = 0;
    table.lock();
    this.hold(node, -1);
    table.unlock();
  }

  private weigh(node: number, burst: number, last: boolean, nowMs: number): Finding {
    const { table } = this;
    table.touch(node);
    this.excess = this.excessNow(node, nowMs);
    if (this.excess > burst) return "busy";
    if (last) {
      this.store(node, nowMs);
      return "passed";
    }
    this.hold(node, 1);
    this.node = node;
    return "held";
  }

  private begin(last: boolean, nowMs: number): Finding {
    const { table } = this;
    this.excess = 0;
    this.expire(false, nowMs);
    let node = table.insert();
    if (node === 0) {
      this.expire(true, nowMs);
      node = table.insert();
      if (node === 0) return "no memory";
    }
    const at = table.word(node);
    table.numbers[at / 2 + excessNumber] = 0;
    table.numbers[at / 2 + lastMsNumber] = last ? nowMs : 0;
    table.words[at + countWord] = last ? 0 : 1;
    if (last) return "passed";
    this.node = node;
    return "held";
  }

  /** The excess with one more request. */
  private excessNow(node: number, nowMs: number): number {
    const { numbers } = this.table;
    const at = this.table.word(node) / 2;
    const spent = Math.floor((this.rate * elapsed(numbers[at + lastMsNumber]!, nowMs)) / 1000);
    return Math.max(numbers[at + excessNumber]! - spent + oneRequest, 0);
  }

  private store(node: number, nowMs: number): void {
    const { numbers } = this.table;
    const at = this.table.word(node) / 2;
    numbers[at + excessNumber] = this.excess;
    if (elapsed(numbers[at + lastMsNumber]!, nowMs) !== 0) numbers[at + lastMsNumber] = nowMs;
  }

  private hold(node: number, change: number): void {
    this.table.words[this.table.word(node) + countWord]! += change;
  }

  /** Removes one or two states that say nothing any more; with `force`, before them the oldest, whatever it says. */
  private expire(force: boolean, nowMs: number): void {
    const { table } = this;
    for (let step = force ? 0 : 1; step < 3; step++) {
      const node = table.oldest;
      if (node === 0) return;
      const at = table.word(node);
      // No sense in looking further: what is held was touched just now.
      if (table.words[at + countWord] !== 0) return;
      if (step > 0 && !this.isOver(at / 2, nowMs)) return;
      table.remove(node);
    }
  }

  private isOver(at: number, nowMs: number): boolean {
    const { numbers } = this.table;
    const ms = Math.abs(nowMs - numbers[at + lastMsNumber]!);
    return ms >= freshMs && numbers[at + excessNumber]! - Math.floor((this.rate * ms) / 1000) <= 0;
  }
}

function elapsed(lastMs: number, nowMs: number): number {
  const ms = nowMs - lastMs;
  if (ms >= 0) return ms;
  return ms < -backwardsMsMax ? 1 : 0;
}
