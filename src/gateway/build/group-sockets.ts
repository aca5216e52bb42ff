import type { Scope } from "../../config/scope.ts";
import type { Endpoint } from "../../net/network.ts";
import { ListenProtocols } from "../serve/listen-protocols.ts";
import { endpointKey } from "../serve/listen-socket.ts";
import type { AddressServers, ListenSettings } from "../serve/listen-socket.ts";
import { ServerChoice } from "../serve/virtual-server.ts";
import type { ListenDraft, ServerDraft } from "./drafts.ts";
import { failAt } from "./http-build.ts";

/** A socket to bind, and the servers behind it. */
export interface SocketPlan {
  readonly endpoint: Endpoint;
  readonly addresses: readonly AddressServers[];
}

/** What the `listen` directives of one address come to. */
interface AddressGroup {
  readonly listen: ListenDraft;
  readonly servers: ServerDraft[];
  defaultServer: ServerDraft;
  explicitDefault: boolean;
  settings: ListenSettings;
  hasSocketOptions: boolean;
  readonly protocols: ListenProtocols;
}

/**
 * The sockets to bind, with the servers behind each of their addresses.
 * @throws ConfigError where `listen` directives of one address contradict each other
 */
export function groupByAddress(servers: readonly ServerDraft[], scope: Scope): SocketPlan[] {
  const groups = new Map<string, AddressGroup>();
  for (const draft of servers) for (const listen of draft.listens) addToGroup(groups, draft, listen, scope);
  const addresses = [...groups.values()].map((group) => addressServers(group, scope));
  return socketsOf(addresses);
}

function addToGroup(
  groups: Map<string, AddressGroup>,
  draft: ServerDraft,
  listen: ListenDraft,
  scope: Scope,
): void {
  const key = endpointKey(listen.endpoint);
  const group = groups.get(key);
  if (group === undefined) {
    groups.set(key, {
      listen,
      servers: [draft],
      defaultServer: draft,
      explicitDefault: listen.isDefault,
      settings: listen.settings,
      hasSocketOptions: listen.hasSocketOptions,
      protocols: new ListenProtocols(listen.protocols),
    });
    return;
  }
  group.servers.push(draft);
  mergeSettings(group, listen, key);
  if (listen.isDefault) {
    if (group.explicitDefault) failAt(listen, `a duplicate default server for ${key}`);
    group.explicitDefault = true;
    group.defaultServer = draft;
  }
  if (group.protocols.add(listen.protocols, listen.hasSocketOptions, group.hasSocketOptions)) {
    scope.cycle.notice("warn", `protocol options redefined for ${key}`, listen.file, listen.line);
  }
  group.hasSocketOptions ||= listen.hasSocketOptions;
}

/** What is spoken on an address is what any directive says; the rest is the one's that has the socket's options. */
function mergeSettings(group: AddressGroup, listen: ListenDraft, key: string): void {
  const ssl = listen.settings.ssl || group.settings.ssl;
  const http2 = listen.settings.http2 || group.settings.http2;
  const proxyProtocol = listen.settings.proxyProtocol || group.settings.proxyProtocol;
  if (listen.hasSocketOptions && group.hasSocketOptions) {
    failAt(listen, `duplicate listen options for ${key}`);
  }
  const socket = listen.hasSocketOptions ? listen.settings : group.settings;
  group.settings = { ...socket, ssl, http2, proxyProtocol };
}

function addressServers(group: AddressGroup, scope: Scope): AddressServers {
  const key = endpointKey(group.listen.endpoint);
  const choice = new ServerChoice(
    group.servers.map((draft) => draft.server!),
    group.defaultServer.server!,
    (name) => scope.cycle.notice("warn", `conflicting server name "${name}" on ${key}, ignored`, "", 0),
  );
  return { endpoint: group.listen.endpoint, settings: group.settings, choice };
}

/** A wildcard address takes the specific addresses of its port under one socket, unless told to bind each. */
function socketsOf(addresses: readonly AddressServers[]): SocketPlan[] {
  const plans: { endpoint: Endpoint; addresses: AddressServers[] }[] = [];
  const wildcards = new Map<string, { endpoint: Endpoint; addresses: AddressServers[] }>();
  for (const entry of addresses) {
    if (!isWildcard(entry.endpoint)) continue;
    const plan = { endpoint: entry.endpoint, addresses: [entry] };
    plans.push(plan);
    wildcards.set(familyAndPort(entry.endpoint), plan);
  }
  for (const entry of addresses) {
    const { endpoint } = entry;
    if (isWildcard(endpoint)) continue;
    const wildcard = wildcards.get(familyAndPort(endpoint));
    if (wildcard === undefined) plans.push({ endpoint, addresses: [entry] });
    else wildcard.addresses.push(entry);
  }
  return plans;
}

function isWildcard(endpoint: Endpoint): boolean {
  return endpoint.kind === "tcp" && (endpoint.address === "0.0.0.0" || endpoint.address === "::");
}

/** What a wildcard address and those that it covers have in common; "" for unix sockets. */
function familyAndPort(endpoint: Endpoint): string {
  if (endpoint.kind !== "tcp") return "";
  return `${endpoint.address.includes(":") ? "ipv6" : "ipv4"} ${endpoint.port}`;
}
