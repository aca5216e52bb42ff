/** One measured stretch of one proxy: a load generator of its own, and gauges read before and after. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Job, Report } from "./job.ts";
import { findProgram } from "./contestants.ts";
import { coreBusyMicroseconds, cpuByThread, cpuMicroseconds, memoryKib } from "./measure.ts";
import { Child, loadCpu, proxyCpu, setRealtime } from "./process.ts";
import { pacedRate, type Row } from "./rows.ts";

/** How long a stretch is and where its log goes. */
export interface StretchPlan {
  readonly seconds: number;
  readonly warmupSeconds: number;
  readonly directory: string;
}

/** Where the load goes. `child` is null when there is no proxy between load and backend. */
export interface Target {
  readonly plainPort: number;
  readonly tlsPort: number;
  readonly h2cPort: number;
  readonly h2Port: number;
  readonly backendPort: number;
  readonly child: Child | null;
}

/** How the load goes there. */
export interface Effort {
  readonly connections: number;
  /** The load generator's core or cores. */
  readonly cpu: number | string;
}

/** What came out of one stretch. */
export interface Sample {
  /** The row's figure. */
  readonly value: number;
  /** Units per second of wall time. */
  readonly throughput: number;
  /** Share of the measured time for which the proxy, and load and backend together, were running. */
  readonly proxyBusy: number;
  readonly loadBusy: number;
  /** Share of the two cores' time that went to others: programs that do not belong here, or the hypervisor. */
  readonly othersBusy: number;
  /** Threads of the proxy that did a tenth or more of its work. */
  readonly busyThreads: number;
  readonly report: Report;
  /** Where the figure compares two stretches: both. */
  readonly parts?: readonly Part[];
}

/** One of the stretches that a figure compares. */
export interface Part {
  readonly name: string;
  readonly value: number;
  readonly throughput: number;
}

/** What opening and closing thousands of connections may take besides the stretch itself. */
const patienceMs = 25_000;

/** Long enough for runtimes to give back what opening the tunnels cost them for a moment. */
const settleMs = 500;

/** The load generator and the backend run on Bun. @throws Error when it is not installed. */
export function bun(): string {
  const program = findProgram("bun");
  if (program === null) throw new Error("bun is needed for the load generator; run npm ci");
  return program;
}

/** @throws Error when the work fails or a byte of it comes back wrong. */
export async function runStretch(
  row: Row,
  effort: Effort,
  target: Target,
  backend: Child,
  plan: StretchPlan,
): Promise<Sample> {
  const job: Job = {
    ...row.work,
    connections: effort.connections,
    port: portOf(row, target),
    controlPort: target.backendPort,
    seconds: plan.seconds,
    warmupSeconds: plan.warmupSeconds,
    rate: pacedRate,
  };
  const command = [bun(), fileURLToPath(new URL("load.ts", import.meta.url)), JSON.stringify(job)];
  const load = new Child(command, {
    cpu: effort.cpu,
    logFile: join(plan.directory, "load.log"),
    talks: true,
  });
  // A latency is the proxy's own only where nobody else decides when it, or who measures it, may run.
  const hurried =
    row.figure === "latency" ? [load, backend, ...(target.child === null ? [] : [target.child])] : [];
  try {
    const ready = await hearReport(load, plan);
    for (const child of hurried) setRealtime(child, true);
    if (row.figure === "memory") await pause(settleMs);
    const before = readGauge(target.child, load, backend);
    load.say("go");
    const done = await hearReport(load, plan);
    if (row.figure === "memory") await pause(settleMs);
    const after = readGauge(target.child, load, backend);
    load.say("stop");
    return sampleOf(row, { ...ready, ...done }, before, after);
  } finally {
    for (const child of hurried) setRealtime(child, false);
    await load.stop();
  }
}

function portOf({ work: { tls, streams } }: Row, { plainPort, tlsPort, h2cPort, h2Port }: Target): number {
  if (streams > 0) return tls ? h2Port : h2cPort;
  return tls ? tlsPort : plainPort;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function hearReport(load: Child, plan: StretchPlan): Promise<Report> {
  const line = await load.hear(patienceMs + 1000 * (plan.seconds + plan.warmupSeconds));
  const report = JSON.parse(line) as Report;
  if (report.event === "failed") throw new Error(report.reason ?? "the load generator failed");
  return report;
}

interface Gauge {
  readonly atMs: number;
  readonly proxyThreadsUs: ReadonlyMap<string, number>;
  readonly loadCpuUs: number;
  readonly proxyKib: number;
  readonly coresUs: number;
}

function readGauge(proxy: Child | null, load: Child, backend: Child): Gauge {
  return {
    atMs: performance.now(),
    proxyThreadsUs: proxy === null ? new Map() : cpuByThread(proxy.pid),
    loadCpuUs: cpuMicroseconds(load.pid) + cpuMicroseconds(backend.pid),
    proxyKib: proxy === null ? 0 : memoryKib(proxy.pid),
    coresUs: coreBusyMicroseconds(proxyCpu) + coreBusyMicroseconds(loadCpu),
  };
}

function figureOf(row: Row, report: Report, units: number, cpuUs: number, kib: number): number {
  switch (row.figure) {
    case "cpu":
    case "growth":
    case "workers":
      return cpuUs / units;
    case "rate":
      return (units / cpuUs) * 1e6;
    case "memory":
      return kib / units;
    case "latency":
      return report.p99 ?? 0;
    case "start":
    case "reload":
      throw new Error(`"${row.name}" is not measured under load`);
  }
}

function sampleOf(row: Row, report: Report, before: Gauge, after: Gauge): Sample {
  const units = report.units ?? 0;
  if (units === 0) throw new Error("no work was done");
  const wallUs = (after.atMs - before.atMs) * 1000;
  const threadsUs = [...after.proxyThreadsUs].map(([id, us]) => us - (before.proxyThreadsUs.get(id) ?? 0));
  const cpuUs = threadsUs.reduce((sum, us) => sum + us, 0);
  const loadUs = after.loadCpuUs - before.loadCpuUs;
  const othersUs = after.coresUs - before.coresUs - cpuUs - loadUs;
  return {
    value: figureOf(row, report, units, cpuUs, after.proxyKib - before.proxyKib),
    throughput: (units / wallUs) * 1e6,
    proxyBusy: cpuUs / wallUs,
    loadBusy: loadUs / wallUs,
    othersBusy: Math.max(0, othersUs / wallUs / 2),
    busyThreads: threadsUs.filter((us) => us > cpuUs / 10).length,
    report,
  };
}
