import { Fields } from "../http/fields.ts";
import { safeFieldValue } from "../http/field-value.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { isIgnoredDuplicate, ResponseFacts } from "../http/response-rules.ts";
import { reasonPhrase } from "../http/status.ts";
import {
  fieldOverheadBytes,
  isFieldValue,
  nameKind,
  nameMalformed,
  nameOfConnection,
} from "./field-rules.ts";

/** What a response's head may have. */
export interface ResponseHeadLimits {
  /** Bytes, each field with 32 more: what a server sends is passed on, and must fit into memory. */
  readonly headBytesMax: number;
  readonly fieldsMax: number;
}

/** The defaults; no directive sets others. As many fields as max_headers lets requests have. */
export const responseHeadLimits: ResponseHeadLimits = { headBytesMax: 65_536, fieldsMax: 1000 };

const statusPattern = /^[1-5][0-9][0-9]$/;

/**
 * Makes a response's head of the fields of a block, in the form that HTTP/1 has; the first failure counts. There is no 101,
 * and no reason phrase: nginx's stands for it.
 */
export class ResponseHeadBuilder {
  private limits = responseHeadLimits;
  private fields = new Fields();
  private facts = new ResponseFacts();
  private bytes = 0;
  private status: string | null = null;
  private warnings: string[] = [];
  /** Why the response is malformed (RFC 9113, section 8.1.1), in words for a log. */
  failure: string | null = null;

  /** Begins another head; nothing of the one before is kept, since whoever took that may hold it. */
  begin(limits: ResponseHeadLimits): void {
    this.limits = limits;
    this.fields = new Fields();
    this.facts = new ResponseFacts();
    this.bytes = 0;
    this.status = null;
    this.warnings = [];
    this.failure = null;
  }

  /** Takes the next field of the block, `:status` included. What is wrong with it shows in `failure`. */
  onField(name: string, value: string): void {
    if (this.failure !== null) return;
    this.bytes += name.length + value.length + fieldOverheadBytes;
    if (this.bytes > this.limits.headBytesMax) this.failure = "upstream sent too big header";
    else if (name.charCodeAt(0) === 0x3a) this.failure = this.pseudo(name, value);
    else this.failure = this.field(name, value);
  }

  /** The head, once all fields have come; null when the response is malformed, and `failure` tells why. */
  finish(): ResponseHead | null {
    if (this.failure === null && this.status === null) this.failure = "upstream sent no :status header";
    if (this.failure !== null) return null;
    const status = Number(this.status);
    const { fields, facts, bytes, warnings } = this;
    return {
      status,
      // The space is part of a status line even where no reason follows (RFC 9112, section 4).
      statusLine: `${status} ${reasonPhrase(status)}`,
      versionMajor: 2,
      versionMinor: 0,
      fields,
      contentLength: facts.contentLength,
      chunked: false,
      connectionClose: false,
      bytes,
      warnings,
    };
  }

  private pseudo(name: string, value: string): string | null {
    if (name !== ":status") return `upstream sent invalid header "${name}: ${value}"`;
    if (this.status !== null) return "upstream sent duplicate :status header";
    if (this.fields.size > 0) return 'upstream sent ":status" after other headers';
    if (!statusPattern.test(value) || value === "101") return `upstream sent invalid :status "${value}"`;
    this.status = value;
    return null;
  }

  private field(name: string, value: string): string | null {
    if (this.status === null) return "upstream sent no :status header";
    const problem = fieldProblem(name, value, "upstream");
    if (problem !== null) return problem;
    if (isIgnoredDuplicate(this.fields, name)) {
      const before = `${name}: ${this.fields.get(name)}`;
      this.warnings.push(
        `upstream sent duplicate header line: "${name}: ${value}", previous value: "${before}", ignored`,
      );
      return null;
    }
    if (this.fields.size >= this.limits.fieldsMax) return "upstream sent too many header lines";
    this.fields.addLowered(name, name, value);
    return this.facts.checkField(this.fields);
  }
}

/** What is wrong with a field wherever it stands, or null. */
function fieldProblem(name: string, value: string, who: string): string | null {
  const kind = nameKind(name);
  if (kind === nameMalformed) return `${who} sent invalid header: "${name}: ${safeFieldValue(value)}"`;
  if (kind === nameOfConnection) return `${who} sent "${name}" header, which HTTP/2 does not have`;
  return isFieldValue(value) ? null : `${who} sent invalid header: "${name}: ${safeFieldValue(value)}"`;
}

/** As much as HTTP/1's trailers: they carry a checksum or a status. Each field counts 32 more. */
const trailerBytesMax = 8192;

/** Makes trailers of the fields of a block (RFC 9113, section 8.1): no pseudo-headers. */
export class TrailerBuilder {
  private who = "";
  private bytes = 0;
  fields = new Fields();
  failure: string | null = null;

  /** @param who "client" or "upstream" */
  begin(who: string): void {
    this.who = who;
    this.bytes = 0;
    this.fields = new Fields();
    this.failure = null;
  }

  /** Takes the next field of the block. What is wrong with it shows in `failure`; the rest is passed over then. */
  onField(name: string, value: string): void {
    if (this.failure !== null) return;
    this.bytes += name.length + value.length + fieldOverheadBytes;
    if (this.bytes > trailerBytesMax) this.failure = `${this.who} sent too large trailers`;
    else if (name.startsWith(":")) this.failure = `${this.who} sent pseudo-header "${name}" in trailers`;
    else this.failure = fieldProblem(name, value, this.who);
    if (this.failure === null) this.fields.addLowered(name, name, value);
  }
}
