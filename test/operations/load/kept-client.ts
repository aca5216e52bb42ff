import type { Socket } from "node:net";
import type { Ledger } from "../ledger.ts";
import { pause } from "../until.ts";
import { AnswerReader } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { checkAnswer } from "./arrivals.ts";
import { codeOf, dial, nameOf } from "./dial.ts";
import type { Target } from "./dial.ts";
import { bodyOf, firstDifference } from "./pattern.ts";

const patienceMs = 20_000;
const bodyBytes = 150_000;
const body = bodyOf(bodyBytes);

/** Requests one after another on one connection, as long as the gateway keeps it. */
export class KeptClient {
  /** How often the gateway closed the connection between two requests. */
  idleCloses = 0;
  answered = 0;
  readonly #id: number;
  readonly #target: Target;
  readonly #ledger: Ledger;
  #connection: Connection | null = null;
  #isStopping = false;
  #isClosed = false;
  #running: Promise<void> = Promise.resolve();

  constructor(id: number, target: Target, ledger: Ledger) {
    this.#id = id;
    this.#target = target;
    this.#ledger = ledger;
  }

  start(pauseMs: number): void {
    this.#isStopping = false;
    this.#running = this.#run(pauseMs);
  }

  /** Ends after the request that is under way; the connection stays open. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** For good. */
  close(): void {
    this.#isStopping = true;
    this.#isClosed = true;
    this.#connection?.close();
    this.#connection = null;
  }

  async #run(pauseMs: number): Promise<void> {
    while (!this.#isStopping) {
      await this.#exchange(this.#path());
      await pause(pauseMs);
    }
  }

  /** Mostly small ones; some that are long under way, and some with a body of many segments. */
  #path(): string {
    const number = this.answered;
    if (number % 10 === 4) return `/hold/${this.#id}/${number}?ms=700`;
    if (number % 10 === 8) return `/body/${this.#id}/${number}?bytes=${bodyBytes}`;
    return `/kept/${this.#id}/${number}`;
  }

  async #exchange(path: string): Promise<void> {
    if (this.#connection?.isClosed === true) {
      this.idleCloses += 1;
      this.#connection = null;
    }
    const connection = (this.#connection ??= new Connection(this.#target));
    const outcome = await connection.request(path);
    if (typeof outcome === "string") {
      connection.close();
      this.#connection = null;
      if (!this.#isClosed) this.#record(path, outcome);
      return;
    }
    this.answered += 1;
    if (path.startsWith("/body/") && outcome.status === 200) this.#checkBody(path, outcome.body);
    else checkAnswer(this.#ledger, path, outcome);
  }

  #checkBody(path: string, actual: Buffer): void {
    const at = firstDifference(actual, body);
    if (at >= 0) this.#ledger.record("wrong answer", `${path}: byte ${at} of ${actual.length} is wrong`);
  }

  #record(path: string, outcome: string): void {
    const text = `GET ${path} on kept ${nameOf(this.#target)}: ${outcome}`;
    if (outcome.startsWith("ECONNREFUSED")) this.#ledger.record("request refused", text);
    else if (outcome.startsWith("no answer")) this.#ledger.record("request timed out", text);
    else if (outcome.includes("inside")) this.#ledger.record("request truncated", text);
    else if (outcome.endsWith("the first request")) this.#ledger.record("request reset", text);
    else this.#ledger.record("kept connection closed under a request", text);
  }
}

/** One connection; one request at a time. */
class Connection {
  isClosed = false;
  readonly #socket: Socket;
  readonly #ready: Promise<void>;
  readonly #reader = new AnswerReader();
  #code = "closed";
  #requests = 0;
  #settle: (outcome: Answer | string) => void = () => undefined;

  constructor(target: Target) {
    let ready = (): void => undefined;
    this.#ready = new Promise((resolve) => (ready = resolve));
    this.#socket = dial(target, ready);
    this.#socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on("error", (error) => (this.#code = codeOf(error)));
    this.#socket.on("end", () => this.#over());
    this.#socket.on("close", () => {
      this.#over();
      ready();
    });
  }

  /** The answer, or what happened instead. */
  async request(path: string): Promise<Answer | string> {
    await this.#ready;
    if (this.isClosed) return `${this.#code} before the first request`;
    this.#requests += 1;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(`no answer in ${patienceMs} ms`), patienceMs);
      this.#settle = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      const answer = this.#reader.push(chunk);
      if (answer === null) return;
      // A gateway that announces the end of the connection has not broken it.
      if (/^connection: close/im.test(answer.head)) this.isClosed = true;
      this.#settle(answer);
    } catch (error) {
      this.#settle(String(error));
    }
  }

  #over(): void {
    this.isClosed = true;
    const where = this.#reader.isInside
      ? `inside an answer, after ${this.#reader.received} bytes`
      : "with no byte of an answer";
    this.#settle(
      `${this.#code} ${where}, request ${this.#requests === 1 ? "1, the first request" : this.#requests}`,
    );
    this.#socket.destroy();
  }
}
