import type { Fields } from "../http/fields.ts";
import { safeFieldValue } from "../http/field-value.ts";
import { isFieldValue, nameKind, nameMalformed, nameOfConnection, nameTe } from "./field-rules.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";

/** The pseudo-headers of a request (RFC 9113, section 8.3.1). */
export interface Http2RequestStart {
  readonly method: string;
  readonly scheme: string;
  /** Null: there is a `host` among the fields, or none at all. With it, that `host` is not sent. */
  readonly authority: string | null;
  readonly path: string;
  /** Of an extended CONNECT (RFC 8441), else null. */
  readonly connectProtocol: string | null;
}

/** The field block of a request; valid until the next block is made. */
export function encodeRequest(encoder: HpackEncoder, start: Http2RequestStart, fields: Fields): Buffer {
  encoder.begin();
  encoder.field(":method", safeFieldValue(start.method));
  encoder.field(":scheme", start.scheme);
  encoder.field(":path", safeFieldValue(start.path));
  if (start.authority !== null) encoder.field(":authority", safeFieldValue(start.authority));
  if (start.connectProtocol !== null) encoder.field(":protocol", safeFieldValue(start.connectProtocol));
  encodeFields(encoder, fields, start.authority !== null);
  return encoder.finish();
}

/** The field block of a response (RFC 9113, section 8.3.2); valid until the next block is made. */
export function encodeResponse(encoder: HpackEncoder, status: number, fields: Fields): Buffer {
  encoder.begin();
  encoder.field(":status", String(status));
  encodeFields(encoder, fields, false);
  return encoder.finish();
}

/** The field block of trailers (RFC 9113, section 8.1), without a `host`; valid until the next block is made. */
export function encodeTrailers(encoder: HpackEncoder, fields: Fields): Buffer {
  encoder.begin();
  encodeFields(encoder, fields, true);
  return encoder.finish();
}

/** What may not stand in HTTP/2 (section 8.2.2) is left out, whoever put it there. */
function encodeFields(encoder: HpackEncoder, fields: Fields, withoutHost: boolean): void {
  for (let i = 0; i < fields.size; i++) {
    const name = fields.lowerNameAt(i);
    const kind = nameKind(name);
    if (kind === nameOfConnection || kind === nameMalformed || (withoutHost && name === "host")) continue;
    if (kind === nameTe && fields.valueAt(i).toLowerCase() !== "trailers") continue;
    const value = fields.valueAt(i);
    encoder.field(name, isFieldValue(value) ? value : cleaned(value));
  }
}

const blankEnds = /^[ \t]+|[ \t]+$/g;

/** A value that would make the message malformed: line ends become spaces, and none is left at the ends. */
function cleaned(value: string): string {
  return safeFieldValue(value).replace(blankEnds, "");
}
