/** A name server for tests, which knows the names that it is told. */
import dgram from "node:dgram";
import { parseIp } from "../address.ts";

const typeA = 1;
const typeAaaa = 28;

const failures: Readonly<Record<string, number>> = {
  formerr: 1,
  servfail: 2,
  nxdomain: 3,
  notimp: 4,
  refused: 5,
};

interface Entry {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
  /** Response code. */
  readonly failure: number;
  readonly silent: boolean;
}

export class NameServer {
  private readonly socket = dgram.createSocket("udp4");
  private readonly names = new Map<string, Entry>();
  /** Names asked for, in order, once per type. */
  readonly asked: string[] = [];

  /** One name per line: "a.test 127.0.0.1 ::1 ttl=7", "b.test servfail", "c.test silent". */
  constructor(text: string) {
    for (const line of text.split("\n")) {
      const [name = "", ...words] = line.trim().split(/\s+/);
      if (name !== "") this.names.set(name.toLowerCase(), readEntry(words));
    }
    this.socket.on("message", (query, from) => {
      const answer = this.answerTo(query);
      if (answer !== null) this.socket.send(answer, from.port, from.address);
    });
  }

  /** Resolves with the port on 127.0.0.1. */
  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.socket.bind(0, "127.0.0.1", () => resolve(this.socket.address().port));
    });
  }

  close(): void {
    this.socket.close();
  }

  private answerTo(query: Buffer): Buffer | null {
    const { name, end } = readName(query);
    this.asked.push(name);
    const type = query.readUInt16BE(end);
    const { addresses, ttlSeconds, failure, silent } = this.names.get(name) ?? readEntry(["nxdomain"]);
    if (silent) return null;
    const length = type === typeA ? 4 : type === typeAaaa ? 16 : 0;
    const records = addresses.map((address) => parseIp(address)!).filter((bytes) => bytes.length === length);
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | failure, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([
      head,
      query.subarray(12, end + 4),
      ...records.map((data) => record(type, data, ttlSeconds)),
    ]);
  }
}

function readEntry(words: readonly string[]): Entry {
  const [first = ""] = words;
  const ttl = words.find((word) => word.startsWith("ttl="));
  return {
    addresses: words.filter((word) => parseIp(word) !== null),
    ttlSeconds: ttl === undefined ? 60 : Number(ttl.slice(4)),
    failure: failures[first] ?? 0,
    silent: first === "silent",
  };
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (; query[at] !== 0; at += query[at]! + 1)
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]!));
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function record(type: number, data: Uint8Array, ttlSeconds: number): Buffer {
  const head = Buffer.alloc(12);
  // The name is the one in the question.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
