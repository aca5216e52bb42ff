import { cidrContains } from "../../net/address.ts";
import type { Cidr } from "../../net/address.ts";
import { parseInetPort } from "../../net/inet.ts";
import type { InetPort } from "../../net/inet.ts";

/** Who is believed: networks, and whether clients on unix sockets are. */
export interface TrustedPeers {
  readonly networks: readonly Cidr[];
  readonly unix: boolean;
}

/**
 * The last address of fields such as X-Forwarded-For's; with `recursive` the last that is not itself
 * trusted. Null when the direct peer is not believed, or its own word cannot be read: what others wrote
 * before it counts no more then. Follows ngx_http_get_forwarded_addr.
 *
 * @param direct the peer's own address; null for a unix socket's
 * @param values of all fields of that name, in their order
 */
export function forwardedAddress(
  direct: Buffer | null,
  values: readonly string[],
  trusted: TrustedPeers,
  recursive: boolean,
): InetPort | null {
  let found: InetPort | null = null;
  for (let index = values.length - 1; index >= 0; index--) {
    const { last, ended } = readList(found === null ? direct : found.ip, values[index]!, trusted, recursive);
    if (last !== null) found = last;
    if (ended) break;
  }
  return found;
}

/** What one field's list tells, from its end on; `ended`: the field before it does not count. */
function readList(
  direct: Buffer | null,
  list: string,
  trusted: TrustedPeers,
  recursive: boolean,
): { last: InetPort | null; ended: boolean } {
  let last: InetPort | null = null;
  let end = list.length;
  let start;
  do {
    if (!isTrusted(last === null ? direct : last.ip, trusted)) return { last, ended: true };
    while (end > 1 && isSeparator(list, end - 1)) end -= 1;
    start = end - 1;
    // As in nginx, the list's first byte is no separator.
    while (start > 0 && !isSeparator(list, start)) start -= 1;
    if (start > 0) start += 1;
    const next = parseInetPort(list.slice(Math.max(start, 0), end));
    if (next === null) return { last, ended: true };
    last = next;
    end = start - 1;
  } while (recursive && start > 0);
  return { last, ended: !recursive };
}

function isSeparator(list: string, index: number): boolean {
  const char = list[index];
  return char === " " || char === ",";
}

/** Whether an address is one of `trusted`; null stands for a unix socket. */
function isTrusted(ip: Buffer | null, { networks, unix }: TrustedPeers): boolean {
  return ip === null ? unix : networks.some((network) => cidrContains(network, ip));
}
