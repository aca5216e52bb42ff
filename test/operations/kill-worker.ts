/** A worker dies: whom it costs what, and when another one listens in its place. */
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";
import type { LoadSize } from "./lab.ts";
import type { Wrong } from "./ledger.ts";
import { AnswerReader, fieldOf } from "./load/answer.ts";
import { dial } from "./load/dial.ts";
import { pause, until } from "./until.ts";

const replacementLimitMs = 20_000;

/** A worker, and what makes it die. */
interface Victim {
  readonly worker: string;
  readonly strike: () => void;
}

/** How a product's workers can be killed. */
export interface Killer {
  /** Directives of the servers that it needs. */
  readonly server: string;
  /** What the log has to say then. */
  readonly logged: RegExp;
  choose(lab: Lab): Promise<Victim>;
}

/** nginx's workers are processes, and call themselves by their ids. */
export const killProcess: Killer = {
  server: "",
  logged: /exited on signal 9/,
  async choose(lab) {
    const [tunnel] = lab.tunnels.all;
    const worker = tunnel!.worker;
    return { worker, strike: () => void process.kill(Number(worker), "SIGKILL") };
  },
};

/** Longhaul's are threads: one that gets this request throws where nothing catches it. */
export const throwInThread: Killer = {
  server: "location = /crash { worker_crash exception; }",
  logged: /\[alert\].*worker thread \d+ exited/,
  async choose(lab) {
    const socket = dial(lab.plain, () => socket.write("GET /who HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    socket.on("error", () => {});
    const reader = new AnswerReader();
    const worker = await new Promise<string>((resolve, reject) => {
      socket.on("close", () => reject(new Error("the connection to the victim was closed")));
      socket.on("data", (chunk: Buffer) => {
        const answer = reader.push(chunk);
        if (answer !== null) resolve(fieldOf(answer.head, "x-worker") ?? "unknown");
      });
    });
    return { worker, strike: () => void socket.write("GET /crash HTTP/1.1\r\nHost: localhost\r\n\r\n") };
  },
};

export interface KillOptions {
  readonly product: Product;
  readonly workers: number;
  readonly load: LoadSize;
  readonly killer: Killer;
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
  const lab = await Lab.start({
    ...options,
    certificates: 1,
    extraMain: "",
    extraHttp: "",
    extraServer: options.killer.server,
  });
  return await lab.during(() => run(lab, options));
}

async function run(lab: Lab, { product, workers, killer }: KillOptions): Promise<KillReport> {
  await lab.startLoad();
  const workersOf = (): Set<string> => new Set([...lab.tunnels.all].map(({ worker }) => worker));
  // nginx's workers race for connections, and one of them may win them all.
  for (let more = 0; more < 50 && workersOf().size < 2; more += 1) await lab.tunnels.open(20);
  const known = workersOf();
  if (known.size < 2) throw new Error(`only ${known.size} workers have tunnels`);
  const { worker: victim, strike } = await killer.choose(lab);
  const tunnels = lab.tunnels.all.size;
  const its = [...lab.tunnels.all].filter(({ worker }) => worker === victim);
  for (const tunnel of its) tunnel.allowClose();
  lab.ledger.during = `the death of worker ${victim}`;
  const logAt = lab.gateway.log().length;
  const diedAt = performance.now();
  strike();
  await until("a new worker that answers", replacementLimitMs, async () => {
    const asked = await lab.probe(lab.plain);
    const worker = asked === null ? null : fieldOf(asked.answer.head, "x-worker");
    return worker !== null && !known.has(worker) ? true : null;
  });
  const replacedMs = Math.round(performance.now() - diedAt);
  const logLine = await lab.gateway.logged(killer.logged, logAt, replacementLimitMs);
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
