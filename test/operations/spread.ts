/** How new connections spread over the workers. */
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";

export interface SpreadOptions {
  readonly product: Product;
  readonly workers: number;
  readonly connections: number;
}

export interface SpreadReport {
  readonly operation: "spread";
  readonly product: string;
  readonly workers: number;
  readonly connections: number;
  /** Tunnels of each worker, most first. */
  readonly shares: readonly number[];
  /** The busiest and the idlest worker against the mean. */
  readonly maxToMean: number;
  readonly minToMean: number;
  readonly details: readonly string[];
}

export async function runSpread({ product, workers, connections }: SpreadOptions): Promise<SpreadReport> {
  const load = { tunnels: connections, arrivalsPerSecond: 0, keptClients: 0, keptPauseMs: 0 };
  const lab = await Lab.start({ product, workers, load, certificates: 1, extraMain: "", extraHttp: "" });
  try {
    const byWorker = new Map<string, number>();
    for (const { worker } of await lab.tunnels.open(connections)) {
      byWorker.set(worker, (byWorker.get(worker) ?? 0) + 1);
    }
    const shares = [...byWorker.values()].toSorted((a, b) => b - a);
    const mean = connections / workers;
    const idlest = shares.length < workers ? 0 : shares.at(-1)!;
    return {
      operation: "spread",
      product: product.name,
      workers,
      connections,
      shares,
      maxToMean: round(shares[0]! / mean),
      minToMean: round(idlest / mean),
      details: lab.ledger.details,
    };
  } finally {
    await lab.stop();
  }
}

function round(ratio: number): number {
  return Math.round(ratio * 100) / 100;
}
