import { Fields } from "../http/fields.ts";
import type { HeadFailure } from "../http/head-failure.ts";
import { checkField, checkHead, RequestFacts } from "../http/request-rules.ts";
import type { RequestHead } from "../http/request-head.ts";
import { validateHost } from "../http/host.ts";
import type { RequestLine } from "../http/request-target.ts";
import {
  fieldOverheadBytes,
  isFieldValue,
  nameKind,
  nameMalformed,
  nameOdd,
  nameOfConnection,
  nameTe,
  nameUnderscore,
} from "./field-rules.ts";
import { readTarget } from "./request-target.ts";

/** Rules and limits for the heads of requests; the directive that sets each is named. */
export interface Http2HeadLimits {
  /** large_client_header_buffers, number times size: bytes of a head, each field with 32 more. */
  readonly headBytesMax: number;
  /** large_client_header_buffers, size: bytes of a field. */
  readonly fieldBytesMax: number;
  /** max_headers. */
  readonly fieldsMax: number;
  /** ignore_invalid_headers. */
  readonly ignoreInvalidHeaders: boolean;
  /** underscores_in_headers. */
  readonly underscoresInHeaders: boolean;
  /** merge_slashes. */
  readonly mergeSlashes: boolean;
  /** http2_extended_connect: `:protocol` is taken (RFC 8441). */
  readonly extendedConnect: boolean;
}

/** nginx's defaults. */
export const http2HeadLimits: Http2HeadLimits = {
  headBytesMax: 32_768,
  fieldBytesMax: 8192,
  fieldsMax: 1000,
  ignoreInvalidHeaders: true,
  underscoresInHeaders: false,
  mergeSlashes: true,
  extendedConnect: false,
};

/**
 * A request's head that has been checked, as HTTP/1 has it, and what only HTTP/2 has. `chunked`: a body of unknown length
 * follows. `bytes`: of the field block, as it came.
 */
export interface Http2RequestHead extends RequestHead {
  /** `:scheme` as sent. */
  readonly scheme: string;
  /** `:authority` as sent; null when the host came as a field alone. It stands among the fields as `host`. */
  readonly authority: string | null;
  /** Names of fields that were left out (`ignore_invalid_headers`); null: of none. */
  readonly ignoredNames: readonly string[] | null;
  /** `:protocol` of an extended CONNECT (RFC 8441), else null. */
  readonly connectProtocol: string | null;
}

/** Of a request whose path is not known. */
const noLine: RequestLine = {
  method: "",
  requestLine: "",
  target: "",
  requestUri: "",
  path: "",
  args: null,
  uri: "",
  requestUriValid: false,
  uriChanged: false,
  versionMajor: 2,
  versionMinor: 0,
  protocol: "HTTP/2.0",
  schemeFromAbsoluteForm: null,
  hostFromAbsoluteForm: null,
};

const whileReading = " while reading client request headers";
const schemePattern = /^[A-Za-z][A-Za-z0-9+.-]*$/;
const methodPattern = /^[A-Z_-]+$/;
const tokenPattern = /^[\w!#$%&'*+.^`|~-]+$/;

const bad = (reason: string): HeadFailure => ({ status: 400, reason: reason + whileReading });
const tooLarge = (): HeadFailure => ({ status: 494, reason: `client sent too large request${whileReading}` });

/**
 * Makes a request's head of the fields of a block, and refuses what RFC 9113, section 8, calls malformed, what nginx
 * refuses on HTTP/1, and what could be read in two ways once it is passed on. The first failure counts; the rest of a
 * block is only counted.
 */
export class RequestHeadBuilder {
  private limits = http2HeadLimits;
  private fields = new Fields();
  private facts = new RequestFacts();
  private bytes = 0;
  private count = 0;
  private inPseudo = true;
  private method: string | null = null;
  private scheme: string | null = null;
  private path: string | null = null;
  private authority: string | null = null;
  private protocol: string | null = null;
  /** Crumbs of a cookie so far, and how many they were. */
  private cookie = "";
  private crumbs = 0;
  /** Host fields beside `:authority`. */
  private hosts = 0;
  private ignoredNames: string[] | null = null;
  /** The fields were in order for themselves: there is a request line to tell of. */
  private lineKnown = false;
  /** Why the head is refused, once it is. 494 is nginx's own: shown to the client as 400. */
  failure: HeadFailure | null = null;

  /** Begins another head; nothing of the one before is kept, since whoever took that may hold it. */
  begin(limits: Http2HeadLimits): void {
    this.limits = limits;
    this.fields = new Fields();
    this.facts = new RequestFacts();
    this.bytes = 0;
    this.count = 0;
    this.inPseudo = true;
    this.method = null;
    this.scheme = null;
    this.path = null;
    this.authority = null;
    this.protocol = null;
    this.cookie = "";
    this.crumbs = 0;
    this.hosts = 0;
    this.ignoredNames = null;
    this.lineKnown = false;
    this.failure = null;
  }

  /** Takes the next field of the block, pseudo-headers included. What is wrong with it shows in `failure`. */
  onField(name: string, value: string): void {
    if (this.failure !== null) return;
    const bytes = name.length + value.length;
    this.bytes += bytes + fieldOverheadBytes;
    if (this.bytes > this.limits.headBytesMax || bytes > this.limits.fieldBytesMax) this.failure = tooLarge();
    else if (name.charCodeAt(0) === 0x3a) this.pseudo(name, value);
    else this.field(name, value);
  }

  /**
   * The head, once all fields have come; null when it is refused.
   * @param ended no body follows
   * @param blockBytes length of the block that it came as
   */
  finish(ended: boolean, blockBytes: number): Http2RequestHead | null {
    this.endPseudo();
    this.failure ??= this.checkPseudo();
    if (this.failure !== null) return null;
    const isExtended = this.protocol !== null;
    const { fields, facts } = this;
    if (this.crumbs > 1) fields.set("cookie", this.cookie);
    this.lineKnown = true;
    // An extended CONNECT becomes a GET on HTTP/1, and is judged as one.
    this.failure = checkHead(isExtended ? "GET" : this.method!, true, fields, facts);
    // Its data are the tunnel's, however many they come to.
    if (isExtended && facts.contentLength !== null)
      this.failure ??= bad('client sent "Content-Length" with extended CONNECT');
    if (ended && (facts.contentLength ?? 0) > 0)
      this.failure ??= bad('client sent "Content-Length" without a body');
    if (this.failure !== null) return null;
    const line = readTarget(this.method!, this.path!, this.limits.mergeSlashes);
    if (line === null) {
      this.failure = bad(`client sent invalid :path header: "${this.path}"`);
      return null;
    }
    return {
      ...line,
      host: facts.host,
      port: facts.port,
      fields,
      contentLength: facts.contentLength,
      chunked: !ended && !isExtended && facts.contentLength === null,
      connection: null,
      bytes: blockBytes,
      scheme: this.scheme!,
      authority: this.authority,
      ignoredNames: this.ignoredNames,
      connectProtocol: this.protocol,
    };
  }

  /** What is known of a head that was refused, for its log lines and for the choice of who answers. */
  refused(blockBytes: number): Http2RequestHead {
    const { fields, facts, scheme, authority, protocol } = this;
    const method = this.method !== null && methodPattern.test(this.method) ? this.method : "";
    const line = this.path === null ? null : readTarget(method, this.path, this.limits.mergeSlashes);
    // As in nginx, whose log shows no line of what it could not take apart.
    const requestLine = this.lineKnown && line !== null ? line.requestLine : "";
    return {
      ...(line ?? { ...noLine, method }),
      requestLine,
      host: facts.host,
      port: facts.port,
      fields,
      contentLength: null,
      chunked: false,
      connection: null,
      bytes: blockBytes,
      scheme: scheme ?? "",
      authority,
      ignoredNames: this.ignoredNames,
      connectProtocol: protocol,
    };
  }

  private pseudo(name: string, value: string): void {
    if (!this.inPseudo) {
      this.failure = bad(`client sent "${name}" after other headers`);
      return;
    }
    let before: string | null = null;
    switch (name) {
      case ":method":
        before = this.method;
        this.method = value;
        break;
      case ":scheme":
        before = this.scheme;
        this.scheme = value;
        break;
      case ":path":
        before = this.path;
        this.path = value;
        break;
      case ":authority":
        before = this.authority;
        this.authority = value;
        break;
      case ":protocol":
        before = this.protocol;
        this.protocol = value;
        break;
      default:
        this.failure = bad(`client sent unknown pseudo-header "${name}"`);
        return;
    }
    if (before !== null) this.failure = bad(`client sent duplicate ${name} header`);
  }

  private field(name: string, value: string): void {
    this.endPseudo();
    const kind = nameKind(name);
    if (kind === nameMalformed) {
      this.failure = bad(`client sent invalid header name: "${name}"`);
    } else if (kind === nameOfConnection) {
      this.failure = bad(`client sent "${name}" header, which HTTP/2 does not have`);
    } else if (!isFieldValue(value)) {
      this.failure = bad(`client sent header "${name}" with invalid value`);
    } else if (kind === nameTe && value.toLowerCase() !== "trailers") {
      this.failure = bad(`client sent invalid "te" header: "${value}"`);
    } else if (++this.count > this.limits.fieldsMax) {
      this.failure = bad("client sent too many header lines");
    } else if (name === "cookie") {
      this.addCookie(value);
    } else if (name === "host" && this.authority !== null) {
      this.failure ??= this.compareHost(value);
    } else if (this.isTaken(kind)) {
      this.fields.addLowered(name, name, value);
      this.failure = checkField(this.fields, this.fields.size - 1, this.facts);
    } else {
      (this.ignoredNames ??= []).push(name);
    }
  }

  private isTaken(kind: number): boolean {
    if (kind === nameOdd) return !this.limits.ignoreInvalidHeaders;
    if (kind === nameUnderscore) return this.limits.underscoresInHeaders || !this.limits.ignoreInvalidHeaders;
    return true;
  }

  /** Crumbs of a cookie are put together again (RFC 9113, section 8.2.3): elsewhere there is one field. */
  private addCookie(value: string): void {
    if (this.crumbs++ === 0) this.fields.addLowered("cookie", "cookie", value);
    this.cookie += this.crumbs === 1 ? value : `; ${value}`;
  }

  /** `:authority` counts as Host, and stands where Host stands on HTTP/1: first (section 8.3.1). */
  private endPseudo(): void {
    const { inPseudo, authority, fields, facts } = this;
    this.inPseudo = false;
    if (!inPseudo || authority === null || this.failure !== null) return;
    const valid = validateHost(authority);
    if (valid === null) {
      this.failure = bad(`client sent invalid :authority header: "${authority}"`);
      return;
    }
    fields.addLowered("host", "host", authority);
    facts.host = valid.host;
    facts.port = valid.port;
  }

  /** Where both come, they have to say the same. */
  private compareHost(value: string): HeadFailure | null {
    if (++this.hosts > 1) return bad("client sent duplicate host header");
    const valid = validateHost(value);
    if (valid?.host === this.facts.host && valid.port === this.facts.port) return null;
    return bad(`client sent "Host" header that differs from :authority: "${value}"`);
  }

  private checkPseudo(): HeadFailure | null {
    const { method, scheme, path, protocol } = this;
    if (method === null) return bad("client sent no :method header");
    if (!methodPattern.test(method)) return bad(`client sent invalid method: "${method}"`);
    if (protocol !== null) {
      const problem = this.checkProtocol(method, protocol);
      if (problem !== null) return problem;
    } else if (method === "CONNECT") {
      this.lineKnown = true;
      return { status: 405, reason: `client sent CONNECT method${whileReading}` };
    }
    if (scheme === null) return bad("client sent no :scheme header");
    if (!schemePattern.test(scheme)) return bad(`client sent invalid :scheme header: "${scheme}"`);
    if (path === null) return bad("client sent no :path header");
    if (path === "") return bad("client sent empty :path header");
    return this.fields.has("host") ? null : bad('client sent neither ":authority" nor "Host" header');
  }

  private checkProtocol(method: string, protocol: string): HeadFailure | null {
    if (!this.limits.extendedConnect) return bad('client sent unknown pseudo-header ":protocol"');
    if (method !== "CONNECT") return bad(`client sent :protocol with method ${method}`);
    if (!tokenPattern.test(protocol)) return bad(`client sent invalid :protocol header: "${protocol}"`);
    return this.authority === null ? bad("client sent :protocol without :authority") : null;
  }
}
