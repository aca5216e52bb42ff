import { parseIp } from "../address.ts";
import type { Clock } from "../clock.ts";
import { recordType, responseCode } from "../dns-message.ts";
import type { ServiceRecord } from "../dns-message.ts";
import type { DatagramEvents, DatagramPeer, TcpEndpoint } from "../network.ts";
import { encodeAnswer, encodeService, readQuestion } from "./name-answer.ts";

/** How long the name servers of this world let their answers be used. */
const nameTtlSeconds = 60;

/** What gets datagrams at an endpoint of the simulated network; its answers arrive when it gives them. */
export type DatagramServer = (bytes: Buffer, answer: (bytes: Buffer) => void) => void;

/** The answers of a name server that knows what the simulated network knows. */
export class MemoryNames {
  readonly names = new Map<string, string[]>([["localhost", ["127.0.0.1", "::1"]]]);
  readonly services = new Map<string, ServiceRecord[]>();
  failure: keyof typeof responseCode | null = null;

  readonly serve: DatagramServer = (question, answer) => answer(this.answerTo(question));

  private answerTo(question: Buffer): Buffer {
    if (this.failure !== null) return encodeAnswer(question, [], { code: responseCode[this.failure] });
    const { name, type } = readQuestion(question);
    const known = type === recordType.srv ? this.services.get(name) : this.names.get(name);
    if (known === undefined) return encodeAnswer(question, [], { code: responseCode.notFound });
    const all = known.map((record) =>
      typeof record === "string"
        ? parseIp(record)!
        : encodeService(record.priority, record.weight, record.port, record.target),
    );
    const length = type === recordType.a ? 4 : 16;
    const wanted = type === recordType.srv ? all : all.filter((data) => data.length === length);
    return encodeAnswer(
      question,
      wanted.map((data) => ({ type, ttlSeconds: nameTtlSeconds, data })),
    );
  }
}

/**
 * Datagrams take no time here, and arrive also while nobody lets time pass: a configuration that is read may ask
 * for names.
 */
export class MemoryDatagramPeer implements DatagramPeer {
  private readonly server: DatagramServer | null;
  private readonly events: DatagramEvents;
  private readonly clock: Clock;
  private readonly onInternalError: (error: unknown) => void;
  private readonly onClosed: () => void;
  private closed = false;

  /** `server`: null where nobody is. */
  constructor(
    server: DatagramServer | null,
    events: DatagramEvents,
    clock: Clock,
    onInternalError: (error: unknown) => void,
    onClosed: () => void,
  ) {
    this.server = server;
    this.events = events;
    this.clock = clock;
    this.onInternalError = onInternalError;
    this.onClosed = onClosed;
  }

  send(bytes: Buffer): void {
    const { server, events } = this;
    if (server === null) return this.later(() => events.onFailed("ECONNREFUSED"));
    this.later(() => server(bytes, (answer) => this.later(() => events.onDatagram(answer))));
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClosed();
  }

  private later(run: () => void): void {
    let done = false;
    const once = (): void => {
      if (done || this.closed) return;
      done = true;
      try {
        run();
      } catch (error) {
        this.onInternalError(error);
      }
    };
    queueMicrotask(once);
    // Before time passes, even where whoever lets it pass takes no turns.
    this.clock.soon(once);
  }
}

/** The place of an endpoint in a table of servers. */
export function datagramKey({ address, port }: Pick<TcpEndpoint, "address" | "port">): string {
  return `${address} ${port}`;
}
