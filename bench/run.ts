/**
 * The benchmark: `npm run bench -- --quick`, or `node bench/run.ts --help`.
 * It installs nothing, measures the proxies that it finds, and leaves nothing running.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isAvailable, proxyNames } from "./contestants.ts";
import { estimatedSeconds } from "./estimate.ts";
import { thisMachine, versions } from "./machine.ts";
import { loadCpu, pinProcess, startBallast } from "./process.ts";
import { merged, readRunFile } from "./results.ts";
import { quickRows, rows, rowsNamed } from "./rows.ts";
import { type Plan, type RowResult, Runner } from "./runner.ts";
import {
  busyTable,
  cipherLines,
  failureLines,
  latencyTable,
  loadBoundCells,
  noiseLine,
  partsTable,
  ratioTable,
  summaries,
  valueTable,
} from "./table.ts";
import { summaryColumns, summaryTable } from "./summary-table.ts";
import { missedLines } from "./targets.ts";

const help = `usage: node bench/run.ts [options]
       node bench/run.ts --table file.json... [--proxies a,b]
  --rows a,b        rows to measure (all)
  --proxies a,b     proxies to measure, of those that are there (all)
  --rounds n        rounds, interleaved between the proxies (5)
  --seconds s       length of one measurement (2)
  --warmup s        unmeasured work before each (0.3)
  --quick           the first side-by-side: fewer rows, 3 rounds of 1 s
  --ballast         a busy loop takes half of the proxy's core, so that every proxy, and never the load
                    generator, is the bottleneck: a check on the other figures
  --json file       writes everything that was measured
  --table           prints one summary of the files that --json wrote, of partial runs on one machine
                    (of two figures for the same cell the later file's counts), and what misses its target
  --keep            keeps configurations and logs
  --list            lists rows and proxies

rows: ${rows.map((row) => row.name).join(", ")}
proxies: ${proxyNames.join(", ")}
`;

const machine = thisMachine();

/** Ctrl-C once: the children end, and what has been measured is printed. Twice: at once. */
const interruption = new AbortController();

/** Share of the two cores that programs from outside may take before a stretch is repeated. */
const othersTolerated = 0.05;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: "string" },
    proxies: { type: "string" },
    rounds: { type: "string" },
    seconds: { type: "string" },
    warmup: { type: "string" },
    json: { type: "string" },
    ballast: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function split(list: string | undefined, otherwise: readonly string[]): string[] {
  return list === undefined ? [...otherwise] : list.split(",");
}

function makePlan(directory: string): Plan {
  const { quick } = values;
  const wanted = split(values.proxies, proxyNames);
  const unknown = wanted.filter((name) => !proxyNames.includes(name));
  if (unknown.length > 0)
    throw new Error(`unknown proxies: ${unknown.join(", ")}; known: ${proxyNames.join(", ")}`);
  const present = wanted.filter(isAvailable);
  const absent = wanted.filter((name) => !present.includes(name));
  if (absent.length > 0) console.error(`not here: ${absent.join(", ")}`);
  if (present.length === 0) throw new Error("none of the proxies is here");
  return {
    rows: rowsNamed(split(values.rows, quick ? quickRows : rows.map((row) => row.name))),
    proxies: present,
    rounds: Number(values.rounds ?? (quick ? 3 : 5)),
    seconds: Number(values.seconds ?? (quick ? 1 : 2)),
    warmupSeconds: Number(values.warmup ?? 0.3),
    othersTolerated: values.ballast ? Infinity : othersTolerated,
    directory,
  };
}

function bottleneckText(results: readonly RowResult[]): string {
  const bound = loadBoundCells(results);
  const where = bound.length === 0 ? "nowhere" : `in ${bound.join(", ")}`;
  return `Was the load generator the bottleneck? It set the pace ${where}. There the proxy was not busy all the time:
its CPU per unit stands, but wake-ups carry less. "--ballast" halves the proxies' core and so rules it out; "direct"
is what load and backend do on their core without a proxy.`;
}

function printed(plan: Plan, results: readonly RowResult[]): string {
  const where = `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}`;
  const pinning = "each proxy with one worker on core 0, load generator and backend on core 1";
  const ballast = values.ballast ? "; a busy loop takes half of core 0" : "";
  const ciphers = cipherLines(results);
  const failures = failureLines(results);
  return [
    `${where}; ${pinning}${ballast}; ${plan.rounds} rounds of ${plan.seconds} s, interleaved; medians (smallest–largest).`,
    ratioTable(results),
    valueTable(results),
    bottleneckText(results),
    ...[busyTable(results), partsTable(results), latencyTable(results)].filter(Boolean),
    noiseLine(results),
    ...(ciphers.length > 0 ? [`TLS: ${ciphers.join("; ")}`] : []),
    ...(failures.length > 0 ? [`Failed:\n${failures.join("\n")}`] : []),
  ].join("\n\n");
}

async function measureAll(plan: Plan): Promise<RowResult[]> {
  const seconds = estimatedSeconds(plan);
  const time = seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
  const size = `${plan.rows.length} rows, ${plan.proxies.length} proxies, ${plan.rounds} rounds`;
  console.error(`${size}: about ${time}; Ctrl-C prints what there is`);
  const runner = await Runner.start(plan, interruption.signal);
  const ballast = values.ballast ? startBallast() : null;
  const results: RowResult[] = [];
  try {
    for (const row of plan.rows) {
      if (interruption.signal.aborted) break;
      const result = await runner.run(row);
      if (result.outcomes.every((outcome) => outcome.samples.length === 0 && outcome.failure === null))
        continue;
      results.push(result);
      console.error(ratioTable([result]).split("\n").at(-1));
    }
  } finally {
    await runner.stop();
    await ballast?.stop();
  }
  return results;
}

async function measure(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "longhaul-bench-"));
  process.on("exit", () => {
    if (values.keep) console.error(`kept ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  });
  const plan = makePlan(directory);
  // Polling a proxy must not take turns on the proxy's core.
  pinProcess(process.pid, loadCpu);
  const results = await measureAll(plan);
  const { rounds, seconds } = plan;
  if (interruption.signal.aborted) {
    console.error("interrupted: this is what there is");
    process.exitCode = 130;
  }
  if (results.length === 0) return;
  console.log(printed(plan, results));
  if (values.json === undefined) return;
  const run = {
    machine,
    versions: versions(),
    rounds,
    seconds,
    summaries: summaries(results),
    plan,
    results,
  };
  writeFileSync(values.json, `${JSON.stringify(run, null, 1)}\n`);
}

function printTable(): void {
  const run = merged(positionals.map(readRunFile));
  console.log(summaryTable(run, split(values.proxies, summaryColumns)));
  const missed = missedLines(run.summaries);
  if (missed.length > 0) console.log(`\nNot within their targets:\n\n- ${missed.join("\n- ")}`);
}

function interrupt(): void {
  if (interruption.signal.aborted) process.exit(130);
  interruption.abort();
}

process.on("SIGINT", interrupt);
process.on("SIGTERM", interrupt);
process.on("SIGHUP", interrupt);
if (values.help || values.list) process.stdout.write(help);
else if (values.table) printTable();
else await measure();
