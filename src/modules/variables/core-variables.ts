/**
 * The variables of ngx_http_core_module.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#variables
 */
import { randomBytes } from "node:crypto";
import { realpathSync } from "node:fs";
import { hostname } from "node:os";
import { describeErrno } from "../../config/errors.ts";
import type { VariableSpec } from "../../config/variables.ts";
import { mapUriToPath } from "../../gateway/request/uri-path.ts";
import { systemPath } from "../../config/system-path.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { formatIsoTime, formatLogTime, formatSeconds } from "../../gateway/log/log-time.ts";
import {
  epochTime,
  requestLength,
  requestTime,
  statusOf,
  wallMs,
} from "../../gateway/request/request-facts.ts";
import { nginxVersion } from "../../gateway/request/product.ts";
import { redirectLocation } from "../../gateway/request/redirect.ts";
import type { Request } from "../../gateway/request/request.ts";
import { formatHttpDate } from "../../http/date.ts";
import { parseIp } from "../../net/address.ts";
import { findTlv } from "../../net/proxy-protocol-tlv.ts";
import { findArgument } from "../support/arguments.ts";
import { basicCredentials } from "../access/basic-credentials.ts";
import { findCookie } from "../support/cookies.ts";
import { fieldByVariable } from "../support/field-names.ts";

type Spec = VariableSpec<Request>;

const hostName = hostname().toLowerCase();

/** What the client's connection is. */
const connectionVariables: readonly Spec[] = [
  { name: "binary_remote_addr", get: binaryRemoteAddress },
  { name: "remote_addr", get: ({ origin }) => origin.remoteText },
  { name: "remote_port", get: ({ origin }) => portText(origin.remote.port) },
  { name: "server_addr", get: serverAddress },
  { name: "server_port", get: ({ origin }) => portText(origin.local.port) },
  { name: "connection", get: ({ client }) => String(client.serial) },
  { name: "connection_requests", get: ({ ordinal }) => String(ordinal) },
  { name: "connection_time", volatile: true, get: connectionTime },
  { name: "scheme", get: (request) => (request.secure ? "https" : "http") },
  { name: "https", get: (request) => (request.secure ? "on" : "") },
  { name: "proxy_protocol_addr", get: ({ origin }) => origin.proxied?.source.address ?? null },
  { name: "proxy_protocol_port", get: ({ origin }) => proxiedPort(origin.proxied?.source) },
  {
    name: "proxy_protocol_server_addr",
    get: ({ origin }) => origin.proxied?.destination.address ?? null,
  },
  {
    name: "proxy_protocol_server_port",
    get: ({ origin }) => proxiedPort(origin.proxied?.destination),
  },
  { name: "proxy_protocol_tlv_", prefix: true, get: proxiedTlv },
  { name: "tcpinfo_rtt", volatile: true, get: notFound },
  { name: "tcpinfo_rttvar", volatile: true, get: notFound },
  { name: "tcpinfo_snd_cwnd", volatile: true, get: notFound },
  { name: "tcpinfo_rcv_space", volatile: true, get: notFound },
];

/** What the request line and the fields say. */
const requestVariables: readonly Spec[] = [
  { name: "host", get: (request) => (request.host === "" ? request.server.name : request.host) },
  { name: "content_length", get: contentLength },
  { name: "content_type", get: ({ fields }) => fields.getJoined("content-type") },
  { name: "server_protocol", get: ({ head }) => emptyIsNone(head.protocol) },
  { name: "request_port", get: requestPort },
  { name: "is_request_port", get: (request) => (requestPort(request) === "" ? "" : ":") },
  { name: "request_uri", get: ({ head }) => emptyIsNone(head.requestUri) },
  { name: "uri", volatile: true, get: uriOf },
  { name: "document_uri", volatile: true, get: uriOf },
  { name: "request", get: ({ head }) => emptyIsNone(head.requestLine) },
  { name: "query_string", volatile: true, get: argumentsOf },
  { name: "args", volatile: true, changeable: true, get: argumentsOf, set: setArguments },
  { name: "is_args", volatile: true, get: ({ args }) => (args === "" ? "" : "?") },
  { name: "request_method", volatile: true, get: ({ main }) => emptyIsNone(main.method) },
  { name: "remote_user", get: remoteUser },
  { name: "request_body", get: requestBody },
  { name: "request_body_file", get: ({ body }) => body.file?.path ?? null },
  { name: "request_id", get: () => randomBytes(16).toString("hex") },
  { name: "http_", prefix: true, get: ({ fields }, rest) => fieldByVariable(fields, rest) },
  { name: "cookie_", prefix: true, get: ({ fields }, rest) => findCookie(fields, rest) },
  { name: "arg_", prefix: true, volatile: true, get: ({ args }, rest) => findArgument(args, rest) },
];

/** What the configuration makes of it. */
const placeVariables: readonly Spec[] = [
  {
    name: "document_root",
    volatile: true,
    get: (request) => request.location.core.root.path.evaluate(request),
  },
  { name: "realpath_root", volatile: true, get: realRoot },
  { name: "request_filename", volatile: true, get: (request) => mapUriToPath(request)?.path ?? null },
  { name: "server_name", get: ({ server }) => server.name },
  { name: "nginx_version", get: () => nginxVersion },
  { name: "hostname", get: () => hostName },
  { name: "pid", get: () => String(process.pid) },
];

/** How the request went, and what was answered. */
const answerVariables: readonly Spec[] = [
  { name: "bytes_sent", get: ({ main }) => String(main.response.bytesSent) },
  { name: "body_bytes_sent", get: bodyBytesSent },
  { name: "pipe", get: ({ pipelined }) => (pipelined ? "p" : ".") },
  { name: "request_completion", get: completion },
  { name: "request_length", volatile: true, get: (request) => String(requestLength(request)) },
  { name: "request_time", volatile: true, get: requestTime },
  { name: "status", volatile: true, get: statusText },
  { name: "msec", volatile: true, get: epochTime },
  { name: "time_iso8601", volatile: true, get: (request) => formatIsoTime(wallMs(request)) },
  { name: "time_local", volatile: true, get: (request) => formatLogTime(wallMs(request)) },
  { name: "sent_http_content_type", get: ({ response }) => response.contentType },
  { name: "sent_http_content_length", get: sentContentLength },
  { name: "sent_http_location", get: sentLocation },
  { name: "sent_http_last_modified", get: sentLastModified },
  { name: "sent_http_connection", get: sentConnection },
  { name: "sent_http_keep_alive", get: sentKeepAlive },
  { name: "sent_http_transfer_encoding", get: ({ response }) => (response.chunked ? "chunked" : null) },
  { name: "sent_http_", prefix: true, get: ({ response }, rest) => fieldByVariable(response.fields, rest) },
  { name: "sent_trailer_", prefix: true, get: sentTrailer },
];

export const coreVariables: HttpModule = {
  name: "ngx_http_core_module",
  directives: [],
  variables: [...connectionVariables, ...requestVariables, ...placeVariables, ...answerVariables],
};

function notFound(): null {
  return null;
}

/** What a request line that was refused has not told is not found. */
function emptyIsNone(text: string): string | null {
  return text === "" ? null : text;
}

function uriOf({ uri, method }: Request): string | null {
  return uri === "" && method === "" ? null : uri;
}

function portText(port: number): string {
  return port === 0 ? "" : String(port);
}

function proxiedPort(end: { readonly port: number } | undefined): string | null {
  return end === undefined ? null : portText(end.port);
}

function proxiedTlv(request: Request, name: string): string | null {
  const { proxied } = request.origin;
  if (proxied === null) return null;
  const { value, complaint } = findTlv(proxied.tlvs, name);
  if (complaint !== null) request.log("error", complaint);
  return value;
}

/** The bytes of the address, one character each: short keys for zones. */
function binaryRemoteAddress({ origin }: Request): string {
  const { family, address } = origin.remote;
  const bytes = family === "unix" ? null : parseIp(address);
  return bytes === null ? origin.remoteText : bytes.toString("latin1");
}

function serverAddress({ origin }: Request): string {
  const { family, address } = origin.local;
  return family === "unix" ? `unix:${address}` : address;
}

function connectionTime({ client }: Request): string {
  return formatSeconds(client.gateway.network.clock.now() - client.startMs);
}

/** Of a chunked body what was read of it; nothing when nobody wanted it, and on HTTP/2 not even that. */
function contentLength({ fields, body, finished, head }: Request): string | null {
  const sent = fields.get("content-length");
  if (sent !== null || !body.chunked) return sent;
  if (body.complete && !body.discarded) return String(body.received);
  return head.versionMajor < 2 && (body.discarded || finished) ? "0" : null;
}

/** The body, where nginx would have it in memory. */
function requestBody({ body, fields }: Request): string | null {
  const { gathered } = body;
  if (gathered === null) return null;
  if (gathered.length === 0 && !body.chunked && fields.get("content-length") === null) return null;
  return gathered.map((chunk) => chunk.toString("latin1")).join("");
}

/** The port that the client wrote beside the host. */
function requestPort({ head }: Request): string {
  return head.port === null ? "" : String(head.port);
}

function argumentsOf({ givenArgs }: Request): string | null {
  return givenArgs;
}

function setArguments(request: Request, value: string): void {
  request.args = value;
  request.argsEmptied = true;
  request.uriUntouched = false;
}

/** The user of a Basic Authorization, whether or not anything asked for one. */
function remoteUser(request: Request): string | null {
  return basicCredentials(request)?.user ?? null;
}

function realRoot(request: Request): string | null {
  const root = request.location.core.root.path.evaluate(request);
  try {
    return realpathSync(systemPath(root), { encoding: "latin1" });
  } catch (error) {
    request.log("crit", `realpath() "${root}" failed ${describeErrno(error)}`);
    return null;
  }
}

function statusText(request: Request): string {
  return String(statusOf(request)).padStart(3, "0");
}

function sentContentLength({ response }: Request): string | null {
  return response.contentLength < 0 ? null : String(response.contentLength);
}

/** Once the head has left, a location that was made absolute. */
function sentLocation(request: Request): string | null {
  const { response } = request;
  return (response.headSent ? redirectLocation(request) : null) ?? response.fields.get("location");
}

function sentLastModified({ response }: Request): string | null {
  if (response.lastModifiedSeconds >= 0) return formatHttpDate(response.lastModifiedSeconds * 1000);
  return response.fields.getJoined("last-modified");
}

/** A subrequest has no head of its own: for it, all that the client was sent by then is body. */
function bodyBytesSent({ parent, main, response }: Request): string {
  return String(parent === null ? response.bodyBytesSent : main.response.bytesSent);
}

/** Only the client's own request is ever said to be complete. */
function completion({ parent, response }: Request): string {
  return parent === null && response.complete && !response.aborted ? "OK" : "";
}

/** When the request is logged nginx has let go of its connection: "close", whatever the client was told. */
function sentConnection({ response, keepAlive, finished }: Request): string {
  if (response.status === 101) return "upgrade";
  return keepAlive && !finished ? "keep-alive" : "close";
}

function sentKeepAlive({ keepAlive, finished, location }: Request): string | null {
  const seconds = location.core.keepaliveHeaderSeconds;
  return keepAlive && !finished && seconds > 0 ? `timeout=${seconds}` : null;
}

function sentTrailer({ response }: Request, rest: string): string | null {
  return response.trailers === null ? null : fieldByVariable(response.trailers, rest);
}
