import { Fields } from "../../http/fields.ts";
import type { RequestHead } from "../../http/request-head.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { Client } from "../request/client.ts";
import { lostWriter } from "../request/answer-writer.ts";
import { noBodySource } from "../request/body-source.ts";
import { releaseAll } from "../request/holders.ts";
import type { Few, Holder } from "../request/holders.ts";
import type { Location } from "../serve/location.ts";
import type { Origin } from "../request/origin.ts";
import { RequestBody } from "../request/request-body.ts";
import { Request, redirectMark } from "../request/request.ts";
import { packState, toMicroseconds, unpackState } from "../request/upstream-state.ts";
import type { PackedState, UpstreamState } from "../request/upstream-state.ts";
import type { VirtualServer } from "../serve/virtual-server.ts";

/** A text that mostly equals another one that is at hand: then 0 stands for it. */
type Unless<T extends string | null> = T | 0;

/** What `RequestHead` holds, without names. */
type PackedHead = [
  method: string,
  requestUri: string,
  protocol: string,
  requestLine: Unless<string>,
  target: Unless<string>,
  path: Unless<string>,
  args: Unless<string | null>,
  uri: Unless<string>,
  requestUriValid: boolean,
  uriChanged: boolean,
  versionMajor: number,
  versionMinor: number,
  schemeFromAbsoluteForm: string | null,
  hostFromAbsoluteForm: string | null,
  host: string | null,
  port: number | null,
  contentLength: number | null,
  chunked: boolean,
  connection: RequestHead["connection"],
  bytes: number,
  values: readonly string[],
];

/** What a request came to, beyond its head. */
type PackedCourse = [
  method: Unless<string>,
  uri: Unless<string>,
  args: Unless<string>,
  uriUntouched: boolean,
  locationReplaced: boolean,
  internal: boolean,
  servingErrorPage: boolean,
  errorStatus: number,
  startMs: number,
  passedTo: readonly [host: string, port: string] | null,
  captures: readonly (string | null)[] | null,
];

/** What is known of the answer once its head was sent. */
type PackedResponse = [
  status: number,
  statusText: string | null,
  contentType: string | null,
  contentLength: number,
  lastModifiedSeconds: number,
  locationIsOurs: boolean,
  bytesSent: number,
  headBytes: number,
  limitRate: number | null,
];

type PackedParts = [
  head: PackedHead,
  course: PackedCourse,
  response: PackedResponse,
  /** 0 for the mark of a redirect. */
  states: readonly (PackedState | 0)[] | null,
  /** 0 for what was not computed; null when the values are kept as they are. */
  variableValues: readonly (string | null | 0)[] | null,
];

/** What only some requests have, and what is then kept as it is. */
interface Kept {
  /** Who holds something until the tunnel ends. */
  readonly holders: Few<Holder>;
  readonly origin: Origin;
  readonly body: RequestBody | null;
  readonly moduleState: Request["moduleState"];
  readonly variableValues: Request["variableValues"] | null;
  /** The answer's fields, as the client and as the upstream server know them, where variables ask for them. */
  readonly answerFields: Fields | null;
  readonly upstreamHead: ResponseHead | null;
}

/**
 * A request of which only the log lines at its end are left to be written, in little memory: nearly all
 * of it as one string. Thousands of tunnels may be idle, and a request is some fifty objects and strings.
 */
export class TunnelRecord {
  readonly client: Client;
  readonly location: Location;
  readonly server: VirtualServer;
  private readonly fieldNames: readonly string[];
  private text: string;
  private readonly kept: Kept | null;

  constructor(request: Request) {
    this.client = request.client;
    this.location = request.location;
    this.server = request.server;
    this.fieldNames = sharedNames(request.fields.names);
    this.kept = keptOf(request);
    const parts: PackedParts = [
      packHead(request.head),
      packCourse(request),
      packResponse(request),
      request.upstreamStates?.map(packMarked) ?? null,
      request.hasSubrequests ? null : Array.from(request.variableValues, markUncomputed),
    ];
    this.text = JSON.stringify(parts);
  }

  /** The tunnel has ended: gives back what was held for its request. Called once. */
  release(): void {
    const { gateway } = this.client;
    releaseAll(this.kept?.holders ?? null, (error) => gateway.reportInternalError(error));
  }

  /** Other servers have been asked since: what log lines tell of servers is as `change` makes it. */
  changeStates(change: (states: readonly UpstreamState[]) => readonly UpstreamState[]): void {
    const parts = JSON.parse(this.text) as PackedParts;
    parts[3] = change(unpackStates(parts[3]) ?? []).map(packMarked);
    this.text = JSON.stringify(parts);
  }

  /**
   * The request as it was, for logging.
   *
   * @param afresh variables are worked out anew: for the eyes of another configuration, which numbers them otherwise
   */
  unpack(afresh = false): Request {
    const { client, server, location, kept } = this;
    const parts = JSON.parse(this.text) as PackedParts;
    const [packedHead, course, response, states, values] = parts;
    const head = unpackHead(packedHead, this.fieldNames);
    const body = kept?.body ?? new RequestBody(noBodySource, 0, false);
    const startMs = course[8];
    const variableValues = afresh ? [] : (values?.map(unmarkUncomputed) ?? kept!.variableValues!);
    const writer = lostWriter;
    const request = new Request({ client, writer, head, body, server, startMs, variableValues });
    request.location = location;
    request.origin = kept?.origin ?? client.origin;
    request.keepAlive = false;
    // Nothing else becomes a tunnel there.
    request.extendedConnect = head.versionMajor === 2;
    request.upstreamStates = unpackStates(states);
    request.upstreamHead = kept?.upstreamHead ?? null;
    request.moduleState = kept?.moduleState ?? null;
    unpackCourse(request, course);
    unpackResponse(request, response, kept?.answerFields ?? null);
    return request;
  }
}

function packMarked(state: UpstreamState): PackedState | 0 {
  return state === redirectMark ? 0 : packState(state);
}

function unpackStates(states: PackedParts[3]): UpstreamState[] | null {
  return states?.map((state) => (state === 0 ? redirectMark : unpackState(state))) ?? null;
}

function keptOf(request: Request): Kept | null {
  const { server, moduleState, origin } = request;
  const holders = request.takeHolders();
  const hasBody = request.body.contentLength !== 0;
  const others = hasBody || moduleState !== null || request.hasSubrequests || server.keepsAnswerFields;
  if (!others && holders === null && origin === request.client.origin) return null;
  return {
    holders,
    origin,
    body: hasBody ? request.body : null,
    moduleState,
    variableValues: request.hasSubrequests ? request.variableValues : null,
    answerFields: server.keepsAnswerFields ? request.response.fields : null,
    upstreamHead: server.keepsAnswerFields ? request.upstreamHead : null,
  };
}

/** So many lists of names are shared, the newest; the clients of a service send the same few. */
const sharedNamesMax = 256;
const sharedKeyMax = 2048;
const nameLists = new Map<string, readonly string[]>();

/** One list for all requests whose fields have the same names in the same order. */
function sharedNames(names: readonly string[]): readonly string[] {
  const key = names.join(":");
  const known = nameLists.get(key);
  if (known !== undefined) return known;
  const list = [...names];
  if (key.length > sharedKeyMax) return list;
  if (nameLists.size === sharedNamesMax) nameLists.delete(nameLists.keys().next().value!);
  nameLists.set(key, list);
  return list;
}

function packHead(head: RequestHead): PackedHead {
  const { requestUri } = head;
  return [
    head.method,
    requestUri,
    head.protocol,
    unless(head.requestLine, usualLine(head)),
    unless(head.target, requestUri),
    unless(head.path, requestUri),
    unless(head.args, usualArgs(requestUri)),
    unless(head.uri, head.path),
    head.requestUriValid,
    head.uriChanged,
    head.versionMajor,
    head.versionMinor,
    head.schemeFromAbsoluteForm,
    head.hostFromAbsoluteForm,
    head.host,
    head.port,
    head.contentLength,
    head.chunked,
    head.connection,
    head.bytes,
    head.fields.values,
  ];
}

function unpackHead(packed: PackedHead, names: readonly string[]): RequestHead {
  const [method, requestUri, protocol, requestLine, target, packedPath, args, uri, ...others] = packed;
  const [requestUriValid, uriChanged, versionMajor, versionMinor, ...rest] = others;
  const [schemeFromAbsoluteForm, hostFromAbsoluteForm, host, port, ...end] = rest;
  const [contentLength, chunked, connection, bytes, values] = end;
  const path = packedPath === 0 ? requestUri : packedPath;
  const fields = new Fields();
  for (let index = 0; index < names.length; index++) fields.add(names[index]!, values[index]!);
  return {
    method,
    requestLine: requestLine === 0 ? usualLine({ method, requestUri, protocol }) : requestLine,
    target: target === 0 ? requestUri : target,
    requestUri,
    path,
    args: args === 0 ? usualArgs(requestUri) : args,
    uri: uri === 0 ? path : uri,
    requestUriValid,
    uriChanged,
    versionMajor,
    versionMinor,
    protocol,
    schemeFromAbsoluteForm,
    hostFromAbsoluteForm,
    host,
    port,
    fields,
    contentLength,
    chunked,
    connection,
    bytes,
  };
}

function packCourse(request: Request): PackedCourse {
  const { head, passedTo, captures } = request;
  return [
    unless(request.method, head.method),
    unless(request.uri, head.uri),
    request.argsEmptied ? request.args : unless(request.args, head.args ?? ""),
    request.uriUntouched,
    request.locationReplaced,
    request.internal,
    request.servingErrorPage,
    request.errorStatus,
    toMicroseconds(request.startMs),
    passedTo === null ? null : [passedTo.host, passedTo.port],
    captures === null ? null : Array.from(captures, (text) => text ?? null),
  ];
}

function unpackCourse(request: Request, course: PackedCourse): void {
  const [method, uri, args, uriUntouched, locationReplaced, internal, servingErrorPage, errorStatus] = course;
  const [passedTo, captures] = [course[9], course[10]];
  if (method !== 0) request.method = method;
  if (uri !== 0) request.uri = uri;
  if (args !== 0) {
    request.args = args;
    request.argsEmptied = true;
  }
  request.uriUntouched = uriUntouched;
  request.locationReplaced = locationReplaced;
  request.internal = internal;
  request.servingErrorPage = servingErrorPage;
  request.errorStatus = errorStatus;
  request.passedTo = passedTo === null ? null : { host: passedTo[0], port: passedTo[1] };
  request.captures = captures?.map((text) => text ?? undefined) ?? null;
}

function packResponse({ response }: Request): PackedResponse {
  return [
    response.status,
    response.statusText,
    response.contentType,
    response.contentLength,
    response.lastModifiedSeconds,
    response.locationIsOurs,
    response.bytesSent,
    response.headBytes,
    response.limitRate,
  ];
}

function unpackResponse({ response }: Request, packed: PackedResponse, fields: Fields | null): void {
  const [status, statusText, contentType, contentLength, lastModifiedSeconds, locationIsOurs] = packed;
  const [bytesSent, headBytes, limitRate] = [packed[6], packed[7], packed[8]];
  if (fields !== null) response.fields = fields;
  response.status = status;
  response.statusText = statusText;
  response.contentType = contentType;
  response.contentLength = contentLength;
  response.lastModifiedSeconds = lastModifiedSeconds;
  response.locationIsOurs = locationIsOurs;
  response.bytesSent = bytesSent;
  response.headBytes = headBytes;
  response.limitRate = limitRate;
  response.headSent = true;
  response.upgraded = true;
}

function unless<T extends string | null>(value: T, usual: string | null): Unless<T> {
  return value === usual ? 0 : value;
}

function usualLine(head: Pick<RequestHead, "method" | "requestUri" | "protocol">): string {
  return `${head.method} ${head.requestUri} ${head.protocol}`;
}

function usualArgs(requestUri: string): string | null {
  const question = requestUri.indexOf("?");
  return question < 0 ? null : requestUri.slice(question + 1);
}

function markUncomputed(value: string | null | undefined): string | null | 0 {
  return value === undefined ? 0 : value;
}

function unmarkUncomputed(value: string | null | 0): string | null | undefined {
  return value === 0 ? undefined : value;
}
