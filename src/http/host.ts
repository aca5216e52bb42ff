/** A host as nginx keeps it: lower case, without port and trailing dot. */
export interface ValidHost {
  readonly host: string;
  /** The port after the host; null when there was none (or nothing after the colon). */
  readonly port: number | null;
}

const PORT_MAX = 65535;
/** unreserved, sub-delims and "%" of RFC 3986: what may stand in a registered name. */
const REG_NAME = /^[A-Za-z0-9\-._~!$&'()*+,;=%]*$/;
const IP_LITERAL = /^\[[A-Za-z0-9\-._~!$&'()*+,;=:]*\]$/;

let lastValue = "";
let lastHost: ValidHost | null = null;

/** Checks a host. Most requests name the same one as the request before, so the last one is kept. */
export function validateHost(value: string): ValidHost | null {
  if (value !== lastValue) {
    lastHost = checkHost(value);
    lastValue = value;
  }
  return lastHost;
}

/**
 * Checks the value of Host, or the authority of an absolute request target, by RFC 3986 as nginx does
 * since 1.29.4. (Earlier versions let more characters pass.) Returns null when it is not valid.
 */
function checkHost(value: string): ValidHost | null {
  const hostEnd = value.startsWith("[") ? value.indexOf("]") + 1 : endOfName(value);
  let host = value.slice(0, hostEnd);
  if (!(host.startsWith("[") ? IP_LITERAL : REG_NAME).test(host) || host.includes("..")) return null;
  const port = parsePort(value, hostEnd);
  if (port === undefined) return null;
  if (host.endsWith(".")) host = host.slice(0, -1);
  if (host === "") return null;
  return { host: host.toLowerCase(), port };
}

function endOfName(value: string): number {
  const colon = value.indexOf(":");
  return colon < 0 ? value.length : colon;
}

/** Undefined: not a port. */
function parsePort(value: string, colon: number): number | null | undefined {
  if (colon === value.length) return null;
  if (value.charCodeAt(colon) !== 0x3a) return undefined;
  let port = 0;
  for (let i = colon + 1; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    port = port * 10 + digit;
    if (port > PORT_MAX) return undefined;
  }
  return colon + 1 === value.length ? null : port;
}
