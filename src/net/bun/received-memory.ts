import type { Clock } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import type { DeadlineOwner } from "../deadline.ts";
import { requireBun } from "./api.ts";

/** So much has to be received before its memory is worth a collection. */
const worthBytes = 8 * 1024 * 1024;
/** Nothing has come for so long: whoever receives is at rest, or waits for somebody who takes nothing. */
const quietMs = 50;
/** A collection stops the thread for 4 ms for each thousand tunnels: with more sockets it is left to the runtime. */
const socketsMax = 10_000;

/**
 * Bun receives into fresh memory, up to half a megabyte at once, and collects that late: a download of a gigabyte
 * that stalls would leave 40 to 60 MiB behind for as long as nothing else happens.
 */
export class ReceivedMemory implements DeadlineOwner {
  private readonly quiet: Deadline;
  private readonly openSockets: () => number;
  private bytes = 0;

  constructor(clock: Clock, openSockets: () => number) {
    this.quiet = new Deadline(clock, this);
    this.openSockets = openSockets;
  }

  /** So many bytes have been received in one piece. */
  count(bytes: number): void {
    this.bytes += bytes;
    if (this.bytes > worthBytes) this.quiet.set(quietMs);
  }

  onDeadline(): void {
    this.bytes = 0;
    if (this.openSockets() <= socketsMax) requireBun().gc(true);
  }
}
