import type { PcreReader } from "./pcre-reader.ts";

/** Options that stand at the start of a pattern, as `(*UTF)`. */
export interface StartOptions {
  readonly utf: boolean;
  readonly ucp: boolean;
}

const OPTION = /\(\*(?:UTF8?|UCP|NO_AUTO_POSSESS|NO_START_OPT|NO_DOTSTAR_ANCHOR|NO_JIT|LF|BSR_UNICODE)\)/y;
const OTHER =
  /\(\*(?:CR|CRLF|ANYCRLF|ANY|NUL|BSR_ANYCRLF|NOTEMPTY|NOTEMPTY_ATSTART|LIMIT_(?:MATCH|DEPTH|HEAP|RECURSION)=\d+)\)/y;

/** Reads them; those that change no result are only passed over. */
export function readStartOptions(reader: PcreReader): StartOptions {
  let utf = false;
  let ucp = false;
  for (;;) {
    const option = reader.takeMatch(OPTION);
    if (option === "") break;
    utf ||= option.startsWith("(*UTF");
    ucp ||= option === "(*UCP)";
  }
  const other = reader.takeMatch(OTHER);
  if (other !== "") reader.unsupported(other);
  return { utf, ucp };
}
