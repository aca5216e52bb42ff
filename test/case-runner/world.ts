import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Backend } from "./backend.ts";
import { WAIT_MS } from "./byte-stream.ts";
import { connectClient, type Client, type Http2Choice, type Target, type TlsChoice } from "./client.ts";
import type { Http2Client } from "./http2-client.ts";
import type { Message } from "./message.ts";
import { show, type Placeholders } from "./text.ts";

/** Says what went otherwise than the case expects. */
export class CaseFailure extends Error {}

export function failCase(why: string): never {
  throw new CaseFailure(why);
}

/** HTTP/1.1, HTTP/2 with prior knowledge, or HTTP/2 over TLS. */
export type ClientProtocol = "http1" | "h2c" | "h2";

/** What the steps of one case act on. */
export class World {
  readonly directory: string;
  readonly placeholders: Placeholders;
  readonly backends: ReadonlyMap<string, Backend>;
  readonly #clients: Client[] = [];
  #client: Client | null = null;
  #response: Message | null = null;
  /** Why the last `connect` failed, until a step has asked. */
  connectError: string | null = null;
  /** The last response ended early and no step has said so yet. */
  cutShort = false;
  /** The request that the last `B… saw` step looked at. */
  seen: Message | null = null;
  /** When the last bytes were sent by the client, in milliseconds of the runtime's clock. */
  sentAt = 0;
  /** The error log's size when the case began. */
  readonly #logStart = new Map<string, number>();

  /** What a client speaks that no step has connected. */
  private readonly speaks: ClientProtocol;

  constructor(
    directory: string,
    placeholders: Placeholders,
    backends: ReadonlyMap<string, Backend>,
    speaks: ClientProtocol,
  ) {
    this.speaks = speaks;
    this.directory = directory;
    this.placeholders = placeholders;
    this.backends = backends;
  }

  get client(): Client {
    if (this.connectError !== null) failCase(`connecting failed: ${this.connectError}`);
    return this.#client ?? failCase("no connection is open in this case");
  }

  /** The connection's HTTP/2 side. */
  get http2(): Http2Client {
    return this.client.http2 ?? failCase("the connection does not speak HTTP/2");
  }

  get response(): Message {
    return this.#response ?? failCase("no response has been read in this case");
  }

  /** The open connection when it was made by `connect` and not used, else a new one to %PORT1%. */
  async freshClient(): Promise<Client> {
    if (this.#client !== null && !this.client.used) return this.client;
    const http2 = this.speaks === "http1" ? null : { settings: null, bare: false };
    const tls = { serverName: null, version: null, protocols: ["h2"], certificate: null };
    const target = { host: "127.0.0.1", port: Number(this.placeholders.get("PORT1")) };
    await this.connect(target, this.speaks === "h2" ? tls : null, "", http2);
    return this.client;
  }

  /** The open connection, used or not, else a new one to %PORT1%. */
  async ensureClient(): Promise<void> {
    if (this.#client === null) await this.freshClient();
  }

  async connect(
    target: Target,
    tls: TlsChoice | null,
    first = "",
    http2: Http2Choice | null = null,
  ): Promise<void> {
    this.#leave();
    try {
      this.#client = await connectClient(target, tls, first);
      this.#clients.push(this.#client);
      const { protocol } = this.#client;
      if (http2 !== null && tls !== null && protocol !== "h2")
        failCase(`ALPN chose ${protocol ?? "nothing"}`);
      if (http2 !== null || protocol === "h2")
        this.#client.speakHttp2(http2 ?? { settings: null, bare: false });
      this.placeholders.set("CLIENT_PORT", String(this.#client.localPort));
    } catch (error) {
      this.connectError = error instanceof Error ? error.message : String(error);
    }
  }

  send(bytes: string): void {
    this.sentAt = performance.now();
    this.client.send(bytes);
  }

  /** The HTTP/2 side, of which something is sent now. */
  sending(): Http2Client {
    this.sentAt = performance.now();
    this.client.used = true;
    return this.http2;
  }

  async readResponse(onStream: number | null = null): Promise<Message> {
    this.#requireWhole();
    const response = await this.client.response(onStream);
    if (response === null) {
      const unread = this.client.http2?.unread() ?? "";
      if (unread !== "") failCase(`no response: ${unread}`);
      const { buffered, ended, errorCode } = this.client.stream;
      const state = ended ? `the connection was closed (${errorCode ?? "end"})` : "nothing more came";
      failCase(`no response: ${state}, buffered ${show(buffered)}`);
    }
    this.#response = response;
    this.cutShort = !response.complete;
    return response;
  }

  backend(name: string): Backend {
    return this.backends.get(name) ?? failCase(`no backend ${name}`);
  }

  /** What was appended to a log since the case began, whole lines only. */
  newLogLines(name: string): string[] {
    const path = join(this.directory, "logs", name);
    const start = this.#logStart.get(name) ?? 0;
    const text = fileSize(path) === 0 ? "" : readFileSync(path, "latin1").slice(start);
    return text.split("\n").slice(0, -1);
  }

  /** Marks where the logs stand now. */
  beginLogs(names: readonly string[]): void {
    for (const name of names) this.#logStart.set(name, fileSize(join(this.directory, "logs", name)));
  }

  #requireWhole(): void {
    if (this.cutShort) failCase(`the response was cut short; body so far ${show(this.response.body)}`);
  }

  /** Nothing may be left over on a connection that the case turns away from. */
  #leave(): void {
    this.#requireWhole();
    if (this.connectError !== null) failCase(`connecting failed: ${this.connectError}`);
    const unread = this.#client?.http2?.unread() ?? "";
    if (unread !== "") failCase(`no step looked at ${unread}`);
    const left = this.#client?.stream.buffered ?? "";
    if (left !== "") failCase(`bytes that no step read: ${show(left)}`);
  }

  finish(): void {
    this.#leave();
  }

  dispose(): void {
    for (const client of this.#clients) client.stream.destroy();
  }
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Asks again every few milliseconds until the answer is not undefined; null when time is over. */
export async function poll<T>(ask: () => T | undefined, waitMs: number = WAIT_MS): Promise<T | null> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) return null;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
