import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { DeadlineOwner } from "../deadline.ts";

/** So much has to be received before its memory is worth a collection. */
const worthBytes = 8 * 1024 * 1024;
/** Nothing has come for so long: whoever receives is at rest, or waits for somebody who takes nothing. */
const quietMs = 50;
/**
 * Bun receives into fresh memory, up to half a megabyte at once, and collects that late: a download of a gigabyte
 * that stalls would leave 40 to 60 MiB behind for as long as nothing else happens.
 */
export class ReceivedMemory implements DeadlineOwner {
  private readonly quiet: Deadline;
  private readonly collect: () => void;
  private bytes = 0;
  /** What there was when the deadline was set: a thread that was held up must not take itself for idle. */
  private bytesThen = 0;

  constructor(clock: Clock, collect: () => void) {
    this.quiet = new Deadline(clock, this);
    this.collect = collect;
  }

  /** So many bytes have been received in one piece. */
  count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > worthBytes && !this.quiet.armed) this.awaitQuiet();
  }

  onDeadline(): void {
    if (this.bytes !== this.bytesThen) return this.awaitQuiet();
    this.bytes = 0;
    this.collect();
  }

  private awaitQuiet(): void {
    this.bytesThen = this.bytes;
    this.quiet.set(quietMs);
  }
}
