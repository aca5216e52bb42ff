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

/** How many bytes the parameters are in FastCGI's form. */
export function paramsBytes(params: readonly Param[]): number {
  let bytes = 0;
  for (const [name, value] of params) {
    bytes += name.length + value.length + lengthBytes(name.length) + lengthBytes(value.length);
  }
  return bytes;
}

/**
 * The records that begin a request: its beginning and all of its parameters. Null where they are more than one record
 * holds: nginx does not send those, and applications need not expect them in pieces.
 *
 * @param keeps the application shall keep the connection when it has answered
 */
export function requestRecords(params: readonly Param[], keeps: boolean): Buffer | null {
  const bytes = paramsBytes(params);
  if (bytes > recordContentMax) return null;
  const heads = 3 * recordHeadBytes + 8;
  const target = Buffer.alloc(heads + (bytes === 0 ? 0 : recordHeadBytes + bytes + paddingOf(bytes)));
  let at = writeRecordHead(target, 0, RecordType.beginRequest, 8);
  target[at + 1] = responder;
  target[at + 2] = keeps ? keepConnection : 0;
  at += 8;
  if (bytes > 0) {
    at = writeRecordHead(target, at, RecordType.params, bytes);
    for (const param of params) at = writeParam(target, at, param);
    at += paddingOf(bytes);
  }
  at = writeRecordHead(target, at, RecordType.params, 0);
  return target.subarray(0, at);
}

function writeParam(target: Buffer, start: number, [name, value]: Param): number {
  let at = writeLength(target, start, name.length);
  at = writeLength(target, at, value.length);
  at += writeLatin1(target, name, at);
  return at + writeLatin1(target, value, at);
}

function lengthBytes(length: number): number {
  return length > shortLengthMax ? 4 : 1;
}

function writeLength(target: Buffer, at: number, length: number): number {
  if (length <= shortLengthMax) {
    target[at] = length;
    return at + 1;
  }
  return target.writeUInt32BE(length + 0x8000_0000, at);
}
