import { safeFieldValue, safeTarget } from "../../http/field-value.ts";
import { Fields } from "../../http/fields.ts";
import { asksForUpgrade } from "../../http/upgrade.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Http2Head } from "../../gateway/upstream/http2-try.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { ProxySettings } from "./settings.ts";

/** Fields that are never copied from the client's request: they concern its connection, not the request. */
const defaultsOff = ["connection", "proxy-connection", "keep-alive", "te", "expect", "upgrade"];

/** What stands in the first lines of a request that is passed on. */
export interface RequestTarget {
  readonly method: string;
  readonly uri: string;
  /** `$proxy_host`. */
  readonly host: string;
}

/** A location's way of making request heads, worked out once. */
export interface HeadBuilder {
  (request: Request, target: RequestTarget, bodyLength: number | null): string;
}

/** `proxy_set_header` and its like, sorted once for a location. */
interface HeadRules {
  /** Null: `$proxy_host`. */
  readonly hostValue: Value | null;
  readonly others: readonly (readonly [name: string, value: Value])[];
  /** Fields of the client that are not copied, in lower case. */
  readonly dropped: ReadonlySet<string>;
  readonly ownLength: boolean;
  readonly ownEncoding: boolean;
}

function sortHead({ setHeaders }: ProxySettings): HeadRules {
  const taken = new Set(setHeaders.map(([name]) => name.toLowerCase()));
  return {
    hostValue: setHeaders.findLast(([name]) => name.toLowerCase() === "host")?.[1] ?? null,
    others: setHeaders.filter(([name]) => name.toLowerCase() !== "host"),
    dropped: new Set([...taken, ...defaultsOff, "host", "content-length", "transfer-encoding"]),
    ownLength: !taken.has("content-length"),
    ownEncoding: !taken.has("transfer-encoding"),
  };
}

/**
 * Compiles `proxy_set_header` and its like. The order is nginx's: Host; the other fields that are set, in the
 * order of the configuration; the length, unless set; then the client's fields that were not touched.
 */
export function compileHead(settings: ProxySettings): HeadBuilder {
  const { hostValue, others, dropped, ownLength, ownEncoding } = sortHead(settings);
  const { body } = settings;
  // Where the others go by HTTP/2, these ask for another protocol.
  const version = settings.httpVersion === "1.0" ? "1.0" : "1.1";
  // HTTP/1.1 demands a Host (RFC 9112, section 3.2): what leaves it empty gets the server's own.
  const demandsHost = version !== "1.0";
  const copies = settings.passRequestHeaders;
  return (request, { method, uri, host }, bodyLength) => {
    let head = `${method} ${safeTarget(uri)} HTTP/${version}\r\n`;
    const named = hostValue === null ? host : safeFieldValue(hostValue.evaluate(request));
    if (named !== "") head += `Host: ${named}\r\n`;
    else if (demandsHost) head += `Host: ${host}\r\n`;
    for (const [name, value] of others) {
      const text = safeFieldValue(value.evaluate(request));
      if (text !== "") head += `${name}: ${text}\r\n`;
    }
    head += lengthField(request, bodyLength, ownLength, ownEncoding, body);
    return copies ? `${head}${clientFields(request, dropped)}\r\n` : `${head}\r\n`;
  };
}

/** Makes the head of a request that goes on by HTTP/2, worked out once for a location. */
export interface Http2HeadBuilder {
  (request: Request, target: RequestTarget, scheme: string, bodyLength: number | null): Http2Head;
}

/**
 * The same for HTTP/2: what is Host there is `:authority` here (RFC 9113, section 8.3.1). What concerns a connection of
 * HTTP/1 is left out by the encoder, and there are no chunks.
 */
export function compileHttp2Head(settings: ProxySettings): Http2HeadBuilder {
  const { hostValue, others, dropped, ownLength } = sortHead(settings);
  const { body, passRequestHeaders } = settings;
  return (request, { method, uri, host }, scheme, bodyLength) => {
    const named = hostValue === null ? host : safeFieldValue(hostValue.evaluate(request));
    const authority = named === "" ? host : named;
    const fields = new Fields();
    for (const [name, value] of others) {
      const text = value.evaluate(request);
      if (text !== "") fields.add(name.toLowerCase(), text);
    }
    if (ownLength && saysLength(request, body, bodyLength))
      fields.add("content-length", String(bodyLength ?? 0));
    if (passRequestHeaders) copyFields(request, dropped, fields);
    const path = safeTarget(uri);
    return { start: { method, scheme, authority, path, connectProtocol: null }, fields };
  };
}

/** A length is sent where the client sent one, or a body is set. */
function saysLength(request: Request, body: Value | null, bodyLength: number | null): boolean {
  if (body !== null) return true;
  const { contentLength, chunked } = request.head;
  return bodyLength !== null && (contentLength !== null || chunked);
}

function copyFields({ fields }: Request, dropped: ReadonlySet<string>, into: Fields): void {
  const { lowerNames, values } = fields;
  for (let index = 0; index < lowerNames.length; index++) {
    const lower = lowerNames[index]!;
    if (!dropped.has(lower)) into.addLowered(lower, lower, values[index]!);
  }
}

/** Whether the request goes up with a field Upgrade: the client's own never does, only one that is set. */
export function setsUpgrade({ setHeaders }: ProxySettings, request: Request): boolean {
  return setHeaders.some(
    ([name, value]) => name.toLowerCase() === "upgrade" && asksForUpgrade(value.evaluate(request)),
  );
}

/** Whether what is asked for by the field Upgrade that is set is a WebSocket, and nothing else. */
export function setsWebSocket({ setHeaders }: ProxySettings, request: Request): boolean {
  return setHeaders.every(
    ([name, value]) =>
      name.toLowerCase() !== "upgrade" || value.evaluate(request).trim().toLowerCase() === "websocket",
  );
}

function clientFields(request: Request, dropped: ReadonlySet<string>): string {
  const { names, lowerNames, values } = request.fields;
  let text = "";
  for (let index = 0; index < names.length; index++) {
    if (!dropped.has(lowerNames[index]!)) text += `${names[index]!}: ${values[index]!}\r\n`;
  }
  return text;
}

function lengthField(
  request: Request,
  bodyLength: number | null,
  ownLength: boolean,
  ownEncoding: boolean,
  body: Value | null,
): string {
  if (body !== null) return ownLength ? `Content-Length: ${bodyLength ?? 0}\r\n` : "";
  const { contentLength, chunked } = request.head;
  if (contentLength === null && !chunked) return "";
  if (bodyLength === null) return ownEncoding ? "Transfer-Encoding: chunked\r\n" : "";
  return ownLength ? `Content-Length: ${bodyLength}\r\n` : "";
}
