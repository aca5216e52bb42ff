import type { Module, SettingsByModule } from "../../config/module.ts";
import type { NameToResolve } from "../../config/name-to-resolve.ts";
import type { Scope } from "../../config/scope.ts";
import type { Network } from "../../net/network.ts";
import { inTurns } from "../../net/pace.ts";
import type { Pace } from "../../net/pace.ts";
import type { PhaseHandler } from "../request/handler.ts";
import { LocationTree } from "../serve/location-tree.ts";
import { Location } from "../serve/location.ts";
import type { LocationSettings, ServerSettings } from "../serve/settings.ts";
import { VirtualServer } from "../serve/virtual-server.ts";
import type { LocationDraft, ServerDraft } from "./drafts.ts";
import { groupByAddress } from "./group-sockets.ts";
import type { SocketPlan } from "./group-sockets.ts";
import { failAt } from "./http-build.ts";
import type { HttpBuild } from "./http-build.ts";
import { completeMain, mergeLevel } from "./merge.ts";

/** A compiled `http` block. */
export interface HttpConfiguration {
  readonly sockets: readonly SocketPlan[];
  readonly build: HttpBuild;
}

/** The module whose settings the gateway itself reads. */
export interface CoreModule extends Module<object, ServerSettings, LocationSettings> {}

/** What the steps need beside the build. */
export interface CompileOptions {
  readonly core: CoreModule;
  /** The scope of the `http` block. */
  readonly scope: Scope;
  /** Finds the addresses of a host name. */
  readonly resolve: Network["resolve"];
}

/**
 * Makes of an `http` block that was read what can be served: step by step, each of which gives way to events.
 * What follows is the opening of its zones, and the take-over.
 * @throws ConfigError for the first thing that is wrong
 */
export async function compileHttp(
  build: HttpBuild,
  { core, scope, resolve }: CompileOptions,
): Promise<HttpConfiguration> {
  const { pace } = scope.cycle;
  const locations = build.servers.flatMap(({ root }) => withNested(root));
  await resolveNames(build.names, resolve, pace);
  await finishUpstreams(build, scope);
  await mergeSettings(build, locations, scope);
  await makeLocations(locations, core, pace);
  await makeServers(build, core, pace);
  settleVariables(build);
  await attachLocations(build, locations, pace);
  await finishServers(build, scope);
  const sockets = groupByAddress(build.servers, scope);
  await prepareBackground(build);
  return { sockets, build };
}

/** Host names in directives become addresses, in the order of the file: the first that has none is told. */
async function resolveNames(
  names: readonly NameToResolve[],
  resolve: Network["resolve"],
  pace: Pace,
): Promise<void> {
  await inTurns(names, pace, async (name) => {
    if (name.skip?.() !== true) name.resolved(await addressesOf(resolve, name));
  });
}

async function addressesOf(resolve: Network["resolve"], name: NameToResolve): Promise<readonly string[]> {
  try {
    const addresses = await resolve(name.host);
    if (addresses.length > 0) return [...new Set(addresses)];
  } catch {
    // Told below, in nginx's words.
  }
  return failAt(name.place, name.complaint);
}

/** Upstreams get their peers. */
async function finishUpstreams(build: HttpBuild, scope: Scope): Promise<void> {
  for (const module of build.modules) await module.finishUpstreams?.(build, scope);
}

/** What a level leaves out it has from the level around it, module by module. */
async function mergeSettings(
  build: HttpBuild,
  locations: readonly LocationDraft[],
  scope: Scope,
): Promise<void> {
  const { pace } = scope.cycle;
  for (const module of build.modules) completeMain(module, scope.mainSettings, scope);
  for (const module of build.modules) {
    await inTurns(build.servers, pace, (draft) => mergeServer(module, draft, scope));
    await inTurns(locations, pace, ({ settings, parent }) => {
      if (parent !== null) mergeLevel(module, "location", settings, parent.settings, scope);
    });
  }
}

/** Inner ones are put into the tree of those around them. */
async function makeLocations(
  locations: readonly LocationDraft[],
  core: CoreModule,
  pace: Pace,
): Promise<void> {
  await inTurns(locations, pace, (draft) => makeLocation(draft, core));
  await inTurns(locations.toReversed(), pace, assembleLocation);
}

/** Each gets its locations, and what modules attach to it. */
async function makeServers(build: HttpBuild, core: CoreModule, pace: Pace): Promise<void> {
  await inTurns(build.servers, pace, (draft) => makeServer(build, core, draft));
}

/** Everything is read: it is known which variables exist, and which are asked for anywhere. */
function settleVariables(build: HttpBuild): void {
  build.variables.finish();
  const keepsAnswerFields = build.variables.uses(answerVariables);
  const namesBodyFiles = build.variables.uses(["request_body_file"]);
  const readsBodies = build.variables.uses(["request_body"]);
  for (const draft of build.servers) {
    draft.server!.keepsAnswerFields = keepsAnswerFields;
    draft.server!.namesBodyFiles = namesBodyFiles;
    draft.server!.readsBodies = readsBodies;
  }
}

/** Variables that are read off an answer's head. */
const answerVariables = [
  "sent_http_",
  "sent_trailer_",
  "upstream_http_",
  "upstream_trailer_",
  "upstream_cookie_",
];

/** Modules add their handlers; blocks that have no content of their own take what is around them. */
async function attachLocations(
  build: HttpBuild,
  locations: readonly LocationDraft[],
  pace: Pace,
): Promise<void> {
  await inTurns(locations, pace, (draft) => attachLocation(build, draft));
  for (const draft of locations.toReversed()) inheritContent(draft);
}

/** What a module does that takes all servers and locations. */
async function finishServers(build: HttpBuild, scope: Scope): Promise<void> {
  for (const module of build.modules) await module.finishServers?.(build, scope);
}

/** Tasks find out what is best known before the first request, all at once. */
async function prepareBackground(build: HttpBuild): Promise<void> {
  await Promise.all([...build.background.values()].map(async (task) => task.prepare?.()));
}

/** A location and all inside it: outer ones before inner ones, otherwise as they are written. */
function withNested(draft: LocationDraft): LocationDraft[] {
  return [draft, ...draft.children.flatMap(withNested)];
}

function mergeServer(module: HttpBuild["modules"][number], draft: ServerDraft, http: Scope): void {
  mergeLevel(module, "server", draft.settings, http.serverSettings, http);
  mergeLevel(module, "location", draft.root.settings, http.locationSettings, http);
}

function makeServer(build: HttpBuild, core: CoreModule, draft: ServerDraft): void {
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
  const location = new Location({ ...draft, core: coreOf(draft.settings, core) });
  location.autoRedirect = draft.autoRedirect;
  draft.location = location;
  checkDuplicates(draft.children);
}

/** When those inside are whole. */
function assembleLocation({ children, location }: LocationDraft): void {
  const nested: Location[] = [];
  if (children.length > 0) location!.inner = children.map((child) => child.location!);
  for (const child of children) {
    const built = child.location!;
    built.outer = location;
    if (child.kind === "limit_except") location!.limitExcept = { methods: child.methods!, location: built };
    else if (child.kind !== "if" && child.kind !== "named") nested.push(built);
  }
  location!.nested = nested.length > 0 ? new LocationTree(nested) : null;
}

function coreOf(settings: SettingsByModule, core: CoreModule): LocationSettings {
  return settings.get(core) as LocationSettings;
}

function attachLocation(build: HttpBuild, draft: LocationDraft): void {
  const { answeredBy, settings } = draft;
  const location = draft.location!;
  let chosen: PhaseHandler | null = null;
  for (const module of build.modules) {
    const { content } = location;
    module.attach?.(location, settings.get(module) ?? {}, build);
    if (location.content === content) continue;
    if (module.directives.some(({ name }) => name === answeredBy)) chosen = location.content;
  }
  location.content = chosen ?? location.content;
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
