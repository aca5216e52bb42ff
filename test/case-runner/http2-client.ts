import { HpackDecoder } from "../../src/http2/hpack-decoder.ts";
import type { ByteStream } from "./byte-stream.ts";
import {
  endHeaders,
  endStream,
  errorName,
  fieldBlock,
  frame,
  frameType,
  frameTypeName,
  preface,
  settingName,
  settingsPayload,
  uint32,
} from "./http2-frames.ts";
import { normalised, parseHead, type Message } from "./message.ts";
import { unquote } from "./text.ts";

type Field = readonly [name: string, value: string];

const windowMax = 0x7fff_ffff;
const windowFirst = 65_535;
/** Frames that a client sends without being asked: as large as every peer has to take. */
const frameBytesMax = 16_384;

/** What came on a stream. Heads that have been read are taken out. */
interface Incoming {
  readonly heads: Field[][];
  body: string;
  trailers: Field[] | null;
  ended: boolean;
  /** The code of RST_STREAM. */
  reset: number | null;
  /** A step has looked at how it ended. */
  seen: boolean;
}

interface Goaway {
  readonly lastStreamId: number;
  readonly code: number;
}

/** The HTTP/2 side of a client connection: requests out, what comes back by stream. */
export class Http2Client {
  private readonly stream: ByteStream;
  private readonly scheme: string;
  private readonly decoder = new HpackDecoder(4096);
  private readonly streams = new Map<number, Incoming>();
  /** A field block that has begun. */
  private block: { readonly streamId: number; readonly flags: number; bytes: string } | null = null;
  private nextStreamId = 1;
  /** Requests whose final answers nobody has read, in order. */
  private readonly owed: number[] = [];
  private readonly acknowledges: boolean;
  /** What the server's first SETTINGS said; null before. */
  settings: ReadonlyMap<string, number> | null = null;
  /** SETTINGS of ours that the server has acknowledged. */
  settingsAcknowledged = 0;
  /** Payloads of PING that the server has sent back. */
  readonly pongs: string[] = [];
  goaways: Goaway[] = [];

  /** `settings`: words such as `HEADER_TABLE_SIZE=0`; null lets the server send without limit. `bare`: nothing is sent unasked. */
  constructor(stream: ByteStream, secure: boolean, settings: readonly string[] | null, bare: boolean) {
    this.stream = stream;
    this.scheme = secure ? "https" : "http";
    this.acknowledges = !bare;
    if (bare) return;
    const words = settings ?? ["ENABLE_PUSH=0", `INITIAL_WINDOW_SIZE=${windowMax}`];
    const room =
      settings === null ? frame(frameType("WINDOW_UPDATE"), 0, 0, uint32(windowMax - windowFirst)) : "";
    stream.send(preface + frame(frameType("SETTINGS"), 0, 0, settingsPayload(words)) + room);
  }

  /** Sends a request on the next stream, whose number it returns; `ends` when nothing follows. Lines `:name: value` stand for the default ones. */
  request(method: string, target: string, below: readonly string[], ends: boolean): number {
    const fields = requestFields([method, this.scheme, target], below);
    const bytes = below
      .filter((line) => line.startsWith('> "'))
      .map((line) => unquote(line.slice(2)))
      .join("");
    const names = fields.map(([name]) => name);
    if (bytes !== "" && !names.includes("content-length") && !below.includes("! content-length"))
      fields.push(["content-length", String(bytes.length)]);
    const streamId = this.nextStreamId;
    this.headers(streamId, fields, ends && bytes === "");
    if (bytes !== "") this.data(streamId, bytes, ends);
    return streamId;
  }

  /** A field block in as many frames as it takes. */
  headers(streamId: number, fields: readonly Field[], ends: boolean): void {
    this.note(streamId);
    let rest = fieldBlock(fields);
    let type = frameType("HEADERS");
    let flags = ends ? endStream : 0;
    let out = "";
    while (rest.length > frameBytesMax) {
      out += frame(type, flags, streamId, rest.slice(0, frameBytesMax));
      rest = rest.slice(frameBytesMax);
      type = frameType("CONTINUATION");
      flags = 0;
    }
    this.stream.send(out + frame(type, flags | endHeaders, streamId, rest));
  }

  /** Bytes of a body in as many frames as it takes. */
  data(streamId: number, bytes: string, ends: boolean): void {
    let rest = bytes;
    let out = "";
    while (rest.length > frameBytesMax) {
      out += frame(0, 0, streamId, rest.slice(0, frameBytesMax));
      rest = rest.slice(frameBytesMax);
    }
    this.stream.send(out + frame(0, ends ? endStream : 0, streamId, rest));
  }

  /** A request has begun on this stream, also one that a step wrote by itself. */
  note(streamId: number): void {
    if (this.streams.has(streamId)) return;
    this.streams.set(streamId, {
      heads: [],
      body: "",
      trailers: null,
      ended: false,
      reset: null,
      seen: false,
    });
    this.owed.push(streamId);
    if (streamId >= this.nextStreamId) this.nextStreamId = streamId + 2;
  }

  /** What has come on a stream. */
  incoming(streamId: number): Incoming {
    this.note(streamId);
    const found = this.streams.get(streamId);
    if (found === undefined) throw new Error(`nothing was asked on stream ${streamId}`);
    return found;
  }

  /** The oldest stream whose answer nobody has read. */
  get oldest(): number {
    return this.owed[0] ?? 1;
  }

  /** The next response (on a stream, or the oldest one), normalised; null when none came. */
  async response(onStream: number | null): Promise<Message | null> {
    const streamId = onStream ?? this.oldest;
    const incoming = this.incoming(streamId);
    await this.until(() => incoming.heads.length > 0 || incoming.reset !== null);
    const head = incoming.heads.shift();
    if (head === undefined) return null;
    const status = head.find(([name]) => name === ":status")?.[1] ?? "";
    const lines = head.filter(([name]) => name !== ":status").map(([name, value]) => `${name}: ${value}`);
    const message = parseHead([`HTTP/2 ${status}`, ...lines].join("\r\n"));
    if (status.startsWith("1")) return normalised(message);
    this.taken(streamId);
    await this.until(() => incoming.ended || incoming.reset !== null);
    message.body = incoming.body;
    message.complete = incoming.ended;
    incoming.seen = true;
    return normalised(message);
  }

  /** The stream's end has been looked at. */
  taken(streamId: number): void {
    const at = this.owed.indexOf(streamId);
    if (at >= 0) this.owed.splice(at, 1);
    this.incoming(streamId).seen = true;
  }

  /** Waits until it is so; false when time is over or the connection has ended without it. */
  async until(isSo: () => boolean, waitMs?: number): Promise<boolean> {
    const answer = await this.stream.until(() => {
      this.read();
      if (isSo()) return true;
      return this.stream.ended ? false : undefined;
    }, waitMs);
    return answer ?? false;
  }

  /** What has come and will come is nobody's concern. */
  forget(): void {
    this.read();
    this.goaways = [];
    for (const incoming of this.streams.values()) incoming.seen = true;
  }

  /** What no step has looked at, in words; "" when there is nothing. */
  unread(): string {
    this.read();
    const [goaway] = this.goaways;
    if (goaway !== undefined && goaway.code !== 0) return `GOAWAY ${errorName(goaway.code)}`;
    for (const [id, { seen, heads, reset }] of this.streams) {
      if (!seen && heads.length > 0) return `an answer on stream ${id}`;
      if (!seen && reset !== null) return `stream ${id} reset with ${errorName(reset)}`;
    }
    return "";
  }

  /** Takes whole frames out of what has come. */
  private read(): void {
    for (;;) {
      const { buffered } = this.stream;
      if (buffered.length < 9) return;
      const at = (index: number): number => buffered.charCodeAt(index);
      const length = (at(0) << 16) | (at(1) << 8) | at(2);
      if (buffered.length < 9 + length) return;
      const payload = this.stream.take(9 + length).slice(9);
      this.onFrame(frameTypeName(at(3)), at(4), readUint32(buffered, 5) & windowMax, payload);
    }
  }

  private onFrame(type: string, flags: number, streamId: number, payload: string): void {
    if (type === "SETTINGS") this.onSettings(flags, payload);
    else if (type === "PING") this.onPing(flags, payload);
    else if (type === "GOAWAY")
      this.goaways.push({
        lastStreamId: readUint32(payload, 0) & windowMax,
        code: readUint32(payload, 4),
      });
    else if (type === "HEADERS" || type === "CONTINUATION") this.onBlock(type, flags, streamId, payload);
    else if (type === "DATA") this.onData(flags, streamId, payload);
    else if (type === "RST_STREAM") this.incoming(streamId).reset = readUint32(payload, 0);
    else if (type !== "WINDOW_UPDATE") throw new Error(`the server sent ${type}`);
  }

  private onSettings(flags: number, payload: string): void {
    if ((flags & endStream) !== 0) {
      this.settingsAcknowledged++;
      return;
    }
    const settings = new Map<string, number>();
    for (let at = 0; at + 6 <= payload.length; at += 6)
      settings.set(settingName(readUint32(payload, at) >>> 16), readUint32(payload, at + 2));
    this.settings ??= settings;
    if (this.acknowledges) this.stream.send(frame(frameType("SETTINGS"), endStream, 0, ""));
  }

  private onPing(flags: number, payload: string): void {
    if ((flags & endStream) !== 0) this.pongs.push(payload);
    else this.stream.send(frame(frameType("PING"), endStream, 0, payload));
  }

  private onData(flags: number, streamId: number, payload: string): void {
    const incoming = this.incoming(streamId);
    incoming.body += unpadded(flags, payload);
    if ((flags & endStream) !== 0) incoming.ended = true;
  }

  private onBlock(type: string, flags: number, streamId: number, payload: string): void {
    if (type === "HEADERS") this.block = { streamId, flags, bytes: "" };
    if (this.block === null) throw new Error("CONTINUATION of nothing");
    this.block.bytes += payload;
    if ((flags & endHeaders) === 0) return;
    const fields: Field[] = [];
    const bytes = Buffer.from(this.block.bytes, "latin1");
    const failure = this.decoder.decode(bytes, 0, bytes.length, {
      onField(name, value) {
        fields.push([name, value]);
      },
    });
    if (failure !== null) throw new Error(`the server's field block: ${failure}`);
    const incoming = this.incoming(streamId);
    if (fields[0]?.[0] === ":status") incoming.heads.push(fields);
    else incoming.trailers = fields;
    if ((this.block.flags & endStream) !== 0) incoming.ended = true;
    this.block = null;
  }
}

/** Pseudo-headers, as the lines change them, then the fields as they stand. */
function requestFields(
  [method, scheme, path]: readonly [string, string, string],
  below: readonly string[],
): Field[] {
  const own = fieldLines(below);
  const pseudo = new Map([
    [":method", method],
    [":scheme", scheme],
    [":path", path],
    [":authority", "localhost"],
  ]);
  for (const line of below) if (line.startsWith("! ")) pseudo.delete(line.slice(2));
  for (const [name, value] of own) if (name.startsWith(":")) pseudo.set(name, value);
  return [...pseudo, ...own.filter(([name]) => !name.startsWith(":"))];
}

/** The lines that are fields: `name: value`, or both quoted, `"name" "value"`, for bytes that a line cannot hold. */
export function fieldLines(below: readonly string[]): Field[] {
  return below
    .filter((line) => line !== "" && !line.startsWith("! ") && !line.startsWith('> "'))
    .map((line): Field => {
      const [, name, value] = /^(".*?") (".*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) return [unquote(name), unquote(value)];
      const colon = line.indexOf(":", 1);
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    });
}

function unpadded(flags: number, payload: string): string {
  return (flags & 0x8) === 0 ? payload : payload.slice(1, payload.length - payload.charCodeAt(0));
}

function readUint32(text: string, at: number): number {
  return (
    ((text.charCodeAt(at) << 24) |
      (text.charCodeAt(at + 1) << 16) |
      (text.charCodeAt(at + 2) << 8) |
      text.charCodeAt(at + 3)) >>>
    0
  );
}
