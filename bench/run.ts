/**
 * The benchmark: `npm run bench -- --quick`, or `node bench/run.ts --help`.
 * It installs nothing, measures the proxies that it finds, and leaves nothing running.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { isAvailable, proxyNames } from "./proxies.ts";
import { quickRows, rows, rowsNamed } from "./rows.ts";
import { startBallast } from "./process.ts";
import { type Plan, type RowResult, Runner } from "./runner.ts";
import {
  busyTable,
  cipherLines,
  failureLines,
  loadBoundCells,
  noiseLine,
  ratioTable,
  summaries,
  valueTable,
} from "./table.ts";

const help = `usage: node bench/run.ts [options]
  --rows a,b        rows to measure (all)
  --proxies a,b     proxies to measure, of those that are there (all)
  --rounds n        rounds, interleaved between the proxies (5)
  --seconds s       length of one measurement (2)
  --warmup s        unmeasured work before each (0.3)
  --quick           the first side-by-side: fewer rows, 3 rounds of 1 s
  --ballast         a busy loop takes half of the proxy's core, so that every proxy, and never the load
                    generator, is the bottleneck: a check on the other figures
  --json file       writes everything that was measured
  --keep            keeps configurations and logs
  --list            lists rows and proxies

rows: ${rows.map((row) => row.name).join(", ")}
proxies: ${proxyNames.join(", ")}
`;

/** Share of the two cores that programs from outside may take before a stretch is repeated. */
const othersTolerated = 0.05;

const { values } = parseArgs({
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
    othersTolerated: values.ballast ? 1 : othersTolerated,
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
  const machine = `${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores, Linux ${release()}`;
  const pinning = "each proxy with one worker on core 0, load generator and backend on core 1";
  const ballast = values.ballast ? "; a busy loop takes half of core 0" : "";
  const ciphers = cipherLines(results);
  const failures = failureLines(results);
  return [
    `${machine}; ${pinning}${ballast}; ${plan.rounds} rounds of ${plan.seconds} s, interleaved; medians (smallest–largest).`,
    ratioTable(results),
    valueTable(results),
    bottleneckText(results),
    busyTable(results),
    noiseLine(results),
    ...(ciphers.length > 0 ? [`TLS: ${ciphers.join("; ")}`] : []),
    ...(failures.length > 0 ? [`Failed:\n${failures.join("\n")}`] : []),
  ].join("\n\n");
}

async function measureAll(plan: Plan): Promise<RowResult[]> {
  const runner = await Runner.start(plan);
  const ballast = values.ballast ? startBallast() : null;
  const results: RowResult[] = [];
  try {
    for (const row of plan.rows) {
      const result = await runner.run(row);
      results.push(result);
      console.error(ratioTable([result]).split("\n").at(-1));
    }
  } finally {
    await runner.stop();
    await ballast?.stop();
  }
  return results;
}

async function main(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "longhaul-bench-"));
  process.on("exit", () => {
    if (values.keep) console.error(`kept ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  });
  const plan = makePlan(directory);
  const results = await measureAll(plan);
  console.log(printed(plan, results));
  if (values.json === undefined) return;
  writeFileSync(
    values.json,
    `${JSON.stringify({ plan, summaries: summaries(results), results }, null, 1)}\n`,
  );
}

process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
if (values.help || values.list) {
  process.stdout.write(help);
} else {
  await main();
}
