import type { Ledger } from "../ledger.ts";
import { generationOf } from "./answer.ts";
import { ask, AskError } from "./ask.ts";
import type { Target } from "./dial.ts";

/** More than this under way at once is a gateway that does not answer, or a client that cannot keep up. */
const inFlightMax = 2_000;
const tickMs = 5;

export interface ArrivalFigures {
  readonly asked: number;
  /** Not begun, because too many were under way. */
  readonly skipped: number;
  readonly waitMaxMs: number;
  readonly waitMedianMs: number;
  readonly waitP99Ms: number;
}

/** New connections at a steady rate, whatever the gateway does; one request on each. */
export class Arrivals {
  /** The oldest generation that may answer a connection which begins now. */
  generationMin = 0;
  readonly #targets: readonly Target[];
  readonly #ledger: Ledger;
  readonly #waits: number[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #number = 0;
  #skipped = 0;
  #timer: NodeJS.Timeout | null = null;

  /** Targets take turns. */
  constructor(targets: readonly Target[], ledger: Ledger) {
    this.#targets = targets;
    this.#ledger = ledger;
  }

  start(perSecond: number): void {
    let lastAt = performance.now();
    let due = 0;
    this.#timer = setInterval(() => {
      const now = performance.now();
      // After a stall of the client, what was missed is not made up for all at once.
      due = Math.min(due + ((now - lastAt) * perSecond) / 1000, perSecond / 20 + 1);
      lastAt = now;
      for (; due >= 1; due -= 1) this.#launch();
    }, tickMs);
  }

  /** No more arrivals; resolves when all that are under way have ended. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all(this.#inFlight);
  }

  get figures(): ArrivalFigures {
    const sorted = this.#waits.toSorted((a, b) => a - b);
    const at = (share: number): number => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
    return {
      asked: this.#number,
      skipped: this.#skipped,
      waitMaxMs: at(1),
      waitMedianMs: at(0.5),
      waitP99Ms: at(0.99),
    };
  }

  #launch(): void {
    if (this.#inFlight.size >= inFlightMax) {
      this.#skipped += 1;
      return;
    }
    const number = this.#number++;
    const asking = this.#askOne(number, this.#targets[number % this.#targets.length]!);
    this.#inFlight.add(asking);
    void asking.finally(() => this.#inFlight.delete(asking));
  }

  async #askOne(number: number, target: Target): Promise<void> {
    const path = `/new/${number}`;
    const floor = this.generationMin;
    try {
      const { answer, totalMs } = await ask(target, path);
      this.#waits.push(totalMs);
      checkAnswer(this.#ledger, path, answer);
      const generation = generationOf(answer.head);
      if (generation < floor) {
        const text = `${path} on a new connection answered by generation ${generation}, ${floor} was in force`;
        this.#ledger.record("stale configuration", text);
      }
    } catch (error) {
      if (!(error instanceof AskError)) throw error;
      this.#ledger.record(error.wrong, error.message);
    }
  }
}

/** The backend answers with its name and the path. */
export function checkAnswer(
  ledger: Ledger,
  path: string,
  { status, body }: { status: number; body: Buffer },
): void {
  if (status !== 200) ledger.record("request failed by status", `${path}: ${status}`);
  else if (!body.toString("latin1").endsWith(` ${path}`))
    ledger.record("wrong answer", `${path}: ${JSON.stringify(body.toString("latin1", 0, 80))}`);
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
