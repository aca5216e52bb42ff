import { readUint24, readUint31, writeFrameHeader } from "../frame.ts";

const types = [
  "DATA",
  "HEADERS",
  "PRIORITY",
  "RST_STREAM",
  "SETTINGS",
  "PUSH_PROMISE",
  "PING",
  "GOAWAY",
  "WINDOW_UPDATE",
  "CONTINUATION",
];
const flags: Readonly<Record<string, number>> = {
  "-": 0,
  END_STREAM: 0x1,
  ACK: 0x1,
  END_HEADERS: 0x4,
  PADDED: 0x8,
  PRIORITY: 0x20,
};

/** Field blocks that cases need often. */
const blocks: Readonly<Record<string, string>> = {
  "@get": "828684 410161",
  "@post": "838684 410161",
  "@200": "88",
};

/**
 * Bytes of a frame written as text: `HEADERS END_STREAM|END_HEADERS 1 828684`. The payload is made of words: hex,
 * `'text'`, `{name=value}` (a literal field that is not indexed), `61*300` (repeated), or a name of `blocks`. A
 * type may be a number (`type:250`), a length may be a lie (`length:5`); `raw` begins bytes that are no frame.
 */
export function frameBytes(text: string): Buffer {
  const words = text.match(/\{[^}]*\}|'[^']*'|\S+/g) ?? [];
  if (words[0] === "raw") return Buffer.concat(words.slice(1).map(payloadOf));
  const [typeWord, flagWord, stream, ...rest] = words;
  const payload = Buffer.concat(rest.filter((word) => !word.startsWith("length:")).map(payloadOf));
  const length = rest.find((word) => word.startsWith("length:"))?.slice(7);
  const head = Buffer.alloc(9);
  let bits = 0;
  for (const flag of flagWord!.split("|")) bits |= flags[flag] ?? Number(flag);
  const type = typeWord!.startsWith("type:") ? Number(typeWord!.slice(5)) : types.indexOf(typeWord!);
  if (type < 0) throw new Error(`no frame: ${text}`);
  writeFrameHeader(head, 0, Number(length ?? payload.length), type, bits, Number(stream));
  return Buffer.concat([head, payload]);
}

function payloadOf(word: string): Buffer {
  if (word.startsWith("'")) return Buffer.from(word.slice(1, -1), "latin1");
  if (word.startsWith("{")) return literal(word.slice(1, -1));
  const [hex, times] = (blocks[word] ?? word).replaceAll(" ", "").split("*");
  if (!/^([0-9a-f]{2})+$/.test(hex!)) throw new Error(`no hex: ${word}`);
  return Buffer.from(hex!.repeat(Number(times ?? 1)), "hex");
}

function literal(field: string): Buffer {
  const equals = field.indexOf("=");
  const text = (part: string): Buffer => {
    // `\\n` and the like stand for bytes that would hide in a table.
    const bytes = Buffer.from(JSON.parse(`"${part}"`) as string, "latin1");
    if (bytes.length > 126) throw new Error("longer than this notation's integers");
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  };
  return Buffer.concat([Buffer.from([0]), text(field.slice(0, equals)), text(field.slice(equals + 1))]);
}

/** The bytes of frames written as text, one after the other. */
export function framesBytes(texts: readonly string[]): Buffer {
  return Buffer.concat(texts.map(frameBytes));
}

const flagNames: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  DATA: [
    [0x1, "END_STREAM"],
    [0x8, "PADDED"],
  ],
  HEADERS: [
    [0x1, "END_STREAM"],
    [0x4, "END_HEADERS"],
  ],
  CONTINUATION: [[0x4, "END_HEADERS"]],
  SETTINGS: [[0x1, "ACK"]],
  PING: [[0x1, "ACK"]],
};

/** Frames as text again: `DATA END_STREAM 1 616263`. */
export function frameTexts(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = readUint24(bytes, at);
    const type = types[bytes[at + 3]!] ?? `type:${bytes[at + 3]}`;
    const set = (flagNames[type] ?? [])
      .filter(([bit]) => (bytes[at + 4]! & bit) !== 0)
      .map(([, name]) => name);
    const payload = bytes.toString("hex", at + 9, at + 9 + length);
    const stream = readUint31(bytes, at + 5);
    texts.push([type, set.join("|") || "-", String(stream), ...(payload === "" ? [] : [payload])].join(" "));
    at += 9 + length;
  }
  return texts;
}
