import type { SettingsByModule } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { completeMain, failAt, mergeLevel } from "./http-build.ts";
import type { HttpBuild, ListenDraft, LocationDraft, ServerDraft } from "./http-build.ts";
import { endpointKey } from "../serve/listen-socket.ts";
import type { AddressServers, ListenSettings } from "../serve/listen-socket.ts";
import { ListenProtocols } from "../serve/listen-protocols.ts";
import { LocationTree } from "../serve/location-tree.ts";
import { Location } from "../serve/location.ts";
import type { LocationSettings, ServerSettings } from "../serve/settings.ts";
import { ServerChoice, VirtualServer } from "../serve/virtual-server.ts";
import type { Endpoint } from "../../net/network.ts";
import { inTurns } from "../../net/pace.ts";
import type { Module } from "../../config/module.ts";

/** A socket to bind, and the servers behind it. */
export interface SocketPlan {
  readonly endpoint: Endpoint;
  readonly addresses: readonly AddressServers[];
}

/** A compiled `http` block. */
export interface HttpConfiguration {
  readonly sockets: readonly SocketPlan[];
  readonly build: HttpBuild;
}

/** The module whose settings the gateway itself reads. */
export interface CoreModule extends Module<object, ServerSettings, LocationSettings> {}

/** Variables that are read off an answer's head. */
const answerVariables = [
  "sent_http_",
  "sent_trailer_",
  "upstream_http_",
  "upstream_trailer_",
  "upstream_cookie_",
];

/** Makes of the drafts what serves requests: merges settings, builds locations, groups servers by address. */
export async function compileHttp(
  build: HttpBuild,
  core: CoreModule,
  scope: Scope,
): Promise<HttpConfiguration> {
  const { pace } = scope.cycle;
  const locations = build.servers.flatMap(({ root }) => withNested(root));
  for (const module of build.modules) completeMain(module, scope.mainSettings, scope);
  for (const module of build.modules) {
    await inTurns(build.servers, pace, (draft) => mergeServer(module, draft, scope));
    await inTurns(locations, pace, ({ settings, parent }) => {
      if (parent !== null) mergeLevel(module, "location", settings, parent.settings, scope);
    });
  }
  await inTurns(locations, pace, (draft) => makeLocation(draft, core));
  await inTurns(locations.toReversed(), pace, assembleLocation);
  await inTurns(build.servers, pace, (draft) => buildServer(build, core, draft));
  build.variables.finish();
  const keepsAnswerFields = build.variables.uses(answerVariables);
  const namesBodyFiles = build.variables.uses(["request_body_file"]);
  const readsBodies = build.variables.uses(["request_body"]);
  for (const draft of build.servers) {
    draft.server!.keepsAnswerFields = keepsAnswerFields;
    draft.server!.namesBodyFiles = namesBodyFiles;
    draft.server!.readsBodies = readsBodies;
  }
  await inTurns(locations, pace, (draft) => attachLocation(build, draft));
  for (const draft of locations.toReversed()) inheritContent(draft);
  await inTurns(build.afterwards, pace, (run) => run());
  return { sockets: groupByAddress(build, scope), build };
}

/** A location and all inside it: outer ones before inner ones, otherwise as they are written. */
function withNested(draft: LocationDraft): LocationDraft[] {
  return [draft, ...draft.children.flatMap(withNested)];
}

function mergeServer(module: HttpBuild["modules"][number], draft: ServerDraft, http: Scope): void {
  mergeLevel(module, "server", draft.settings, http.serverSettings, http);
  mergeLevel(module, "location", draft.root.settings, http.locationSettings, http);
}

function buildServer(build: HttpBuild, core: CoreModule, draft: ServerDraft): void {
  const root = draft.root.location!;
  const server = new VirtualServer({
    name: draft.firstName ?? "",
    names: draft.names,
    settings: draft.settings,
    core: draft.settings.get(core) as ServerSettings,
    root,
  });
  draft.server = server;
  server.locations = root.nested;
  root.nested = null;
  for (const child of draft.root.children) {
    // Of several with one name nginx takes the first, and says nothing.
    if (child.kind === "named" && !server.named.has(child.name))
      server.named.set(child.name, child.location!);
  }
  for (const module of build.modules) {
    module.attachServer?.(server, draft.settings.get(module) ?? {}, build);
  }
}

function makeLocation(draft: LocationDraft, core: CoreModule): void {
  const { kind, name, noRegex, regex, settings } = draft;
  const location = new Location({ kind, name, noRegex, regex, settings, core: coreOf(settings, core) });
  location.autoRedirect = draft.autoRedirect;
  draft.location = location;
  checkDuplicates(draft.children);
}

/** When those inside are whole. */
function assembleLocation({ children, location }: LocationDraft): void {
  const nested: Location[] = [];
  for (const child of children) {
    const built = child.location!;
    if (child.kind === "limit_except") location!.limitExcept = { methods: child.methods!, location: built };
    else if (child.kind !== "if" && child.kind !== "named") nested.push(built);
  }
  location!.nested = nested.length > 0 ? new LocationTree(nested) : null;
}

function coreOf(settings: SettingsByModule, core: CoreModule): LocationSettings {
  return settings.get(core) as LocationSettings;
}

function attachLocation(build: HttpBuild, draft: LocationDraft): void {
  for (const module of build.modules) {
    module.attach?.(draft.location!, draft.settings.get(module) ?? {}, build);
  }
}

/** An `if` leaves the content handler as it was chosen; `limit_except` is chosen instead of its location. */
function inheritContent({ kind, location, parent }: LocationDraft): void {
  const outer = parent?.location ?? null;
  if (outer === null) return;
  if (kind === "if" || (kind === "limit_except" && outer.passes)) location!.content ??= outer.content;
}

/** nginx sorts locations by name and tells the second of two equals, with its place. */
function checkDuplicates(locations: readonly LocationDraft[]): void {
  const seen = new Set<string>();
  for (const location of locations) {
    if (location.kind !== "prefix" && location.kind !== "exact") continue;
    const key = `${location.kind} ${location.name}`;
    if (seen.has(key)) failAt(location, `duplicate location "${location.name}"`);
    seen.add(key);
  }
}

interface AddressGroup {
  readonly listen: ListenDraft;
  readonly servers: ServerDraft[];
  defaultServer: ServerDraft;
  explicitDefault: boolean;
  settings: ListenSettings;
  hasSocketOptions: boolean;
  readonly protocols: ListenProtocols;
}

function groupByAddress(build: HttpBuild, scope: Scope): SocketPlan[] {
  const groups = new Map<string, AddressGroup>();
  for (const draft of build.servers)
    for (const listen of draft.listens) addToGroup(groups, draft, listen, scope);
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
  const proxyProtocol = listen.settings.proxyProtocol || group.settings.proxyProtocol;
  if (listen.hasSocketOptions && group.hasSocketOptions) {
    failAt(listen, `duplicate listen options for ${key}`);
  }
  const socket = listen.hasSocketOptions ? listen.settings : group.settings;
  group.settings = { ...socket, ssl, proxyProtocol };
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
