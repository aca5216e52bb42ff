import type { Clock, Timer } from "../../net/clock.ts";
import type { Connection } from "../../net/connection.ts";
import { PooledConnection } from "../upstream/pooled-connection.ts";

/** How long a server may take to close its side once the check is over. */
const farewellMs = 1000;

/**
 * The connection of one check. Servers log one that vanishes as an error: it is ended in order, and what still comes is
 * taken. Who does not close his side in time is dropped.
 */
export class ProbeConnection extends PooledConnection {
  private readonly clock: Clock;
  private timer: Timer | null = null;

  constructor(connection: Connection, clock: Clock) {
    super(connection, "", clock, { onDeadline: () => undefined });
    this.clock = clock;
  }

  /** Ends this side, and gives the other one some time. */
  override close(): void {
    const { connection } = this;
    this.deadline.dispose();
    if (this.timer !== null || !connection.open) return;
    connection.owner = this;
    connection.resume();
    connection.shutdown();
    this.timer = this.clock.timer(farewellMs, () => connection.close());
  }

  /** Ends it at once. */
  cut(): void {
    this.timer?.cancel();
    this.deadline.dispose();
    this.connection.close();
  }

  override onClose(): void {
    this.timer?.cancel();
  }
}
