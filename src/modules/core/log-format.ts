import type { Scope } from "../../config/scope.ts";
import type { VariableReader } from "../../config/variable-registry.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import { formatIsoTime, formatLogTime } from "../../gateway/log/log-time.ts";
import {
  epochTime,
  requestLength,
  requestTime,
  statusOf,
  wallMs,
} from "../../gateway/request/request-facts.ts";
import type { Request } from "../../gateway/request/request.ts";
import { escapeForLog } from "../support/log-escape.ts";
import type { LogEscape } from "../support/log-escape.ts";

/** Makes the line for a request, without its end. */
export type LogFormat = (request: Request) => string;

/** The format that nginx knows without being told. */
export const combinedFormat =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"';

/** Variables that a log line takes as they are at its writing, whatever was read before. */
const atLogTime: Readonly<Record<string, LogFormat>> = {
  pipe: (request) => (request.pipelined ? "p" : "."),
  time_local: (request) => formatLogTime(wallMs(request)),
  time_iso8601: (request) => formatIsoTime(wallMs(request)),
  msec: epochTime,
  request_time: requestTime,
  status: (request) => String(statusOf(request)).padStart(3, "0"),
  bytes_sent: ({ response }) => String(response.bytesSent),
  body_bytes_sent: ({ response }) => String(response.bodyBytesSent),
  request_length: (request) => String(requestLength(request)),
};

/**
 * Compiles the pieces of a format; they are joined without anything between.
 *
 * @throws ConfigError in nginx's words
 */
export function compileFormat(pieces: readonly string[], escape: LogEscape, scope: Scope): LogFormat {
  const parts = pieces.flatMap((piece) => compilePiece(piece, escape, scope));
  return (request) => {
    let line = "";
    for (const part of parts) line += typeof part === "string" ? part : part(request);
    return line;
  };
}

const variable = /\$(?:\{([A-Za-z0-9_]*)(\}?)|([A-Za-z0-9_]*))/g;

function compilePiece(piece: string, escape: LogEscape, scope: Scope): (string | LogFormat)[] {
  const parts: (string | LogFormat)[] = [];
  let position = 0;
  for (const match of piece.matchAll(variable)) {
    const [whole, braced, bracket, bare] = match;
    const name = braced ?? bare ?? "";
    if (bracket === "") scope.fail(`the closing bracket in "${name}" variable is missing`);
    if (name === "") scope.fail(`invalid parameter "${piece.slice(match.index)}"`);
    if (match.index > position) parts.push(piece.slice(position, match.index));
    position = match.index + whole.length;
    parts.push(readerOf(name, escape, scope));
  }
  if (position < piece.length) parts.push(piece.slice(position));
  return parts;
}

function readerOf(name: string, escape: LogEscape, scope: Scope): LogFormat {
  const late = atLogTime[name];
  if (late !== undefined) return late;
  const read: VariableReader<Request> = buildOf(scope).variables.reader(name, scope);
  return (request) => escapeForLog(read(request), escape);
}
