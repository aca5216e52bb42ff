/** Runs a row: starts its proxies, gives each its turn round by round, and keeps what was measured. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CertificateFiles, makeCertificate } from "./certificate.ts";
import { freePort } from "../test/support/ports.ts";
import { isAble } from "./contestants.ts";
import { bothCpus, Child, loadCpu, pinProcess, stopAll } from "./process.ts";
import { type Proxy, startProxy } from "./proxies.ts";
import { timeReload } from "./reload.ts";
import { growth, isOwnFactor, isUnderLoad, type Row, stretchFactor } from "./rows.ts";
import { makeStaticFiles } from "./static-files.ts";
import {
  bun,
  type Effort,
  type Part,
  runStretch,
  type Sample,
  type StretchPlan,
  type Target,
} from "./stretch.ts";

export interface Plan extends StretchPlan {
  readonly rows: readonly Row[];
  readonly proxies: readonly string[];
  readonly rounds: number;
  /** A stretch is repeated, at most `repeatsMax` times, while others take a larger share of the cores. */
  readonly othersTolerated: number;
}

/** All rounds of one proxy in one row, or why there are none; neither where the row says nothing of it. */
export interface Outcome {
  readonly proxy: string;
  readonly samples: readonly Sample[];
  readonly failure: string | null;
}

export interface RowResult {
  readonly row: Row;
  readonly outcomes: readonly Outcome[];
  /** The load against the backend itself: the most that the generator can do. Null where that says nothing. */
  readonly direct: Sample | null;
}

/** On a machine that is never quiet the least disturbed stretch has to do. */
const repeatsMax = 3;

const backendPatienceMs = 10_000;

/** One measurement after another on this machine, with a backend and a certificate of its own. */
export class Runner {
  readonly #plan: Plan;
  readonly #backend: Child;
  readonly #backendPorts: readonly number[];
  readonly #files: CertificateFiles & { readonly root: string };
  readonly #interruption: AbortSignal;
  #started = 0;

  private constructor(plan: Plan, interruption: AbortSignal, backend: Child, ports: readonly number[]) {
    this.#plan = plan;
    this.#interruption = interruption;
    const files = { ...makeCertificate(plan.directory), root: makeStaticFiles(plan.directory) };
    this.#files = files;
    this.#backend = backend;
    this.#backendPorts = ports;
  }

  /**
   * @param interruption ends what is running; the row that was being measured then tells what it has
   * @throws Error when Bun or openssl is missing
   */
  static async start(plan: Plan, interruption: AbortSignal): Promise<Runner> {
    mkdirSync(plan.directory, { recursive: true });
    // A port for each proxy keeps the kernel's tables of closed connections apart; the first is for `direct`.
    const command = [
      bun(),
      fileURLToPath(new URL("backend.ts", import.meta.url)),
      String(plan.proxies.length + 1),
    ];
    const logFile = join(plan.directory, "backend.log");
    const backend = new Child(command, { cpu: loadCpu, logFile, talks: true });
    const ready = JSON.parse(await backend.hear(backendPatienceMs)) as { ports: number[] };
    interruption.addEventListener("abort", stopAll);
    return new Runner(plan, interruption, backend, ready.ports);
  }

  async stop(): Promise<void> {
    await this.#backend.stop();
  }

  async run(row: Row): Promise<RowResult> {
    const entries = this.#plan.proxies
      .filter((name) => isAble(name, row.needs))
      .map((name) => new Entry(name, this.#interruption));
    if (row.figure === "workers") pinProcess(this.#backend.pid, bothCpus);
    const direct = await this.#runDirect(row);
    const fresh = row.figure === "memory" || row.figure === "start";
    await (fresh ? this.#runFresh(row, entries) : this.#runTogether(row, entries));
    if (row.figure === "workers" && !this.#interruption.aborted) pinProcess(this.#backend.pid, loadCpu);
    const outcomes = this.#plan.proxies.map((name) => {
      const entry = entries.find((one) => one.name === name);
      return entry?.outcome() ?? { proxy: name, samples: [], failure: null };
    });
    return { row, outcomes, direct };
  }

  async #runDirect(row: Row): Promise<Sample | null> {
    const says = isUnderLoad(row.figure) && !isOwnFactor(row.figure) && !row.work.tls;
    if (!says || row.needs !== undefined) return null;
    const port = this.#backendPorts[0]!;
    const target = { plainPort: port, tlsPort: 0, h2cPort: 0, h2Port: 0, backendPort: port, child: null };
    const direct = new Entry("direct", this.#interruption);
    await direct.attempt(async () => {
      direct.samples.push(await this.#stretch(row, target));
    });
    return direct.outcome().samples[0] ?? null;
  }

  async #stretch(row: Row, target: Target, changes: Partial<Effort> = {}): Promise<Sample> {
    const effort = { connections: row.work.connections, cpu: loadCpu, ...changes };
    const plan = { ...this.#plan, seconds: this.#plan.seconds * stretchFactor(row) };
    // What counts are the lost milliseconds, not their share.
    const tolerated = this.#plan.othersTolerated / stretchFactor(row);
    const measure = (): Promise<Sample> => runStretch(row, effort, target, this.#backend, plan);
    let quietest = await measure();
    if (row.figure === "memory") return quietest;
    for (let repeat = 0; repeat < repeatsMax && quietest.othersBusy > tolerated; repeat += 1) {
      const sample = await measure();
      if (sample.othersBusy < quietest.othersBusy) quietest = sample;
    }
    return quietest;
  }

  /** All proxies run at once; each round gives everyone a turn, starting with another each time. */
  async #runTogether(row: Row, contest: readonly Entry[]): Promise<void> {
    try {
      const workers = row.figure === "workers" ? [1, 2] : [1];
      for (const entry of contest) await entry.attempt(() => this.#startInto(entry, workers));
      // The first turn warms up compilers and pools; it is not counted.
      for (const entry of contest) await entry.attempt(() => this.#measure(row, entry));
      for (let round = 0; round < this.#plan.rounds; round += 1) {
        for (const entry of rotated(contest, round)) await this.#turn(row, entry);
      }
    } finally {
      await Promise.all(contest.map((entry) => entry.stop()));
    }
  }

  /** Each turn gets a new process. */
  async #runFresh(row: Row, contest: readonly Entry[]): Promise<void> {
    // Programs that nobody has run lately come from the disk; that is not counted.
    if (row.figure === "start") {
      for (const entry of contest) await entry.attempt(() => this.#startInto(entry, [1]));
      for (const entry of contest) await entry.stop();
    }
    for (let round = 0; round < this.#plan.rounds; round += 1) {
      for (const entry of rotated(contest, round)) {
        await entry.attempt(() => this.#startInto(entry, [1]));
        await this.#turn(row, entry);
        await entry.stop();
      }
    }
  }

  #turn(row: Row, entry: Entry): Promise<void> {
    return entry.attempt(async () => {
      entry.samples.push(await this.#measure(row, entry));
    });
  }

  async #startInto(entry: Entry, workers: readonly number[]): Promise<void> {
    for (const count of workers) entry.proxies.push(await this.#start(entry.name, count));
  }

  async #start(name: string, workers: number): Promise<Proxy> {
    const { directory, proxies } = this.#plan;
    this.#started += 1;
    return startProxy(name, {
      ...this.#files,
      workers,
      directory: join(directory, `${this.#started}-${name}`),
      plainPort: await freePort(),
      tlsPort: await freePort(),
      h2cPort: await freePort(),
      h2Port: await freePort(),
      backendPort: this.#backendPorts[proxies.indexOf(name) + 1]!,
      generation: 0,
    });
  }

  async #measure(row: Row, { proxies }: Entry): Promise<Sample> {
    const proxy = proxies[0]!;
    switch (row.figure) {
      case "start":
        return idleSample(proxy.startMs);
      case "reload":
        return idleSample(await timeReload(proxy));
      case "growth": {
        const few = await this.#stretch(row, proxy, { connections: growth.few });
        const many = await this.#stretch(row, proxy, { connections: growth.many });
        return factor(part(`${growth.few} tunnels`, few), part(`${growth.many} tunnels`, many), many);
      }
      case "workers": {
        const one = await this.#stretch(row, proxy, { cpu: bothCpus });
        const two = await this.#stretch(row, proxies[1]!, { cpu: bothCpus });
        if (two.busyThreads < 2) throw new Error("only one of two workers did anything");
        return factor(part("1 worker", one), part("2 workers", two), two);
      }
      default:
        return this.#stretch(row, proxy);
    }
  }
}

function part(name: string, { value, throughput }: Sample): Part {
  return { name, value, throughput };
}

/** What a unit costs in the second of two stretches compared with the first. */
function factor(first: Part, second: Part, sample: Sample): Sample {
  return { ...sample, value: second.value / first.value, parts: [first, second] };
}

/** A figure that was taken without load. */
function idleSample(value: number): Sample {
  const busy = { throughput: 0, proxyBusy: 0, loadBusy: 0, othersBusy: 0, busyThreads: 0 };
  return { value, ...busy, report: { event: "done" } };
}

/** One proxy's part in a row. */
class Entry {
  readonly name: string;
  readonly samples: Sample[] = [];
  /** Those that run: one, or one with one worker and one with two. */
  proxies: Proxy[] = [];
  readonly #interruption: AbortSignal;
  #failure: string | null = null;

  constructor(name: string, interruption: AbortSignal) {
    this.name = name;
    this.#interruption = interruption;
  }

  /** Does nothing any more once something has failed: the others go on. What an interruption breaks is no failure. */
  async attempt(act: () => Promise<unknown>): Promise<void> {
    if (this.#failure !== null || this.#interruption.aborted) return;
    try {
      await act();
    } catch (error) {
      if (this.#interruption.aborted) return;
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.child.stop()));
    this.proxies = [];
  }

  outcome(): Outcome {
    return { proxy: this.name, samples: this.#failure === null ? this.samples : [], failure: this.#failure };
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
