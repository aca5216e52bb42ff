/** Reload under load: `kill -HUP`, many times, of several kinds, with everything open that clients may have open. */
import { once } from "node:events";
import net from "node:net";
import { freePort } from "../support/ports.ts";
import { configurationOf } from "./configuration.ts";
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";
import type { LoadFigures, LoadSize } from "./lab.ts";
import type { Wrong } from "./ledger.ts";
import { fieldOf } from "./load/answer.ts";
import { ask, AskError } from "./load/ask.ts";
import { Tunnels } from "./load/tunnels.ts";
import { figuresOf } from "./processes.ts";
import type { ProcessFigures } from "./processes.ts";
import { planOf } from "./reload-plan.ts";
import type { BrokenKind, Step } from "./reload-plan.ts";
import { pause, until } from "./until.ts";

const certificates = 4;
const extraTunnels = 4;
const refusalLimitMs = 20_000;

/** What the log says when the configuration has been refused; nginx's words, which Longhaul shares. */
const refusals: Readonly<Record<BrokenKind, RegExp>> = {
  "syntax error": /\[emerg\].*unknown directive "no_such_directive"/,
  "missing certificate": /\[emerg\].*cannot load certificate ".*missing\.pem"/,
  "port in use": /\[emerg\].*still could not bind\(\)/,
};

export interface ReloadOptions {
  readonly product: Product;
  readonly workers: number;
  readonly load: LoadSize;
  readonly reloads: number;
  /** Between the effect of one reload and the next. */
  readonly pauseMs: number;
  /** Of load before the first reload, so that heaps have their size when memory is first compared. */
  readonly warmUpMs: number;
  /** Tunnels that are replaced by new ones after each reload, as clients come and go. */
  readonly churn: number;
  /** The number of workers stays. */
  readonly sameWorkers: boolean;
  /** `worker_shutdown_timeout` for the gateway; null leaves the default: none. */
  readonly shutdownTimeout: string | null;
}

export interface ReloadDone {
  readonly kind: string;
  readonly broken: boolean;
  /** From the signal until all new connections see it; for a broken one: until the log has told why. */
  readonly tookMs: number;
  /** A pause later, under load. */
  readonly memoryKib: number;
}

export interface ReloadReport {
  readonly operation: "reload";
  readonly product: string;
  readonly workers: number;
  readonly reloads: readonly ReloadDone[];
  readonly wrongs: Readonly<Record<Wrong, number>>;
  readonly requestsFailed: number;
  readonly load: LoadFigures;
  /**
   * The least memory, in KiB, in each third of the series. Garbage of earlier configurations is collected when
   * the runtime likes to: memory goes up and down like a saw, and only its lower edge tells of a leak.
   */
  readonly memoryLow: readonly number[];
  readonly afterFirst: ProcessFigures;
  readonly afterLast: ProcessFigures;
  /** When all clients have gone. */
  readonly afterAll: ProcessFigures;
  readonly details: readonly string[];
}

/** @throws Error when a reload has no effect, or a broken one has */
export async function runReload(options: ReloadOptions): Promise<ReloadReport> {
  const timeout = options.shutdownTimeout;
  const lab = await Lab.start({
    ...options,
    certificates,
    extraMain: timeout === null ? "" : `worker_shutdown_timeout ${timeout};`,
    extraHttp: "",
  });
  const blocker = await Blocker.start();
  try {
    return await lab.during(() => new ReloadRun(lab, options, blocker).run());
  } finally {
    blocker.stop();
  }
}

/** Somebody else's listening socket. */
class Blocker {
  readonly port: number;
  readonly #server: net.Server;

  private constructor(server: net.Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(): Promise<Blocker> {
    const port = await freePort();
    const server = net.createServer();
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return new Blocker(server, port);
  }

  stop(): void {
    this.#server.close();
  }
}

class ReloadRun {
  readonly #lab: Lab;
  readonly #options: ReloadOptions;
  readonly #blocker: Blocker;
  readonly #extra: Tunnels;
  readonly #done: ReloadDone[] = [];

  constructor(lab: Lab, options: ReloadOptions, blocker: Blocker) {
    this.#lab = lab;
    this.#options = options;
    this.#blocker = blocker;
    this.#extra = new Tunnels([{ port: lab.premises.extraPort, secure: false }], lab.ledger);
  }

  async run(): Promise<ReloadReport> {
    const lab = this.#lab;
    const { product, workers, reloads, pauseMs, warmUpMs } = this.#options;
    await lab.startLoad();
    this.#extra.start();
    await pause(warmUpMs);
    let afterFirst: ProcessFigures | null = null;
    const steps = planOf(lab.generation, reloads, certificates, this.#options.sameWorkers);
    for (const [index, step] of steps.entries()) {
      lab.ledger.during = `reload ${index + 1} of ${reloads} (${step.kind})`;
      const tookMs = await this.#reload(step);
      await this.#comeAndGo();
      await pause(pauseMs);
      const { memoryKib } = figuresOf(lab.gateway.processes());
      this.#done.push({ kind: step.kind, broken: step.broken, tookMs, memoryKib });
      afterFirst ??= await lab.quietly(() => lab.gateway.figures());
    }
    lab.ledger.during = "the end";
    const afterLast = await lab.quietly(() => lab.gateway.figures());
    await lab.stopLoad();
    await this.#extra.stop();
    const load = lab.figures;
    lab.ledger.during = "the farewell of all clients";
    await Promise.all([lab.tunnels.close(), this.#extra.close()]);
    const afterAll = await this.#afterAll();
    return {
      operation: "reload",
      product: product.name,
      workers,
      reloads: this.#done,
      wrongs: lab.ledger.counts,
      requestsFailed: lab.ledger.requestsFailed,
      load,
      memoryLow: lowsOf(this.#done),
      afterFirst: afterFirst!,
      afterLast,
      afterAll,
      details: lab.ledger.details,
    };
  }

  async #reload(step: Step): Promise<number> {
    const startedAt = performance.now();
    if (step.broken) await this.#refused(step.kind, step);
    else await this.#taken(step);
    return Math.round(performance.now() - startedAt);
  }

  /** A good configuration: in force at once, with what it changes. */
  async #taken({ kind, next }: Step): Promise<void> {
    const lab = this.#lab;
    lab.write(next);
    lab.gateway.signal("SIGHUP");
    await lab.inForce(next);
    if (kind === "changed upstreams") await this.#checkUpstreams();
    if (kind === "changed certificate") await this.#checkCertificate();
    if (kind === "listener added") await this.#checkAdded();
    if (kind === "listener removed") await this.#checkRemoved();
  }

  /** A broken one: refused with the reason in the log; the old one goes on. */
  async #refused(kind: BrokenKind, { next }: Step): Promise<void> {
    const lab = this.#lab;
    const text = configurationOf(next, lab.premises);
    const broken: Record<BrokenKind, string> = {
      "syntax error": text.replace("keepalive_timeout 1h;", "no_such_directive;"),
      "missing certificate": text.replace(/ssl_certificate \S+;/, "ssl_certificate missing.pem;"),
      "port in use": text.replace(" ssl;", ` ssl; listen 127.0.0.1:${this.#blocker.port};`),
    };
    const logAt = lab.gateway.log().length;
    lab.gateway.write("nginx.conf", broken[kind]);
    lab.gateway.signal("SIGHUP");
    await lab.gateway.logged(refusals[kind], logAt, refusalLimitMs);
    await lab.inForce(lab.generation);
  }

  async #checkUpstreams(): Promise<void> {
    const { upstreams } = this.#lab.generation;
    for (let probe = 0; probe < 6; probe += 1) {
      const asked = await this.#lab.probe(this.#lab.plain);
      const name = asked === null ? null : fieldOf(asked.answer.head, "x-backend");
      if (name !== null && !upstreams.includes(name)) {
        this.#lab.ledger.record("stale configuration", `server ${name} answered, of ${upstreams.join(", ")}`);
      }
    }
  }

  async #checkCertificate(): Promise<void> {
    const expected = this.#lab.certificates[this.#lab.generation.certificate]!.fingerprint;
    for (let probe = 0; probe < 6; probe += 1) {
      const asked = await this.#lab.probe(this.#lab.secure);
      if (asked === null || asked.fingerprint === expected) continue;
      const text = `a new connection saw certificate ${asked.fingerprint}, not ${expected}`;
      this.#lab.ledger.record("stale configuration", text);
    }
  }

  /** The new listener answers, and takes tunnels that will outlive it. */
  async #checkAdded(): Promise<void> {
    await this.#extra.close();
    await this.#lab.probe({ port: this.#lab.premises.extraPort, secure: false });
    await this.#extra.open(extraTunnels);
  }

  /** The listener that is gone refuses; its tunnels live on, which they prove by going on to echo. */
  async #checkRemoved(): Promise<void> {
    const target = { port: this.#lab.premises.extraPort, secure: false };
    await until("the removed listener to refuse", refusalLimitMs, async () => {
      try {
        await ask(target, "/removed");
        return null;
      } catch (error) {
        return error instanceof AskError && error.wrong === "request refused" ? true : null;
      }
    });
  }

  async #comeAndGo(): Promise<void> {
    const { tunnels } = this.#lab;
    const leaving = [...tunnels.all].slice(0, this.#options.churn);
    await tunnels.close(leaving);
    await tunnels.open(leaving.length);
  }

  /** What is left without any client; old workers get a moment to notice. */
  async #afterAll(): Promise<ProcessFigures> {
    const { gateway } = this.#lab;
    const isGone = async (): Promise<true | null> =>
      (await gateway.figures()).oldWorkers === 0 ? true : null;
    await until("the end of old workers", 10_000, isGone).catch(() => undefined);
    return await gateway.figures();
  }
}

function lowsOf(done: readonly ReloadDone[]): number[] {
  const third = Math.ceil(done.length / 3);
  return [0, 1, 2]
    .map((part) => done.slice(part * third, (part + 1) * third).map(({ memoryKib }) => memoryKib))
    .filter((values) => values.length > 0)
    .map((values) => Math.min(...values));
}
