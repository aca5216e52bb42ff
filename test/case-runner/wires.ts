/** How backends read requests and frame answers: HTTP, or what applications behind a web server speak. */
import type { ByteStream } from "./byte-stream.ts";
import { fieldValues, framingOf, readBody, readHead, type Message } from "./message.ts";

/** A protocol that a backend speaks. Requests of all of them are told as messages with a start line and fields. */
export interface Wire {
  readHead(stream: ByteStream, waitMs: number): Promise<Message | null>;
  readBody(stream: ByteStream, request: Message): Promise<void>;
  /** The bytes of a whole answer, of which `text` is head and body. */
  frame(text: string): string;
  /** The line that a head begins with when all is well. */
  readonly statusLine: string;
  /** The connection is good for another request when one was answered. */
  keeps(request: Message): boolean;
}

const httpWire: Wire = {
  statusLine: "HTTP/1.1 200 OK\r\n",
  readHead: (stream, waitMs) => readHead(stream, waitMs),
  readBody: (stream, request) => readBody(stream, request, framingOf(request, { kind: "none" })),
  frame: (text) => text,
  keeps(request) {
    const connection = fieldValues(request, "Connection").join(",").toLowerCase();
    return request.startLine.endsWith("HTTP/1.1") && !connection.includes("close");
  },
};

/** One record of FastCGI, unpadded. */
export function fastcgiRecord(type: number, content: string): string {
  const head = [1, type, 0, 1, content.length >> 8, content.length & 255, 0, 0];
  return String.fromCharCode(...head) + content;
}

/** What ends an answer: of status 0, all complete. */
export const fastcgiEnd = fastcgiRecord(3, "\0".repeat(8));

/** Start line: "FastCGI", with "keep" where the connection shall be kept. Fields: the parameters. */
const fastcgiWire: Wire = {
  statusLine: "",
  async readHead(stream, waitMs) {
    const begin = await readRecord(stream, waitMs);
    if (begin === null) return null;
    const keeps = begin.content.charCodeAt(2) === 1;
    let params = "";
    for (;;) {
      const record = await readRecord(stream, waitMs);
      if (record?.type !== 4) return null;
      if (record.content === "") break;
      params += record.content;
    }
    return messageOf(keeps ? "FastCGI keep" : "FastCGI", pairsOf(params));
  },
  async readBody(stream, request) {
    for (;;) {
      const record = await readRecord(stream, undefined);
      if (record === null) request.complete = false;
      // nginx ends parameters twice where there are none.
      if (record?.type === 4) continue;
      if (record === null || record.content === "") return;
      request.body += record.content;
    }
  },
  frame: (text) =>
    (text.match(/[^]{1,65535}/g) ?? []).map((part) => fastcgiRecord(6, part)).join("") + fastcgiEnd,
  keeps: (request) => request.startLine === "FastCGI keep",
};

/** A body of the length that CONTENT_LENGTH tells, an answer until the connection ends. */
const untilClose: Pick<Wire, "statusLine" | "readBody" | "frame" | "keeps"> = {
  statusLine: "",
  async readBody(stream, request) {
    const length = Number(fieldValues(request, "CONTENT_LENGTH")[0] ?? 0);
    const body = await takeBytes(stream, length, undefined);
    request.complete = body !== null;
    request.body = body ?? "";
  },
  frame: (text) => text,
  keeps: () => false,
};

/** Start line: "SCGI". */
const scgiWire: Wire = {
  ...untilClose,
  async readHead(stream, waitMs) {
    const colon = await stream.until(() => {
      const at = stream.buffered.indexOf(":");
      return at >= 0 ? at : stream.ended ? -1 : undefined;
    }, waitMs);
    if (colon === null || colon < 0) return null;
    const length = Number(stream.take(colon + 1).slice(0, -1));
    const text = await takeBytes(stream, length + 1, waitMs);
    if (text?.at(-1) !== ",") return null;
    const parts = text.slice(0, -2).split("\0");
    const pairs = parts.flatMap((name, index): [string, string][] =>
      index % 2 === 0 ? [[name, parts[index + 1] ?? ""]] : [],
    );
    return messageOf("SCGI", pairs);
  },
};

/** Start line: "uwsgi" with its modifiers. */
const uwsgiWire: Wire = {
  ...untilClose,
  async readHead(stream, waitMs) {
    const head = await takeBytes(stream, 4, waitMs);
    if (head === null) return null;
    const text = await takeBytes(stream, head.charCodeAt(1) + 256 * head.charCodeAt(2), waitMs);
    if (text === null) return null;
    const pairs: [string, string][] = [];
    let at = 0;
    const next = (): string => {
      const start = at + 2;
      at = start + text.charCodeAt(at) + 256 * text.charCodeAt(at + 1);
      return text.slice(start, at);
    };
    while (at < text.length) pairs.push([next(), next()]);
    return messageOf(`uwsgi ${head.charCodeAt(0)} ${head.charCodeAt(3)}`, pairs);
  },
};

/** By the word that a case file names them with. */
export const wires: Readonly<Record<string, Wire>> = {
  http: httpWire,
  fastcgi: fastcgiWire,
  scgi: scgiWire,
  uwsgi: uwsgiWire,
};

async function readRecord(
  stream: ByteStream,
  waitMs: number | undefined,
): Promise<{ type: number; content: string } | null> {
  const head = await takeBytes(stream, 8, waitMs);
  if (head === null) return null;
  const length = head.charCodeAt(4) * 256 + head.charCodeAt(5);
  const rest = await takeBytes(stream, length + head.charCodeAt(6), waitMs);
  return rest === null ? null : { type: head.charCodeAt(1), content: rest.slice(0, length) };
}

/** Null when the stream ended, or time was over, before so many had come. */
async function takeBytes(
  stream: ByteStream,
  count: number,
  waitMs: number | undefined,
): Promise<string | null> {
  const enough = await stream.until(() => {
    if (stream.buffered.length >= count) return true;
    return stream.ended ? false : undefined;
  }, waitMs);
  return enough === true ? stream.take(count) : null;
}

function pairsOf(params: string): [string, string][] {
  const pairs: [string, string][] = [];
  let at = 0;
  const length = (): number => {
    const first = params.charCodeAt(at++);
    if (first < 128) return first;
    const bytes = Buffer.from(params.slice(at - 1, at + 3), "latin1");
    at += 3;
    return bytes.readUInt32BE() - 0x8000_0000;
  };
  while (at < params.length) {
    const nameLength = length();
    const valueLength = length();
    pairs.push([
      params.slice(at, at + nameLength),
      params.slice(at + nameLength, at + nameLength + valueLength),
    ]);
    at += nameLength + valueLength;
  }
  return pairs;
}

function messageOf(startLine: string, headers: readonly (readonly [string, string])[]): Message {
  const lines = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return { startLine, headers, lines, body: "", complete: true };
}
