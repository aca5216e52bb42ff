import type { ByteStream } from "./byte-stream.ts";

/** A request or a response as it stood on the wire, its body without the chunked framing. */
export interface Message {
  readonly startLine: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Head lines, without line ends. */
  readonly lines: readonly string[];
  body: string;
  /** False when the connection ended inside the message. */
  complete: boolean;
}

export type BodyFraming =
  | { kind: "none" }
  | { kind: "length"; length: number }
  | { kind: "chunked" }
  | { kind: "end" };

/** Waits for a head; null when the stream ended or stayed silent before one was whole. */
export async function readHead(stream: ByteStream, waitMs?: number): Promise<Message | null> {
  const length = await stream.until(() => {
    const end = stream.buffered.indexOf("\r\n\r\n");
    if (end >= 0) return end + 4;
    return stream.ended ? -1 : undefined;
  }, waitMs);
  if (length === null || length < 0) return null;
  return parseHead(stream.take(length));
}

export function parseHead(text: string): Message {
  const lines = text.replace(/\r\n\r\n$/, "").split("\r\n");
  const headers = lines.slice(1).map((line): readonly [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { startLine: lines[0] ?? "", headers, lines, body: "", complete: true };
}

/** Values of a field in order, name compared without case. */
export function fieldValues(message: Message, name: string): string[] {
  const wanted = name.toLowerCase();
  return message.headers.filter(([field]) => field.toLowerCase() === wanted).map(([, value]) => value);
}

/** Framing by the fields alone; `otherwise` when they say nothing. */
export function framingOf(message: Message, otherwise: BodyFraming): BodyFraming {
  if (fieldValues(message, "Transfer-Encoding").some((value) => /chunked/i.test(value)))
    return { kind: "chunked" };
  const length = fieldValues(message, "Content-Length")[0];
  return length === undefined ? otherwise : { kind: "length", length: Number(length) };
}

export async function readBody(stream: ByteStream, message: Message, framing: BodyFraming): Promise<void> {
  switch (framing.kind) {
    case "none":
      return;
    case "length":
      return readSized(stream, message, framing.length);
    case "chunked":
      return readChunked(stream, message);
    case "end":
      await stream.until(() => (stream.ended ? true : undefined));
      message.body += stream.take(stream.buffered.length);
      message.complete = stream.ended && stream.errorCode === null;
  }
}

/** Takes `length` more bytes into the body. */
async function readSized(stream: ByteStream, message: Message, length: number): Promise<void> {
  await stream.until(() => (stream.buffered.length >= length || stream.ended ? true : undefined));
  const part = stream.take(length);
  message.body += part;
  if (part.length < length) message.complete = false;
}

async function readLine(stream: ByteStream): Promise<string | null> {
  const end = await stream.until(() => {
    const found = stream.buffered.indexOf("\r\n");
    if (found >= 0) return found;
    return stream.ended ? -1 : undefined;
  });
  if (end === null || end < 0) return null;
  return stream.take(end + 2).slice(0, -2);
}

async function readChunked(stream: ByteStream, message: Message): Promise<void> {
  while (message.complete) {
    const sizeLine = await readLine(stream);
    const size = sizeLine === null ? Number.NaN : Number.parseInt(sizeLine, 16);
    if (Number.isNaN(size)) {
      message.complete = false;
      return;
    }
    if (size === 0) return readTrailers(stream, message);
    await readSized(stream, message, size);
    if (message.complete && (await readLine(stream)) === null) message.complete = false;
  }
}

async function readTrailers(stream: ByteStream, message: Message): Promise<void> {
  for (;;) {
    const line = await readLine(stream);
    if (line === null) message.complete = false;
    if (line === null || line === "") return;
  }
}

const BUILT_IN_SIGNATURE = /<center>(?:nginx|longhaul)(?:\/[^<]*)?<\/center>/i;

/**
 * What legitimately differs between two programs and two moments is made equal:
 * Server, Date, and the signature on built-in error pages together with the length it changes.
 */
export function normalised(message: Message): Message {
  const body = message.body.replace(BUILT_IN_SIGNATURE, "<center>nginx</center>");
  const values: Readonly<Record<string, string>> = { server: "nginx", date: "now" };
  const lines = message.lines.map((line, index) => {
    const name = index === 0 ? "" : line.slice(0, Math.max(0, line.indexOf(":"))).toLowerCase();
    if (name === "content-length" && body !== message.body)
      return `${line.slice(0, name.length)}: ${body.length}`;
    const value = values[name];
    return value === undefined ? line : `${line.slice(0, name.length)}: ${value}`;
  });
  return { ...parseHead(lines.join("\r\n")), body, complete: message.complete };
}
