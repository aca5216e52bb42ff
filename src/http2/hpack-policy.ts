/** The field goes into the table: it is likely to come again. */
export const indexField = 0;
/** It goes as it is: its value is new each time, and would only push others out of the table. */
export const literalField = 1;
/** It goes as it is and must stay so on every hop (RFC 7541, section 7.1.3): whoever can add fields could guess it. */
export const neverIndexField = 2;

const secrets = new Set(["authorization", "proxy-authorization", "set-cookie"]);

const changing = new Set([
  ":path",
  "age",
  "content-length",
  "content-range",
  "etag",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "range",
  "sec-websocket-key",
  "traceparent",
  "x-request-id",
]);

/** A shorter cookie could be guessed, byte by byte, from the size of what is sent (as nghttp2 has it). */
const cookieGuessableBytes = 20;

/** How a field is to be sent. */
export function indexingOf(name: string, value: string): number {
  if (secrets.has(name) || (name === "cookie" && value.length < cookieGuessableBytes)) return neverIndexField;
  return changing.has(name) ? literalField : indexField;
}
