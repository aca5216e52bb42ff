import { RegexFailure } from "../../config/regex.ts";
import { Fields } from "../../http/fields.ts";
import type { RequestHead, RequestHeadReader } from "../../http/request-head.ts";
import type { ClientConnection } from "./client-connection.ts";
import { RequestBody } from "../request/request-body.ts";
import { Request } from "../request/request.ts";
import type { ServerChoice, VirtualServer } from "../serve/virtual-server.ts";

/** Makes the request of a head that was read, and chooses its server; null when it was refused at once. */
export function beginRequest(connection: ClientConnection, head: RequestHead): Request | null {
  const { client, writer } = connection;
  const body = new RequestBody(connection, head.contentLength ?? 0, head.chunked);
  const server = connection.servers.choice.defaultServer;
  const request = new Request({ client, writer, head, body, server });
  if (!body.complete) request.onEnd(body);
  if (!chooseServer(request, connection.servers.choice)) {
    request.response.status = 500;
    request.response.abort();
    return null;
  }
  if (connection.plainOnTls) {
    connection.request = request;
    request.log("info", "client sent plain HTTP request to HTTPS port while reading client request headers");
    request.response.fail(497);
    return null;
  }
  return request;
}

/**
 * Gives a request the server of the name that it asks for. False when a regular expression among the names could not be
 * matched: the default server is left.
 */
export function chooseServer(request: Request, choice: ServerChoice): boolean {
  request.location = request.server.root;
  request.activity = "reading client request headers";
  const { heartbeat } = request.client.gateway;
  const before = heartbeat.enter(request);
  try {
    useServer(request, choice.find(request.host, request));
  } catch (error) {
    if (error instanceof RegexFailure) return false;
    throw error;
  } finally {
    request.activity = "";
    heartbeat.leave(before);
  }
  return true;
}

/** Gives a request a server, at the level outside its locations. */
export function useServer(request: Request, server: VirtualServer): void {
  request.server = server;
  request.location = server.root;
}

const readingLine = "while reading client request line";
const readingPipelined = "while reading client pipelined request line";

/** Answers a head that could not be read, with its log line and the error page of the server that it came to. */
export function refuseHead(connection: ClientConnection, reader: RequestHeadReader): void {
  const failure = reader.failure!;
  const request = requestOfBrokenHead(connection, reader);
  connection.request = request;
  const { reason } = failure;
  request.log("info", connection.client.pipelined ? reason.replace(readingLine, readingPipelined) : reason);
  request.response.fail(failure.status);
}

/** A head that will never be complete: logged with the status that says why, and not answered. */
export function abandonHead(
  connection: ClientConnection,
  reader: RequestHeadReader,
  status: number,
  reason: string,
): void {
  const request = requestOfBrokenHead(connection, reader);
  const inLine = connection.client.pipelined ? readingPipelined : readingLine;
  request.log("info", `${reason} ${reader.inRequestLine ? inLine : "while reading client request headers"}`);
  request.response.status = status;
  request.response.abort();
}

/** Tells which header lines were left out. */
export function logIgnoredLines(request: Request, reader: RequestHeadReader): void {
  for (const line of reader.ignoredLines ?? [])
    request.log("info", `client sent invalid header line: "${line}" while reading client request headers`);
}

/** A request made of what there is of its head, for logs and error pages of the server that it names. */
function requestOfBrokenHead(connection: ClientConnection, reader: RequestHeadReader): Request {
  const { line, fields, facts, bytes } = reader.partial;
  // A line that was refused has told no URI yet.
  const uriKnown = line !== null && !(reader.failure !== null && line.uri === "");
  const head: RequestHead = {
    method: line?.method ?? "",
    requestLine: reader.arrivedLine,
    target: line?.target ?? "",
    requestUri: uriKnown ? line.requestUri : "",
    path: line?.path ?? "",
    args: uriKnown ? line.args : null,
    uri: line?.uri ?? "",
    requestUriValid: false,
    uriChanged: line?.uriChanged ?? false,
    versionMajor: line?.versionMajor ?? 1,
    versionMinor: line?.versionMinor ?? 0,
    protocol: line?.protocol ?? "",
    schemeFromAbsoluteForm: null,
    hostFromAbsoluteForm: null,
    host: facts.host,
    port: facts.port,
    fields: line === null ? new Fields() : fields,
    contentLength: null,
    chunked: false,
    connection: null,
    bytes,
  };
  const body = new RequestBody(connection, 0, false);
  const { client, writer } = connection;
  const server = connection.servers.choice.defaultServer;
  const request = new Request({ client, writer, head, body, server });
  if (facts.host === null) useServer(request, connection.negotiatedServer);
  else chooseServer(request, connection.servers.choice);
  request.keepAlive = false;
  logIgnoredLines(request, reader);
  return request;
}
