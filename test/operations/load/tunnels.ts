import type { Ledger } from "../ledger.ts";
import { until } from "../until.ts";
import type { Target } from "./dial.ts";
import { echoing } from "./message.ts";
import type { Conversation } from "./message.ts";
import { Tunnel } from "./tunnel.ts";

/** Handshakes under way at once: fewer than the shortest listen queue. */
const openingMax = 50;
/** Each tunnel has one of these parts of every second to itself. */
const slots = 50;
const echoPatienceMs = 20_000;

/** Many tunnels, each of which sends one message a second. */
export class Tunnels {
  readonly all = new Set<Tunnel>();
  /** Of tunnels that have been closed again. */
  #echoedBefore = 0;
  #echoMaxMs = 0;
  readonly #targets: readonly Target[];
  readonly #ledger: Ledger;
  #nextId = 0;
  #slot = 0;
  #timer: NodeJS.Timeout | null = null;

  /** Targets take turns. */
  constructor(targets: readonly Target[], ledger: Ledger) {
    this.#targets = targets;
    this.#ledger = ledger;
  }

  /** Opens `count` more; those that fail are in the ledger. */
  async open(count: number, conversation: Conversation = echoing): Promise<Tunnel[]> {
    const opened: Tunnel[] = [];
    let left = count;
    const openSome = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const id = this.#nextId++;
        const target = this.#targets[id % this.#targets.length]!;
        const tunnel = await Tunnel.open(id, target, this.#ledger, conversation);
        if (tunnel === null) continue;
        this.all.add(tunnel);
        opened.push(tunnel);
      }
    };
    await Promise.all(Array.from({ length: Math.min(openingMax, count) }, openSome));
    return opened;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#slot = (this.#slot + 1) % slots;
      for (const tunnel of this.all) if (tunnel.id % slots === this.#slot) tunnel.send();
    }, 1000 / slots);
  }

  /** No more messages; what has been sent must come back. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    const isBack = (): true | null => (this.#missing().length === 0 ? true : null);
    await until("echoes", echoPatienceMs, isBack).catch(() => this.#recordMissing());
  }

  /** Closes tunnels as their clients would; by default all. */
  async close(tunnels: Iterable<Tunnel> = this.all): Promise<void> {
    const closing = [...tunnels];
    await Promise.all(closing.filter(({ isOpen }) => isOpen).map((tunnel) => tunnel.close()));
    for (const tunnel of closing) {
      this.#echoedBefore += tunnel.received;
      this.#echoMaxMs = Math.max(this.#echoMaxMs, tunnel.echoMaxMs);
      if (tunnel.outstanding > 0) this.#recordLost(tunnel);
      this.all.delete(tunnel);
    }
  }

  /** Nothing more is expected of anyone. */
  destroy(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const tunnel of this.all) tunnel.destroy();
  }

  get openCount(): number {
    return [...this.all].filter(({ isOpen }) => isOpen).length;
  }

  /** Messages that have come back whole. */
  get echoed(): number {
    return [...this.all].reduce((sum, { received }) => sum + received, this.#echoedBefore);
  }

  get echoMaxMs(): number {
    return Math.round(
      [...this.all].reduce((max, { echoMaxMs }) => Math.max(max, echoMaxMs), this.#echoMaxMs),
    );
  }

  #missing(): Tunnel[] {
    return [...this.all].filter(({ isOpen, outstanding }) => isOpen && outstanding > 0);
  }

  #recordMissing(): void {
    for (const tunnel of this.#missing()) this.#recordLost(tunnel);
  }

  #recordLost(tunnel: Tunnel): void {
    const text = `${tunnel.name}: ${tunnel.received} of ${tunnel.sent} echoes came`;
    this.#ledger.record("bytes lost", text, tunnel.outstanding);
  }
}
