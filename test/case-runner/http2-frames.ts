// What an HTTP/2 client of a case writes: on purpose not the writers of src/http2, which are what is tested.

/** What a client says first (RFC 9113, section 3.4). */
export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const typeNames = [
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

const settingNames = [
  "",
  "HEADER_TABLE_SIZE",
  "ENABLE_PUSH",
  "MAX_CONCURRENT_STREAMS",
  "INITIAL_WINDOW_SIZE",
  "MAX_FRAME_SIZE",
  "MAX_HEADER_LIST_SIZE",
  "",
  "ENABLE_CONNECT_PROTOCOL",
  "NO_RFC7540_PRIORITIES",
];

const errorNames = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];

/** END_STREAM of DATA and HEADERS, ACK of SETTINGS and PING. */
export const endStream = 0x1;
/** END_HEADERS of HEADERS and CONTINUATION. */
export const endHeaders = 0x4;

/** A frame type's number, by name or as it is written (`0x0b`). */
export function frameType(word: string): number {
  const known = typeNames.indexOf(word);
  return known >= 0 ? known : Number(word);
}

/** A frame type's name; its number for one that the RFC does not know. */
export function frameTypeName(type: number): string {
  return typeNames[type] ?? `0x${type.toString(16)}`;
}

/** An error code's number, by name or as it is written. */
export function errorCode(word: string): number {
  const known = errorNames.indexOf(word);
  return known >= 0 ? known : Number(word);
}

/** An error code's name, or its number. */
export function errorName(code: number): string {
  return errorNames[code] ?? String(code);
}

/** A setting's name, or its number. */
export function settingName(id: number): string {
  return settingNames[id] || String(id);
}

/** A frame, whatever its parts say. */
export function frame(type: number, flags: number, streamId: number, payload: string): string {
  const { length } = payload;
  return (
    byte(length >> 16) +
    byte(length >> 8) +
    byte(length) +
    byte(type) +
    byte(flags) +
    uint32(streamId) +
    payload
  );
}

/** Four bytes. */
export function uint32(value: number): string {
  return byte(value >>> 24) + byte(value >>> 16) + byte(value >>> 8) + byte(value);
}

/** The payload of SETTINGS for words such as `INITIAL_WINDOW_SIZE=10`. */
export function settingsPayload(words: readonly string[]): string {
  return words
    .map((word) => {
      const [name = "", value = ""] = word.split("=");
      const known = settingNames.indexOf(name);
      const id = known > 0 ? known : Number(name);
      return byte(id >> 8) + byte(id) + uint32(Number(value));
    })
    .join("");
}

/** A field block of literals that nobody is to remember, without Huffman codes (RFC 7541, section 6.2.2). */
export function fieldBlock(fields: readonly (readonly [name: string, value: string])[]): string {
  return fields.map(([name, value]) => `\0${text(name)}${text(value)}`).join("");
}

function text(value: string): string {
  const { length } = value;
  if (length < 127) return byte(length) + value;
  let coded = byte(127);
  let rest = length - 127;
  for (; rest > 127; rest >>= 7) coded += byte(0x80 | (rest & 127));
  return coded + byte(rest) + value;
}

function byte(value: number): string {
  return String.fromCharCode(value & 255);
}
