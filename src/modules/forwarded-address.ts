import { cidrContains, parseHostPort, parseIp } from "../net/address.ts";
import type { Cidr } from "../net/address.ts";

/** An address that a field names, with the port that may stand behind it. */
export interface ForwardedAddress {
  readonly ip: Buffer;
  /** 0: none was named. */
  readonly port: number;
}

/** Who is believed: networks, and whether clients on unix sockets are. */
export interface TrustedPeers {
  readonly networks: readonly Cidr[];
  readonly unix: boolean;
}

/**
 * The last address of a list such as X-Forwarded-For's; with `recursive` the last that is not itself
 * trusted. Null when the direct peer is not believed, or nothing before it can be read.
 * Follows ngx_http_get_forwarded_addr.
 *
 * @param direct the peer's own address; null for a unix socket's
 */
export function forwardedAddress(
  direct: Buffer | null,
  list: string,
  trusted: TrustedPeers,
  recursive: boolean,
): ForwardedAddress | null {
  let found: ForwardedAddress | null = null;
  const entries = list.split(/[ ,]+/).filter((text) => text !== "");
  while (entries.length > 0 && isTrusted(found === null ? direct : found.ip, trusted)) {
    const next = readAddress(entries.pop()!);
    if (next === null) break;
    found = next;
    if (!recursive) break;
  }
  return found;
}

/** Whether an address is one of `trusted`; null stands for a unix socket. */
function isTrusted(ip: Buffer | null, { networks, unix }: TrustedPeers): boolean {
  return ip === null ? unix : networks.some((network) => cidrContains(network, ip));
}

function readAddress(text: string): ForwardedAddress | null {
  const bare = parseIp(text);
  if (bare !== null) return { ip: bare, port: 0 };
  const parsed = parseHostPort(text, "connect");
  const ip = parsed.kind === "host" ? parseIp(parsed.host) : null;
  return ip === null || parsed.kind !== "host" ? null : { ip, port: parsed.port ?? 0 };
}
