import { freePorts } from "../support/ports.ts";
import { BackendProcess } from "./backend-process.ts";
import { configurationOf, makeCertificates } from "./configuration.ts";
import type { Certificate, Generation, Premises } from "./configuration.ts";
import { Gateway } from "./gateway.ts";
import type { Product } from "./gateway.ts";
import { Ledger } from "./ledger.ts";
import { Arrivals } from "./load/arrivals.ts";
import type { ArrivalFigures } from "./load/arrivals.ts";
import { generationOf } from "./load/answer.ts";
import { ask } from "./load/ask.ts";
import type { Asked } from "./load/ask.ts";
import type { Target } from "./load/dial.ts";
import { KeptClient } from "./load/kept-client.ts";
import { Lag } from "./load/lag.ts";
import { Tunnels } from "./load/tunnels.ts";
import { until } from "./until.ts";

/** New connections in a row that must agree before a configuration counts as being in force everywhere. */
const agreeing = 20;
const effectLimitMs = 60_000;
/** Of the error log, in the error of an operation that failed. */
const logTailChars = 4_000;

export interface LoadSize {
  /** Half of them over TLS. */
  readonly tunnels: number;
  /** New connections a second, a tenth of them over TLS. */
  readonly arrivalsPerSecond: number;
  /** Clients with a kept connection, a quarter of them over TLS. */
  readonly keptClients: number;
  /** Between an answer and the next request of a kept client. */
  readonly keptPauseMs: number;
}

export interface LabOptions {
  readonly product: Product;
  readonly workers: number;
  readonly load: LoadSize;
  readonly certificates: number;
  /** Top-level directives of every configuration. */
  readonly extraMain: string;
  readonly extraHttp: string;
  readonly extraServer?: string;
}

export interface LoadFigures {
  readonly tunnels: number;
  readonly messagesEchoed: number;
  readonly echoMaxMs: number;
  readonly requestsAnswered: number;
  /** Kept connections that the gateway closed between two requests. */
  readonly idleCloses: number;
  readonly arrivals: ArrivalFigures;
  readonly clientLagMaxMs: number;
}

/** Gateway, backend and clients, with everything that is found out about them. */
export class Lab {
  readonly ledger = new Ledger();
  readonly gateway: Gateway;
  readonly backend: BackendProcess;
  readonly certificates: readonly Certificate[];
  readonly premises: Premises;
  readonly plain: Target;
  readonly secure: Target;
  readonly tunnels: Tunnels;
  readonly arrivals: Arrivals;
  /** The configuration that is in force. */
  generation: Generation;
  readonly #kept: readonly KeptClient[];
  readonly #load: LoadSize;
  readonly #lag = new Lag();

  private constructor(
    options: LabOptions,
    backend: BackendProcess,
    certificates: readonly Certificate[],
    [port, securePort, extraPort]: readonly number[],
  ) {
    const { product, load, workers, extraMain, extraHttp } = options;
    this.gateway = new Gateway(product);
    this.backend = backend;
    this.certificates = certificates;
    this.plain = { port: port!, secure: false };
    this.secure = { port: securePort!, secure: true };
    this.premises = {
      port: port!,
      securePort: securePort!,
      extraPort: extraPort!,
      backends: backend.ports,
      workerVariable: product.workerVariable,
      extraHttp,
      extraServer: options.extraServer ?? "",
    };
    this.generation = {
      number: 1,
      workers,
      upstreams: ["a", "b"],
      certificate: 0,
      hasExtraListener: false,
      extraMain,
    };
    const { plain, secure } = this;
    this.#load = load;
    this.tunnels = new Tunnels([plain, secure], this.ledger);
    const nineOfTen = Array.from({ length: 9 }, () => plain);
    this.arrivals = new Arrivals([...nineOfTen, secure], this.ledger);
    this.#kept = Array.from(
      { length: load.keptClients },
      (_, id) => new KeptClient(id, id % 4 === 3 ? secure : plain, this.ledger),
    );
    for (const { files } of certificates) {
      for (const [name, text] of Object.entries(files)) this.gateway.write(name, text);
    }
  }

  /** Backend and gateway; no load yet. */
  static async start(options: LabOptions): Promise<Lab> {
    const certificates = await makeCertificates(options.certificates);
    const ports = await freePorts(3);
    const backend = await BackendProcess.start(["a", "b", "c"]);
    const lab = new Lab(options, backend, certificates, ports);
    try {
      lab.write(lab.generation);
      await lab.gateway.start(lab.plain.port);
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  }

  /** Puts a generation's file where the gateway will read it. */
  write(generation: Generation): void {
    this.gateway.write("nginx.conf", configurationOf(generation, this.premises));
  }

  /** Opens the tunnels and starts everything that is to go on during the operations. */
  async startLoad(): Promise<void> {
    await this.tunnels.open(this.#load.tunnels);
    this.tunnels.start();
    this.#startRequests();
  }

  #startRequests(): void {
    for (const client of this.#kept) client.start(this.#load.keptPauseMs);
    this.arrivals.start(this.#load.arrivalsPerSecond);
  }

  /** No new requests; resolves when those under way have their answers. */
  async stopRequests(): Promise<void> {
    await Promise.all([this.arrivals.stop(), ...this.#kept.map((client) => client.stop())]);
  }

  /** Does something while only the tunnels go on. */
  async quietly<T>(work: () => Promise<T>): Promise<T> {
    await this.stopRequests();
    const result = await work();
    this.#startRequests();
    return result;
  }

  /** Ends the load; what is still outstanding then is lost. */
  async stopLoad(): Promise<void> {
    await this.stopRequests();
    for (const client of this.#kept) client.close();
    await this.tunnels.stop();
  }

  /**
   * Waits until new connections are answered by a generation only; all later ones are held to it.
   * @returns how long that took
   */
  async inForce(generation: Generation): Promise<number> {
    const startedAt = performance.now();
    let inRow = 0;
    await until(`generation ${generation.number} in force`, effectLimitMs, async () => {
      // A burst, so that it reaches all workers before anything else has happened.
      const asked = await this.#askMany(agreeing);
      const isAll = asked.every(({ answer }) => generationOf(answer.head) === generation.number);
      inRow = isAll ? inRow + 1 : 0;
      return inRow > 0 ? true : null;
    });
    this.generation = generation;
    this.arrivals.generationMin = generation.number;
    return Math.round(performance.now() - startedAt);
  }

  /** Asks `count` times at once, on new connections; those that fail are in the ledger. */
  async #askMany(count: number): Promise<Asked[]> {
    const outcomes = await Promise.all(
      Array.from({ length: count }, (_, index) => this.probe(index % 4 === 3 ? this.secure : this.plain)),
    );
    return outcomes.filter((asked) => asked !== null);
  }

  /** One question on a new connection; null, with an entry in the ledger, when it fails. */
  async probe(target: Target): Promise<Asked | null> {
    try {
      return await ask(target, "/probe");
    } catch (error) {
      this.ledger.record("request reset", `probe: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  }

  get figures(): LoadFigures {
    return {
      tunnels: this.tunnels.all.size,
      messagesEchoed: this.tunnels.echoed,
      echoMaxMs: this.tunnels.echoMaxMs,
      requestsAnswered: this.#kept.reduce((sum, { answered }) => sum + answered, 0),
      idleCloses: this.#kept.reduce((sum, { idleCloses }) => sum + idleCloses, 0),
      arrivals: this.arrivals.figures,
      clientLagMaxMs: this.#lag.maxMs,
    };
  }

  /** Does an operation; should it fail, its error also tells what the gateway had to say, and the clients. */
  async during<T>(operation: (lab: Lab) => Promise<T>): Promise<T> {
    try {
      return await operation(this);
    } catch (error) {
      const log = this.gateway.log().slice(-logTailChars);
      const { during, details } = this.ledger;
      const story = [`during ${during}: ${String(error)}`, ...details, `its error log ends with:\n${log}`];
      throw new Error(story.join("\n"), { cause: error });
    } finally {
      await this.stop();
    }
  }

  /** Ends everything that was started here, whatever state it is in. */
  async stop(): Promise<void> {
    this.#lag.stop();
    const arrived = this.arrivals.stop();
    this.tunnels.destroy();
    for (const client of this.#kept) client.close();
    await this.gateway.stop();
    await arrived;
    await this.backend.stop();
  }
}
