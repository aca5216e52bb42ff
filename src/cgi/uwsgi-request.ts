import { writeLatin1 } from "../http/latin1.ts";
import type { Param } from "./param.ts";

const headBytes = 4;
/** A packet tells its length in two bytes. */
const packetBytesMax = 65_535;

/** What a packet of uwsgi is for, and what stands behind its parameters. */
export interface UwsgiPacket {
  readonly modifier1: number;
  readonly modifier2: number;
  /** Latin1; "" for nothing. */
  readonly string: string;
}

/** Bytes of a packet behind its head. */
export function uwsgiBytes(params: readonly Param[], { string }: UwsgiPacket): number {
  let bytes = string.length;
  for (const [name, value] of params) bytes += name.length + value.length + 4;
  return bytes;
}

/**
 * What begins a request of uwsgi; null where it is more than a packet holds.
 * https://uwsgi-docs.readthedocs.io/en/latest/Protocol.html
 */
export function uwsgiHead(params: readonly Param[], packet: UwsgiPacket): Buffer | null {
  const bytes = uwsgiBytes(params, packet);
  if (bytes > packetBytesMax) return null;
  const target = Buffer.allocUnsafe(headBytes + bytes);
  target[0] = packet.modifier1;
  target.writeUInt16LE(bytes, 1);
  target[3] = packet.modifier2;
  let at = headBytes;
  for (const [name, value] of params) {
    at = writeText(target, at, name);
    at = writeText(target, at, value);
  }
  writeLatin1(target, packet.string, at);
  return target;
}

function writeText(target: Buffer, at: number, text: string): number {
  const start = target.writeUInt16LE(text.length, at);
  return start + writeLatin1(target, text, start);
}
