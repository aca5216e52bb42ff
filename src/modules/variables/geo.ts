/**
 * ngx_http_geo_module: variables whose values depend on the client's address.
 * https://nginx.org/en/docs/http/ngx_http_geo_module.html
 */
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { variableName } from "../../config/variable-registry.ts";
import type { VariableReader } from "../../config/variable-registry.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import { parseCidr, parseIp, unmapIpv4 } from "../../net/address.ts";
import { parseInet } from "../../net/inet.ts";
import type { Cidr } from "../../net/address.ts";
import { forwardedAddress } from "../access/forwarded-address.ts";
import { NetworkTable } from "./geo-table.ts";
import { RangeTable } from "./range-table.ts";

export const geo: HttpModule = {
  name: "ngx_http_geo_module",
  directives: [
    {
      name: "geo",
      contexts: ["http"],
      args: "1,2",
      block: true,
      default: null,
      doc: "Defines a variable whose value is looked up by an IP address.",
      set: geoBlock,
    },
  ],
};

/** A `geo` block while it is read, and afterwards. */
class Geo {
  readonly networks = new NetworkTable();
  readonly addressRanges = new RangeTable();
  /** Addresses are given as ranges, not as networks. */
  ranges = false;
  /** Something else than `ranges` has been read. */
  begun = false;
  rangeDefault: string | null = null;
  /** Clients that tell, in X-Forwarded-For, for whom they speak. */
  readonly proxies: Cidr[] = [];
  proxyRecursive = false;
  volatile = false;
}

/** Stands for an address that is none. */
const noAddress = Buffer.from([255, 255, 255, 255]);
const everything = [parseCidr("0.0.0.0/0")!, parseCidr("::/0")!];

async function geoBlock(scope: Scope, directive: Directive): Promise<void> {
  const { args } = directive;
  const registry = buildOf(scope).variables;
  const name = variableName(args.at(-1)!, scope);
  const source = args.length === 2 ? registry.reader(variableName(args[0]!, scope), scope) : null;
  const table = new Geo();
  const variable = registry.define(name, scope, (request) => look(table, addressOf(table, source, request)));
  await scope.cycle.entries(directive.block!, scope, (entry) => readEntry(table, entry, scope));
  variable.volatile = table.volatile;
}

function look(table: Geo, address: Buffer): string {
  if (!table.ranges) return table.networks.find(address) ?? "";
  const ipv4 = unmapIpv4(address);
  const found = ipv4.length === 4 ? table.addressRanges.find(ipv4.readUInt32BE()) : undefined;
  return found ?? table.rangeDefault ?? "";
}

function addressOf(table: Geo, source: VariableReader<Request> | null, request: Request): Buffer {
  const { family, address } = request.origin.remote;
  const text = source === null ? (family === "unix" ? null : address) : source(request);
  const direct = (text === null ? null : parseInet(text)) ?? noAddress;
  if (table.proxies.length === 0) return direct;
  const forwarded = request.fields.getAll("x-forwarded-for");
  const trusted = { networks: table.proxies, unix: false };
  return forwardedAddress(direct, forwarded, trusted, table.proxyRecursive)?.ip ?? direct;
}

function readEntry(table: Geo, { name, args }: Directive, scope: Scope): void {
  if (args.length === 0 && name === "ranges") {
    if (table.begun) scope.fail('the "ranges" directive must be the first directive inside "geo" block');
    table.ranges = true;
    return;
  }
  if (args.length === 0 && name === "proxy_recursive") {
    table.proxyRecursive = true;
    return;
  }
  if (args.length === 0 && name === "volatile") {
    table.volatile = true;
    return;
  }
  if (args.length !== 1) scope.fail("invalid number of the geo parameters");
  const value = args[0]!;
  if (name === "proxy") {
    table.proxies.push(networkOf(value, scope));
    return;
  }
  table.begun = true;
  if (table.ranges) readRange(table, name, value, scope);
  else readNetwork(table, name, value, scope);
}

function readNetwork(table: Geo, name: string, value: string, scope: Scope): void {
  if (name === "delete") {
    if (!table.networks.delete(networkOf(value, scope))) scope.warn(`no network "${value}" to delete`);
    return;
  }
  for (const network of name === "default" ? everything : [networkOf(name, scope)]) {
    const old = table.networks.set(network, value);
    if (old !== undefined) scope.warn(`duplicate network "${name}", value: "${value}", old value: "${old}"`);
  }
}

function networkOf(text: string, scope: Scope): Cidr {
  const network = parseCidr(text);
  if (network === null) return scope.fail(`invalid network "${text}"`);
  if (network.hadLowBits) scope.warn(`low address bits of ${text} are meaningless`);
  return network;
}

function readRange(table: Geo, name: string, value: string, scope: Scope): void {
  if (name === "default") {
    const old = table.rangeDefault;
    if (old !== null) scope.warn(`duplicate default geo range value: "${value}", old value: "${old}"`);
    table.rangeDefault = value;
    return;
  }
  const removes = name === "delete";
  const text = removes ? value : name;
  const { start, end } = rangeOf(text, scope);
  if (removes) {
    if (!table.addressRanges.delete(start, end)) scope.warn(`no address range "${text}" to delete`);
    return;
  }
  const { old, overlaps } = table.addressRanges.add(start, end, value);
  if (overlaps !== undefined) scope.fail(`range "${text}" overlaps "${overlaps}"`);
  if (old !== undefined) scope.warn(`duplicate range "${text}", value: "${value}", old value: "${old}"`);
}

function rangeOf(text: string, scope: Scope): { start: number; end: number } {
  const [first, last, ...more] = text.split("-").map((side) => parseIp(side));
  const sound = first?.length === 4 && last?.length === 4 && more.length === 0;
  if (!sound || first.readUInt32BE() > last.readUInt32BE()) return scope.fail(`invalid range "${text}"`);
  return { start: first.readUInt32BE(), end: last.readUInt32BE() };
}
