/** A name server for tests, which knows the names that it is told, by UDP and by TCP. */
import dgram from "node:dgram";
import net from "node:net";
import { parseIp } from "./address.ts";
import { recordType } from "./dns-message.ts";
import { encodeAnswer, encodeName, encodeService, readQuestion } from "./memory/name-answer.ts";
import type { AnswerRecord } from "./memory/name-answer.ts";

const failures: Readonly<Record<string, number>> = {
  empty: 0,
  formerr: 1,
  servfail: 2,
  nxdomain: 3,
  notimp: 4,
  refused: 5,
  yxdomain: 6,
};

const typeNames: Readonly<Record<string, number>> = {
  a: recordType.a,
  aaaa: recordType.aaaa,
  srv: recordType.srv,
};

/** What is said to one kind of question. */
interface Entry {
  readonly records: readonly AnswerRecord[];
  readonly code: number;
  readonly silent: boolean;
  readonly truncated: boolean;
  /** Bytes that are sent in the place of an answer. */
  readonly raw: Buffer | null;
}

/** What a name server says to a question, in lines: see `NameServer`. */
export class NameScript {
  private readonly names = new Map<string, readonly string[]>();
  /** Names asked for, in order, once per type. */
  readonly asked: string[] = [];

  constructor(text: string) {
    for (const line of text.split("\n")) if (line.trim() !== "") this.tell(line);
  }

  /** What is known of a name from now on, in one line. */
  tell(line: string): void {
    const [name = "", ...words] = line.trim().split(/\s+/);
    this.names.set(name.toLowerCase(), words);
  }

  /** Null: no answer. */
  answerTo(question: Buffer, overTcp: boolean): Buffer | null {
    const { name, type } = readQuestion(question);
    this.asked.push(name);
    const words = this.names.get(name) ?? this.madeUp(name) ?? ["nxdomain"];
    const { records, code, silent, truncated, raw } = readEntry(words, type);
    if (silent) return null;
    if (raw !== null) return raw;
    if (truncated && !overTcp) return encodeAnswer(question, [], { truncated });
    return encodeAnswer(question, records, { code });
  }

  /** "c7.chain" is an alias of "c6.chain", and so on. */
  private madeUp(name: string): string[] | null {
    const [, place, rest] = /^c(\d+)\.(chain\..*|chain)$/.exec(name) ?? [];
    return place === undefined || place === "0" ? null : [`cname=c${Number(place) - 1}.${rest}`];
  }
}

/** The words of one line, as far as they are about this type. */
function readEntry(words: readonly string[], type: number): Entry {
  const kindOf = (word: string): number | null => typeNames[/^(a|aaaa|srv):/.exec(word)?.[1] ?? ""] ?? null;
  const special = words
    .filter((word) => kindOf(word) === type)
    .map((word) => word.slice(word.indexOf(":") + 1));
  // Words for this type alone take the place of what else there is.
  const said = special.length > 0 ? special : words.filter((word) => kindOf(word) === null);
  const ttlSeconds = Number(said.find((word) => word.startsWith("ttl="))?.slice(4) ?? 60);
  const raw = said.find((word) => word.startsWith("raw="));
  return {
    records: said.flatMap((word) => readRecords(word, type, ttlSeconds)),
    code: failures[said.find((word) => word in failures) ?? "empty"]!,
    silent: said.includes("silent"),
    truncated: said.includes("truncated"),
    raw: raw === undefined ? null : Buffer.from(raw.slice(4), "hex"),
  };
}

function readRecords(word: string, asked: number, ttlSeconds: number): AnswerRecord[] {
  const address = parseIp(word);
  if (address !== null) {
    const type = address.length === 4 ? recordType.a : recordType.aaaa;
    return type === asked ? [{ type, ttlSeconds, data: address }] : [];
  }
  const equals = word.indexOf("=");
  const value = word.slice(equals + 1);
  switch (word.slice(0, Math.max(0, equals))) {
    case "cname":
      return [{ type: recordType.cname, ttlSeconds, data: encodeName(value) }];
    case "dname":
      return [{ type: recordType.dname, ttlSeconds, data: encodeName(value), owner: "test" }];
    case "many":
      return asked === recordType.a
        ? Array.from({ length: Number(value) }, (_, at) => manyOf(at, ttlSeconds))
        : [];
    case "srv": {
      if (asked !== recordType.srv) return [];
      const [priority, weight, port, target = ""] = value.split(":");
      const data = encodeService(Number(priority), Number(weight), Number(port), target);
      return [{ type: recordType.srv, ttlSeconds, data }];
    }
    default:
      return [];
  }
}

/** One of many addresses, the first of which is 127.0.0.1. */
function manyOf(at: number, ttlSeconds: number): AnswerRecord {
  return { type: recordType.a, ttlSeconds, data: Buffer.from([127, 0, at >> 8, (at & 0xff) + 1]) };
}

export class NameServer extends NameScript {
  private readonly socket = dgram.createSocket("udp4");
  private readonly connections = new Set<net.Socket>();
  private readonly listener = net.createServer((connection) => this.accept(connection));

  /**
   * One name per line: "a.test 127.0.0.1 ::1 ttl=7", "b.test servfail", "c.test silent", "d.test cname=a.test",
   * "_http._tcp.e.test srv=10:5:8080:a.test" (priority, weight, port, target), "f.test 127.0.0.1 aaaa:servfail"
   * (another word for one kind alone), "g.test truncated many=100" (whole by TCP), "h.test raw=0000".
   */
  constructor(text: string) {
    super(text);
    this.socket.on("message", (query, from) => {
      const answer = this.answerTo(query, false);
      if (answer !== null) this.socket.send(answer, from.port, from.address);
    });
  }

  /** Resolves with the port on 127.0.0.1. */
  async listen(): Promise<number> {
    for (let tries = 0; ; tries++) {
      await new Promise<void>((resolve) => this.listener.listen(0, "127.0.0.1", resolve));
      const { port } = this.listener.address() as net.AddressInfo;
      const failure = await new Promise<Error | null>((resolve) => {
        this.socket.once("error", resolve);
        this.socket.bind(port, "127.0.0.1", () => {
          this.socket.off("error", resolve);
          resolve(null);
        });
      });
      if (failure === null) return port;
      if (tries === 10) throw failure;
      await new Promise<void>((resolve) => this.listener.close(() => resolve()));
    }
  }

  close(): void {
    this.socket.close();
    this.listener.close();
    for (const connection of this.connections) connection.destroy();
  }

  private accept(connection: net.Socket): void {
    this.connections.add(connection);
    connection.on("close", () => this.connections.delete(connection));
    connection.on("error", () => undefined);
    let received = Buffer.alloc(0);
    connection.on("data", (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const answer = this.answerTo(received.subarray(2, end), true);
        received = received.subarray(end);
        if (answer === null) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        connection.write(Buffer.concat([length, answer]));
      }
    });
  }
}
