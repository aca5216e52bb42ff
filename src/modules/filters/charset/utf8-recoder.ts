import type { PieceChange } from "../../../gateway/request/piece-filter.ts";

/** Bytes of a single-byte character set in UTF-8. */
export function toUtf8(table: readonly Buffer[]): PieceChange {
  return (bytes) => {
    let length = 0;
    for (const byte of bytes) length += table[byte]!.length;
    const output = Buffer.allocUnsafe(length);
    let at = 0;
    for (const byte of bytes) at += table[byte]!.copy(output, at);
    return output;
  };
}

/** What a decoder says of bytes that are no character, and of those that are not there yet. */
const invalid = -1;
const incomplete = -2;

/**
 * UTF-8 in a single-byte character set. Characters that it lacks become numeric references of HTML; what
 * is no UTF-8 becomes a question mark.
 *
 * @param table bytes by code point below 0x10000; 0 for none
 */
export function fromUtf8(table: Uint8Array): PieceChange {
  let held = Buffer.alloc(0);
  return (bytes) => {
    const input = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    const parts: number[] = [];
    const cursor = { at: 0 };
    while (cursor.at < input.length) {
      const byte = input[cursor.at]!;
      if (byte < 0x80) {
        parts.push(byte);
        cursor.at += 1;
        continue;
      }
      const code = decode(input, cursor);
      if (code === incomplete) break;
      pushCharacter(parts, code, table);
    }
    held = Buffer.from(input.subarray(cursor.at));
    return Buffer.from(parts);
  };
}

function pushCharacter(parts: number[], code: number, table: Uint8Array): void {
  const mapped = code >= 0 && code < 0x10000 ? table[code]! : 0;
  if (mapped !== 0) parts.push(mapped);
  else if (code === invalid || code > 0x10ffff) parts.push(0x3f);
  else for (const character of `&#${code};`) parts.push(character.charCodeAt(0));
}

/** The code point of a whole character; -1 when it is none. */
export function decodeUtf8(bytes: Buffer): number {
  const cursor = { at: 0 };
  const code = bytes.length === 0 ? invalid : bytes[0]! < 0x80 ? bytes[0]! : decode(bytes, cursor);
  return code === incomplete ? invalid : code;
}

/** Follows ngx_utf8_decode, also in how much of a broken character it takes: up to the byte that breaks it. */
function decode(bytes: Buffer, cursor: { at: number }): number {
  const first = bytes[cursor.at]!;
  const more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
  if (first < 0xc2 || first > 0xf8) {
    cursor.at += 1;
    return invalid;
  }
  if (bytes.length - cursor.at - 1 < more) return incomplete;
  cursor.at += 1;
  let code = first & [0x1f, 0x0f, 0x07][more - 1]!;
  for (let left = more; left > 0; left--) {
    const byte = bytes[cursor.at]!;
    cursor.at += 1;
    if (byte < 0x80) return invalid;
    code = (code << 6) | (byte & 0x3f);
  }
  return code > [0x7f, 0x7ff, 0xffff][more - 1]! ? code : invalid;
}
