import { writeLatin1 } from "../http/latin1.ts";
import type { Param } from "./param.ts";
import {
  RecordType,
  paddingOf,
  recordContentMax,
  recordHeadBytes,
  writeRecordHead,
} from "./fastcgi-record.ts";

/** The role of an application that answers requests. */
const responder = 1;
/** The application keeps the connection when it has answered. */
const keepConnection = 1;
/** Lengths up to this one take one byte, others four. */
const shortLengthMax = 127;

const shortLengths = Array.from({ length: shortLengthMax + 1 }, (_, length) => String.fromCharCode(length));

/** The parameters in FastCGI's form, latin1: put together as text, for one write is cheaper than many small ones. */
export function paramsText(params: readonly Param[]): string {
  let text = "";
  for (const [name, value] of params)
    text += lengthText(name.length) + lengthText(value.length) + name + value;
  return text;
}

/**
 * The records that begin a request: its beginning and all of its parameters, as `paramsText` puts them. Null where they
 * are more than one record holds: nginx does not send those, and applications need not expect them in pieces.
 *
 * @param keeps the application shall keep the connection when it has answered
 */
export function requestRecords(params: string, keeps: boolean): Buffer | null {
  const bytes = params.length;
  if (bytes > recordContentMax) return null;
  const padding = paddingOf(bytes);
  const heads = 3 * recordHeadBytes + 8;
  const target = Buffer.allocUnsafe(bytes === 0 ? heads - recordHeadBytes : heads + bytes + padding);
  let at = writeRecordHead(target, 0, RecordType.beginRequest, 8);
  target.fill(0, at, at + 8);
  target[at + 1] = responder;
  target[at + 2] = keeps ? keepConnection : 0;
  at += 8;
  if (bytes > 0) {
    at = writeRecordHead(target, at, RecordType.params, bytes);
    at += writeLatin1(target, params, at);
    target.fill(0, at, at + padding);
    at += padding;
  }
  writeRecordHead(target, at, RecordType.params, 0);
  return target;
}

function lengthText(length: number): string {
  return shortLengths[length] ?? longLength(length);
}

function longLength(length: number): string {
  const bytes = [(length >>> 24) | 0x80, (length >> 16) & 255, (length >> 8) & 255, length & 255];
  return String.fromCharCode(...bytes);
}
