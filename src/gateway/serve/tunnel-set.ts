import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { Network } from "../../net/network.ts";
import type { OpenTunnel } from "./gateway.ts";

/** So many more tunnels are worth a collection of garbage, whose cost grows with all that are open. */
const grownMin = 256;
const grownPart = 1 / 4;
/** With more tunnels the pause (on Bun 4 ms for each thousand, on Node 13) is longer than what it brings is worth. */
const collectedMax = 10_000;
/** The same for a thorough collection, which takes Node 33 ms for each thousand. */
const thoroughMax = 3000;

/** After a rush, which is over when no tunnel has been opened for so long. */
const quietMs = 50;
/** A rush that does not end is not waited for longer. */
const rushMsMax = 3000;

/**
 * The open tunnels of a gateway. Opening one takes several times the memory that it needs from then on,
 * and a runtime that has nothing more to do is in no hurry to collect that: it is told when a rush is over.
 */
export class TunnelSet extends Set<OpenTunnel> implements DeadlineOwner {
  private readonly network: Network;
  private readonly quiet: Deadline;
  /** How many there were at the last collection, or fewest since. */
  private level = 0;
  /** When the rush is at its end at the latest; 0 while there is none. */
  private rushEndMs = 0;
  /** Tunnels have come in a rush, so it is not only a configuration that was replaced. */
  private grown = false;

  constructor(network: Network) {
    super();
    this.network = network;
    this.quiet = new Deadline(network.clock, this);
  }

  /** A tunnel has been opened; many in a short time are a rush. */
  override add(tunnel: OpenTunnel): this {
    super.add(tunnel);
    if (this.size >= this.level + Math.max(grownMin, this.level * grownPart)) {
      this.grown = true;
      this.awaitQuiet();
    }
    return this;
  }

  /** A tunnel has ended. Returns false when it had been deleted before. */
  override delete(tunnel: OpenTunnel): boolean {
    const known = super.delete(tunnel);
    if (this.size < this.level) this.level = this.size;
    return known;
  }

  /** A configuration was replaced: what the old one leaves behind is as much as a rush of tunnels. */
  configurationReplaced(): void {
    this.awaitQuiet();
  }

  onDeadline(): void {
    const thoroughly = this.grown && this.size <= thoroughMax;
    this.rushEndMs = 0;
    this.grown = false;
    this.level = this.size;
    if (this.size <= collectedMax) this.network.giveBackMemory(thoroughly);
  }

  private awaitQuiet(): void {
    const now = this.network.clock.now();
    if (this.rushEndMs === 0) this.rushEndMs = now + rushMsMax;
    this.quiet.set(Math.min(quietMs, Math.max(0, this.rushEndMs - now)));
  }
}
