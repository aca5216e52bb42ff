/** Runs a row: starts its proxies, gives each its turn round by round, and keeps what was measured. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CertificateFiles, makeCertificate } from "./certificate.ts";
import { freePort } from "./ports.ts";
import { Child, loadCpu } from "./process.ts";
import { isReloadable, type Proxy, startProxy, timeReload } from "./proxies.ts";
import { growth, type Row } from "./rows.ts";
import { bun, runStretch, type Sample, type StretchPlan, type Target } from "./stretch.ts";

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
  readonly #files: CertificateFiles;
  #started = 0;

  private constructor(plan: Plan, files: CertificateFiles, backend: Child, ports: readonly number[]) {
    this.#plan = plan;
    this.#files = files;
    this.#backend = backend;
    this.#backendPorts = ports;
  }

  /** @throws Error when Bun or openssl is missing. */
  static async start(plan: Plan): Promise<Runner> {
    mkdirSync(plan.directory, { recursive: true });
    const files = makeCertificate(plan.directory);
    // A port for each proxy keeps the kernel's tables of closed connections apart; the first is for `direct`.
    const command = [
      bun(),
      fileURLToPath(new URL("backend.ts", import.meta.url)),
      String(plan.proxies.length + 1),
    ];
    const logFile = join(plan.directory, "backend.log");
    const backend = new Child(command, { cpu: loadCpu, logFile, talks: true });
    const ready = JSON.parse(await backend.hear(backendPatienceMs)) as { ports: number[] };
    return new Runner(plan, files, backend, ready.ports);
  }

  async stop(): Promise<void> {
    await this.#backend.stop();
  }

  async run(row: Row): Promise<RowResult> {
    const underLoad = row.figure === "cpu" || row.figure === "rate" || row.figure === "latency";
    const direct = underLoad && !row.work.tls ? await this.#runDirect(row) : null;
    const fresh = row.figure === "memory" || row.figure === "start";
    const suited = this.#plan.proxies.filter((name) => row.figure !== "reload" || isReloadable(name));
    const entries = suited.map((name) => new Entry(name));
    await (fresh ? this.#runFresh(row, entries) : this.#runTogether(row, entries));
    const outcomes = this.#plan.proxies.map((name) => {
      const entry = entries.find((one) => one.name === name);
      return entry?.outcome() ?? { proxy: name, samples: [], failure: null };
    });
    return { row, outcomes, direct };
  }

  #runDirect(row: Row): Promise<Sample> {
    const port = this.#backendPorts[0]!;
    const target = { plainPort: port, tlsPort: 0, backendPort: port, child: null };
    return this.#stretch(row, target, row.work.connections);
  }

  async #stretch(row: Row, target: Target, connections: number): Promise<Sample> {
    const measure = (): Promise<Sample> => runStretch(row, connections, target, this.#backend, this.#plan);
    let quietest = await measure();
    if (row.figure === "memory") return quietest;
    for (
      let repeat = 0;
      repeat < repeatsMax && quietest.othersBusy > this.#plan.othersTolerated;
      repeat += 1
    ) {
      const sample = await measure();
      if (sample.othersBusy < quietest.othersBusy) quietest = sample;
    }
    return quietest;
  }

  /** All proxies run at once; each round gives everyone a turn, starting with another each time. */
  async #runTogether(row: Row, contest: readonly Entry[]): Promise<void> {
    try {
      for (const entry of contest) await entry.attempt(() => this.#startInto(entry));
      // The first turn warms up compilers and pools; it is not counted.
      for (const entry of contest) await entry.attempt(() => this.#measure(row, entry.proxy!));
      for (let round = 0; round < this.#plan.rounds; round += 1) {
        for (const entry of rotated(contest, round)) await this.#turn(row, entry);
      }
    } finally {
      await Promise.all(contest.map(async (entry) => await entry.proxy?.child.stop()));
    }
  }

  /** Each turn gets a new process. */
  async #runFresh(row: Row, contest: readonly Entry[]): Promise<void> {
    for (let round = 0; round < this.#plan.rounds; round += 1) {
      for (const entry of rotated(contest, round)) {
        await entry.attempt(() => this.#startInto(entry));
        await this.#turn(row, entry);
        await entry.proxy?.child.stop();
      }
    }
  }

  #turn(row: Row, entry: Entry): Promise<void> {
    return entry.attempt(async () => {
      entry.samples.push(await this.#measure(row, entry.proxy!));
    });
  }

  async #startInto(entry: Entry): Promise<void> {
    const { directory, proxies } = this.#plan;
    this.#started += 1;
    entry.proxy = await startProxy(entry.name, {
      ...this.#files,
      directory: join(directory, `${this.#started}-${entry.name}`),
      plainPort: await freePort(),
      tlsPort: await freePort(),
      backendPort: this.#backendPorts[proxies.indexOf(entry.name) + 1]!,
      generation: 0,
    });
  }

  async #measure(row: Row, proxy: Proxy): Promise<Sample> {
    switch (row.figure) {
      case "start":
        return idleSample(proxy.startMs);
      case "reload":
        return idleSample(await timeReload(proxy));
      case "growth": {
        const few = await this.#stretch(row, proxy, growth.few);
        const many = await this.#stretch(row, proxy, growth.many);
        return { ...many, value: many.value / few.value };
      }
      default:
        return this.#stretch(row, proxy, row.work.connections);
    }
  }
}

/** A figure that was taken without load. */
function idleSample(value: number): Sample {
  return { value, throughput: 0, proxyBusy: 0, loadBusy: 0, othersBusy: 0, report: { event: "done" } };
}

/** One proxy's part in a row. */
class Entry {
  readonly name: string;
  readonly samples: Sample[] = [];
  proxy: Proxy | null = null;
  #failure: string | null = null;

  constructor(name: string) {
    this.name = name;
  }

  /** Does nothing any more once something has failed: the others go on. */
  async attempt(act: () => Promise<unknown>): Promise<void> {
    if (this.#failure !== null) return;
    try {
      await act();
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error);
    }
  }

  outcome(): Outcome {
    return { proxy: this.name, samples: this.#failure === null ? this.samples : [], failure: this.#failure };
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
