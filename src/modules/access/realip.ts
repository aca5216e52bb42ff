/**
 * ngx_http_realip_module: the client's address as trusted proxies in front tell it.
 * https://nginx.org/en/docs/http/ngx_http_realip_module.html
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import type { Origin } from "../../gateway/request/origin.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import { DECLINED } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { PhaseHandler } from "../../gateway/request/handler.ts";
import type { Location } from "../../gateway/serve/location.ts";
import type { Request } from "../../gateway/request/request.ts";
import { formatIp, parseCidr, parseIp } from "../../net/address.ts";
import type { Cidr } from "../../net/address.ts";
import type { SocketAddress } from "../../net/connection.ts";
import { forwardedAddress } from "./forwarded-address.ts";
import type { TrustedPeers } from "./forwarded-address.ts";

interface RealipSettings {
  /** Null: no proxy is believed. Each level that names some replaces those of the level around it. */
  from: { networks: Cidr[]; unix: boolean } | null;
  /** A field in lower case; null: the PROXY protocol. */
  header: string | null;
  recursive: boolean;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<RealipSettings>((scope) => scope.location(realip));

export const realip: HttpModule<object, object, RealipSettings> = {
  name: "ngx_http_realip_module",
  directives: [
    {
      name: "set_real_ip_from",
      contexts,
      args: "1",
      default: null,
      doc: "A proxy, or a network of proxies, that is believed when it tells the client's address.",
      set: trust,
    },
    {
      name: "real_ip_header",
      contexts,
      args: "1",
      default: "X-Real-IP",
      doc: "The field that tells the client's address, or the PROXY protocol.",
      set: slot.custom("header", ({ args }) =>
        args[0] === "proxy_protocol" ? null : args[0]!.toLowerCase(),
      ),
    },
    {
      name: "real_ip_recursive",
      contexts,
      args: "flag",
      default: "off",
      doc: "Of several addresses in the field, the last one that is no trusted proxy counts, not just the last.",
      set: slot.flag("recursive"),
    },
  ],
  location: {
    defaults: () => ({ from: null, header: "x-real-ip", recursive: false }),
  },
  variables: [
    { name: "realip_remote_addr", get: ({ client }) => textOf(client.origin.remote) },
    { name: "realip_remote_port", get: ({ client }) => portOf(client.origin.remote) },
  ],
  attachServer(server) {
    const handler = handlerOf(server.root);
    if (handler !== null) server.postRead.push(handler);
  },
  attach(location) {
    const handler = handlerOf(location);
    if (handler !== null) location.preaccess.push(handler);
  },
};

function handlerOf(location: Location): PhaseHandler | null {
  const { from, header, recursive } = location.settings.get(realip) as RealipSettings;
  if (from === null) return null;
  return (request) => {
    replaceAddress(request, from, header, recursive);
    return DECLINED;
  };
}

/** Once per request. Those after it on the same connection, or beside it, do not see what it makes of theirs. */
function replaceAddress(
  request: Request,
  from: TrustedPeers,
  header: string | null,
  recursive: boolean,
): void {
  const { origin } = request;
  const { remote } = request.client.origin;
  if (origin.remote !== remote) return;
  const told = header === null ? proxiedAddress(origin) : fieldsOf(request, header);
  if (told.length === 0) return;
  const direct = remote.family === "unix" ? null : parseIp(remote.address);
  const found = forwardedAddress(direct, told, from, recursive);
  if (found === null) return;
  const { ip } = found;
  const port = header === null ? origin.proxied!.source.port : found.port;
  request.origin = origin.withRemote({
    family: ip.length === 4 ? "ipv4" : "ipv6",
    address: formatIp(ip),
    port,
  });
}

function proxiedAddress({ proxied }: Origin): string[] {
  return proxied === null ? [] : [proxied.source.address];
}

/** Of other fields than X-Forwarded-For nginx takes the first. */
function fieldsOf({ fields }: Request, name: string): string[] {
  const values = fields.getAll(name);
  return name === "x-forwarded-for" ? values : values.slice(0, 1);
}

function trust(scope: Scope, { args, ...place }: Directive): void {
  const settings = scope.location(realip);
  const from = (settings.from ??= { networks: [], unix: false });
  const text = args[0]!;
  if (text === "unix:") {
    from.unix = true;
    return;
  }
  const network = parseCidr(text);
  if (network !== null) {
    if (network.hadLowBits) scope.warn(`low address bits of ${text} are meaningless`);
    from.networks.push(network);
    return;
  }
  buildOf(scope).names.push({
    host: text,
    place,
    complaint: `host not found in set_real_ip_from "${text}"`,
    resolved: (addresses) => from.networks.push(...addresses.map(networkOf)),
  });
}

function networkOf(address: string): Cidr {
  const network = parseIp(address)!;
  return { network, prefixBits: network.length * 8, hadLowBits: false };
}

function textOf({ family, address }: SocketAddress): string {
  return family === "unix" ? "unix:" : address;
}

function portOf({ port }: SocketAddress): string {
  return port > 0 ? String(port) : "";
}
