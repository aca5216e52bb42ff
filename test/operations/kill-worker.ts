/** A worker dies: whom it costs what, and when another one listens in its place. */
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";
import type { LoadSize } from "./lab.ts";
import type { Wrong } from "./ledger.ts";
import { fieldOf } from "./load/answer.ts";
import { pause, until } from "./until.ts";

const replacementLimitMs = 20_000;

/** Makes the worker die that calls itself so. */
export type Killer = (worker: string) => void;

/** nginx's workers are processes, and call themselves by their ids. */
export const killProcess: Killer = (worker) => process.kill(Number(worker), "SIGKILL");

export interface KillOptions {
  readonly product: Product;
  readonly workers: number;
  readonly load: LoadSize;
  readonly kill: Killer;
  /** What the log has to say. */
  readonly logged: RegExp;
}

export interface KillReport {
  readonly operation: "kill-worker";
  readonly product: string;
  readonly workers: number;
  readonly tunnels: number;
  /** Tunnels of the worker that died. */
  readonly itsTunnels: number;
  readonly tunnelsOfOthersDropped: number;
  /** From its death to the first answer of the replacement. */
  readonly replacedMs: number;
  readonly logLine: string;
  readonly requestsFailed: number;
  readonly wrongs: Readonly<Record<Wrong, number>>;
  readonly details: readonly string[];
}

/** @throws Error when nobody takes the worker's place in 20 s, or the log is silent */
export async function runKillWorker(options: KillOptions): Promise<KillReport> {
  const lab = await Lab.start({ ...options, certificates: 1, extraMain: "", extraHttp: "" });
  return await lab.during(() => run(lab, options));
}

async function run(lab: Lab, { product, workers, kill, logged }: KillOptions): Promise<KillReport> {
  await lab.startLoad();
  const known = new Set([...lab.tunnels.all].map(({ worker }) => worker));
  const [victim] = known;
  if (victim === undefined || known.size < 2) throw new Error(`only ${known.size} workers have tunnels`);
  const tunnels = lab.tunnels.all.size;
  const its = [...lab.tunnels.all].filter(({ worker }) => worker === victim);
  for (const tunnel of its) tunnel.allowClose();
  lab.ledger.during = `the death of worker ${victim}`;
  const logAt = lab.gateway.log().length;
  const diedAt = performance.now();
  kill(victim);
  await until("a new worker that answers", replacementLimitMs, async () => {
    const asked = await lab.probe(lab.plain);
    const worker = asked === null ? null : fieldOf(asked.answer.head, "x-worker");
    return worker !== null && !known.has(worker) ? true : null;
  });
  const replacedMs = Math.round(performance.now() - diedAt);
  const logLine = await lab.gateway.logged(logged, logAt, replacementLimitMs);
  await Promise.all(its.map(({ ended }) => ended));
  await pause(1_000);
  await lab.stopLoad();
  return {
    operation: "kill-worker",
    product: product.name,
    workers,
    tunnels,
    itsTunnels: its.length,
    tunnelsOfOthersDropped: lab.ledger.count("tunnel dropped"),
    replacedMs,
    logLine,
    requestsFailed: lab.ledger.requestsFailed,
    wrongs: lab.ledger.counts,
    details: lab.ledger.details,
  };
}
