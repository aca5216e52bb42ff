/** A name server for tests, which knows the names that it is told. */
import dgram from "node:dgram";
import { parseIp } from "../address.ts";

const typeA = 1;
const typeAaaa = 28;
const typeSrv = 33;

const failures: Readonly<Record<string, number>> = {
  formerr: 1,
  servfail: 2,
  nxdomain: 3,
  notimp: 4,
  refused: 5,
};

interface Entry {
  readonly addresses: readonly string[];
  /** Data of SRV records. */
  readonly services: readonly Buffer[];
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

  /**
   * One name per line: "a.test 127.0.0.1 ::1 ttl=7", "b.test servfail", "c.test silent",
   * "_http._tcp.d.test srv=10:5:8080:a.test" (priority, weight, port, target).
   */
  constructor(text: string) {
    for (const line of text.split("\n")) if (line.trim() !== "") this.tell(line);
    this.socket.on("message", (query, from) => {
      const answer = this.answerTo(query);
      if (answer !== null) this.socket.send(answer, from.port, from.address);
    });
  }

  /** What is known of a name from now on, in a line as above. */
  tell(line: string): void {
    const [name = "", ...words] = line.trim().split(/\s+/);
    this.names.set(name.toLowerCase(), readEntry(words));
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
    const { ttlSeconds, failure, silent, ...entry } = this.names.get(name) ?? readEntry(["nxdomain"]);
    if (silent) return null;
    const length = type === typeA ? 4 : type === typeAaaa ? 16 : 0;
    const addresses = entry.addresses.map((address) => parseIp(address)!);
    const records = type === typeSrv ? entry.services : addresses.filter((bytes) => bytes.length === length);
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
    services: words.filter((word) => word.startsWith("srv=")).map((word) => serviceData(word.slice(4))),
    ttlSeconds: ttl === undefined ? 60 : Number(ttl.slice(4)),
    failure: failures[first] ?? 0,
    silent: first === "silent",
  };
}

function serviceData(text: string): Buffer {
  const [priority, weight, port, target = ""] = text.split(":");
  const numbers = Buffer.alloc(6);
  [priority, weight, port].forEach((number, index) => numbers.writeUInt16BE(Number(number), index * 2));
  const labels = target
    .split(".")
    .map((label) => Buffer.from(String.fromCharCode(label.length) + label, "latin1"));
  return Buffer.concat([numbers, ...labels, Buffer.alloc(1)]);
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
