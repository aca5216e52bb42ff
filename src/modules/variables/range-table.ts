import { formatIp } from "../../net/address.ts";

interface AddressRange {
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** A run of ranges is cut in two beyond this length: adding to it moves what lies behind. */
const runLengthMax = 512;

/**
 * Values by ranges of IPv4 addresses, both ends included. The ranges lie in order in runs of bounded length,
 * so that adding one costs little wherever it belongs: files list them in any order, 100,000 and more.
 */
export class RangeTable {
  /** In order, none overlapping; no run is empty. */
  private runs: AddressRange[][] = [];
  /** Ranges looked at or moved, so that a test can tell how the work grows. */
  steps = 0;

  /**
   * Adds a range; it may lie inside one that is there, and takes its part of it.
   *
   * @returns what was there: the old value of the same range, or one that overlaps and forbids it
   */
  add(start: number, end: number, value: string): { old?: string; overlaps?: string } {
    const run = this.runOf(start);
    const index = this.indexOf(start, run);
    const hit = run[index];
    if (hit === undefined || hit.start > end) {
      this.replace(run, index, 0, [{ start, end, value }]);
      return {};
    }
    if (hit.start === start && hit.end === end) {
      run[index] = { start, end, value };
      return { old: hit.value };
    }
    if (start < hit.start || end > hit.end)
      return { overlaps: `${ipv4Text(hit.start)}-${ipv4Text(hit.end)}` };
    const pieces: AddressRange[] = [];
    if (hit.start < start) pieces.push({ ...hit, end: start - 1 });
    pieces.push({ start, end, value });
    if (hit.end > end) pieces.push({ ...hit, start: end + 1 });
    this.replace(run, index, 1, pieces);
    return {};
  }

  /** Takes a range away; false unless there is one with these very ends. */
  delete(start: number, end: number): boolean {
    const run = this.runOf(start);
    const index = this.indexOf(start, run);
    const found = run[index];
    if (found?.start !== start || found.end !== end) return false;
    this.replace(run, index, 1, []);
    return true;
  }

  /** The value for an IPv4 address as a number; undefined outside all ranges. */
  find(address: number): string | undefined {
    const run = this.runOf(address);
    const range = run[this.indexOf(address, run)];
    return range !== undefined && range.start <= address ? range.value : undefined;
  }

  /** The run that holds the first range that ends at `address` or behind; the last one for none. */
  private runOf(address: number): AddressRange[] {
    const { runs } = this;
    if (runs.length === 0) runs.push([]);
    let low = 0;
    let high = runs.length - 1;
    while (low < high) {
      this.steps += 1;
      const middle = (low + high) >> 1;
      if (runs[middle]!.at(-1)!.end >= address) high = middle;
      else low = middle + 1;
    }
    return runs[low]!;
  }

  /** Its index there. */
  private indexOf(address: number, run: readonly AddressRange[]): number {
    let low = 0;
    let high = run.length;
    while (low < high) {
      this.steps += 1;
      const middle = (low + high) >> 1;
      if (run[middle]!.end >= address) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  private replace(run: AddressRange[], index: number, count: number, pieces: AddressRange[]): void {
    this.steps += run.length - index;
    run.splice(index, count, ...pieces);
    if (run.length > 0 && run.length <= runLengthMax) return;
    const at = this.runs.indexOf(run);
    this.steps += at;
    const halves = run.length === 0 ? [] : [run.splice(0, run.length >> 1), run];
    this.runs.splice(at, 1, ...halves);
  }
}

function ipv4Text(address: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(address);
  return formatIp(bytes);
}
