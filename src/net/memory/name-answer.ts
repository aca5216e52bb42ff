/** What name servers of the simulated network, and those of tests, say. */
import { readResponse } from "../dns-message.ts";
import type { DnsResponse } from "../dns-message.ts";

/** A resource record to be put into an answer; `type` and `data` are as on the wire (RFC 1035 section 3.2). */
export interface AnswerRecord {
  readonly type: number;
  readonly ttlSeconds: number;
  readonly data: Uint8Array;
  /** The record's owner; by default the name that was asked for. */
  readonly owner?: string;
}

/** Name and type of a question. @throws Error when the bytes are none */
export function readQuestion(question: Buffer): Pick<DnsResponse, "name" | "type"> {
  const asAnswer = Buffer.from(question);
  asAnswer.writeUInt16BE(0x8000, 2);
  const read = readResponse(asAnswer, "UDP");
  if (typeof read === "string") throw new Error(read);
  return read;
}

/** The answer to a question with these records. */
export function encodeAnswer(
  question: Buffer,
  records: readonly AnswerRecord[],
  { code = 0, truncated = false }: { code?: number; truncated?: boolean } = {},
): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180 | code | (truncated ? 0x0200 : 0), 2);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, ...records.map(encodeRecord)]);
}

/** A name as it stands in messages, without pointers. */
export function encodeName(name: string): Buffer {
  const labels = name.split(".").map((label) => String.fromCharCode(label.length) + label);
  return Buffer.from(`${labels.join("")}\0`, "latin1");
}

/** The data of an SRV record. */
export function encodeService(priority: number, weight: number, port: number, target: string): Buffer {
  const numbers = Buffer.alloc(6);
  [priority, weight, port].forEach((number, index) => numbers.writeUInt16BE(number, index * 2));
  return Buffer.concat([numbers, encodeName(target)]);
}

function encodeRecord({ type, ttlSeconds, data, owner }: AnswerRecord): Buffer {
  const head = Buffer.alloc(10);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(1, 2);
  head.writeUInt32BE(ttlSeconds, 4);
  head.writeUInt16BE(data.length, 8);
  // By default the name in the question.
  const name = owner === undefined ? Buffer.from([0xc0, 12]) : encodeName(owner);
  return Buffer.concat([name, head, data]);
}
