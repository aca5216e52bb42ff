import { compileValue } from "../../config/complex-value.ts";
import { ConfigError } from "../../config/errors.ts";
import type { NameToResolve } from "../../config/name-to-resolve.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { Scope } from "../../config/scope.ts";
import type { Module, SettingsByModule } from "../../config/module.ts";
import { VariableRegistry } from "../../config/variable-registry.ts";
import type { Network } from "../../net/network.ts";
import type { Background } from "../serve/background.ts";
import type { PeerRows } from "../balance/peer-rows.ts";
import type { ErrorLog } from "../log/error-log.ts";
import type { HttpModule } from "./http-module.ts";
import type { Launch } from "../serve/launch.ts";
import type { ListenSettings } from "../serve/listen-socket.ts";
import type { Endpoint } from "../../net/network.ts";
import type { Location, LocationKind } from "../serve/location.ts";
import type { LogFiles } from "../log/log-files.ts";
import type { Request } from "../request/request.ts";
import type { Value } from "../serve/settings.ts";
import type { SharedMemory } from "../zones/shared-memory.ts";
import type { UpstreamDraft } from "../upstream/draft.ts";
import type { ServerName, VirtualServer } from "../serve/virtual-server.ts";
import { Zones } from "../zones/zones.ts";

/** A `listen` directive. */
export interface ListenDraft {
  readonly endpoint: Endpoint;
  readonly settings: ListenSettings;
  /** Options of the socket were given (backlog, reuseport, …): only one `listen` of an address may. */
  readonly hasSocketOptions: boolean;
  readonly isDefault: boolean;
  /** The options that say what is spoken on it, as bits: nginx warns where directives of an address differ. */
  readonly protocols: number;
  readonly file: string;
  readonly line: number;
}

/** A location while the configuration is read; `build` makes a `Location` of it. */
export interface LocationDraft {
  readonly kind: LocationKind;
  readonly name: string;
  readonly noRegex: boolean;
  readonly regex: CompiledRegex | null;
  readonly settings: SettingsByModule;
  readonly parent: LocationDraft | null;
  readonly children: LocationDraft[];
  readonly file: string;
  readonly line: number;
  /** A content handler was set whose prefix location redirects requests that lack the final slash. */
  autoRedirect: boolean;
  /** Methods that a `limit_except` block leaves to the surrounding location. */
  methods: ReadonlySet<string> | null;
  /** Set by `build`. */
  location: Location | null;
}

/** A `server` block while the configuration is read; `server` is set by `build`. */
export interface ServerDraft {
  readonly settings: SettingsByModule;
  readonly listens: ListenDraft[];
  readonly names: ServerName[];
  /** `$server_name`: the first name as written. */
  firstName: string | null;
  readonly root: LocationDraft;
  server: VirtualServer | null;
}

/** What a configuration shares with the other threads of the process, and with the configuration before it. */
export interface ProcessState {
  readonly shared: SharedMemory;
  readonly worker: number;
  readonly peerRows: PeerRows | null;
  readonly ticketSecret: Buffer | null;
}

/** Everything that belongs to one `http` block while it is read and compiled. */
export class HttpBuild {
  readonly network: Network;
  readonly modules: readonly HttpModule[];
  readonly logs: LogFiles;
  readonly mainErrorLog: ErrorLog;
  /** Memory of zones: the same for all workers, and for the next configuration. */
  readonly shared: SharedMemory;
  /** Number of the thread that compiles: 0 is the main thread. */
  readonly worker: number;
  /** Where the state of peers lies; null gives each upstream a table of its own. */
  readonly peerRows: PeerRows | null;
  /** Secret of the process for TLS session tickets; null leaves them to each TLS context. */
  readonly ticketSecret: Buffer | null;
  readonly launch: Launch;
  readonly zones: Zones;
  /** Reads a file that a directive names; relative paths begin at the configuration's directory. */
  readonly files: (path: string) => Buffer;
  readonly variables: VariableRegistry<Request>;
  readonly servers: ServerDraft[] = [];
  /** Folders for temporary files that directives name: they are to be there for the user of the process. */
  readonly temporaryFolders = new Set<string>();
  /** Upstreams by name: blocks, and addresses that `proxy_pass` names. */
  readonly upstreams = new Map<string, UpstreamDraft>();
  readonly names: NameToResolve[] = [];
  /** Make the upstreams of the blocks; run once names are resolved. */
  readonly finishUpstreams: (() => void)[] = [];
  /** What is best known before the first request, and may fail: asked for once all is read. */
  readonly foreknowledge: (() => Promise<void>)[] = [];
  /** What runs beside requests while the configuration is in use, by names that the next one may use too. */
  readonly background = new Map<string, Background>();
  /** Run when all servers are built: what needs the whole configuration (pools, resolved names). */
  readonly afterwards: (() => void)[] = [];

  constructor(init: {
    network: Network;
    modules: readonly HttpModule[];
    logs: LogFiles;
    mainErrorLog: ErrorLog;
    process: ProcessState;
    launch: Launch;
    files: (path: string) => Buffer;
  }) {
    this.network = init.network;
    this.modules = init.modules;
    this.logs = init.logs;
    this.mainErrorLog = init.mainErrorLog;
    this.shared = init.process.shared;
    this.worker = init.process.worker;
    this.peerRows = init.process.peerRows;
    this.ticketSecret = init.process.ticketSecret;
    this.launch = init.launch;
    this.zones = new Zones(this.shared);
    this.files = init.files;
    this.variables = new VariableRegistry<Request>((request, name) => {
      request.log("error", `cycle while evaluating variable "${name}"`);
    });
    for (const module of init.modules) for (const spec of module.variables ?? []) this.variables.add(spec);
  }

  /** Forgets what only the reading needed: a tunnel keeps its configuration, for days maybe. */
  forgetReading(): void {
    this.variables.forgetNames();
    for (const list of [this.servers, this.names, this.finishUpstreams, this.foreknowledge, this.afterwards])
      list.length = 0;
  }
}

const builds = new WeakMap<SettingsByModule, HttpBuild>();

/** Ties a build to the settings of its `http` block, so that `buildOf` finds it from every scope inside. */
export function registerBuild(mainSettings: SettingsByModule, build: HttpBuild): void {
  builds.set(mainSettings, build);
}

/** The build that a scope inside an `http` block belongs to. */
export function buildOf(scope: Scope): HttpBuild {
  const build = builds.get(scope.mainSettings);
  if (build === undefined) throw new Error("this scope is not inside an http block");
  return build;
}

/** Compiles a string with variables. */
export function valueOf(scope: Scope, text: string): Value {
  return compileValue(buildOf(scope).variables, text, scope);
}

/** The location whose block is being read; the server's own level outside locations. */
export function locationDraftOf(scope: Scope): LocationDraft {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (isLocationDraft(at.subject)) return at.subject;
    if (isServerDraft(at.subject)) return at.subject.root;
  }
  throw new Error("this scope is not inside a server block");
}

/**
 * The server whose block is being read.
 * @throws Error outside of servers, where no directive that asks for it may stand
 */
export function serverDraftOf(scope: Scope): ServerDraft {
  for (let at: Scope | null = scope; at !== null; at = at.parent)
    if (isServerDraft(at.subject)) return at.subject;
  throw new Error("this scope is not inside a server block");
}

function isServerDraft(subject: unknown): subject is ServerDraft {
  return typeof subject === "object" && subject !== null && "listens" in subject;
}

function isLocationDraft(subject: unknown): subject is LocationDraft {
  return typeof subject === "object" && subject !== null && "children" in subject;
}

/** Gives a level's unset keys the values of the enclosing level, or their defaults. */
export function mergeLevel(
  module: Module,
  which: "server" | "location",
  child: SettingsByModule,
  parent: SettingsByModule | null,
  scope: Scope,
): void {
  const level = module[which];
  if (level === undefined) return;
  const settings = (child.get(module) ?? {}) as Record<string, unknown>;
  child.set(module, settings);
  const inherited = (parent?.get(module) ?? {}) as Record<string, unknown>;
  if (parent !== null) level.inherit?.(settings, inherited);
  const defaults = level.defaults() as Record<string, unknown>;
  for (const key of Object.keys(defaults)) {
    if (settings[key] !== undefined) continue;
    settings[key] = inherited[key] === undefined ? defaults[key] : inherited[key];
  }
  level.finish?.(settings, scope);
}

/** The same for the settings of the `http` block as a whole. */
export function completeMain(module: Module, main: SettingsByModule, scope: Scope): void {
  const level = module.main;
  if (level === undefined) return;
  const settings = (main.get(module) ?? {}) as Record<string, unknown>;
  main.set(module, settings);
  const defaults = level.defaults() as Record<string, unknown>;
  for (const key of Object.keys(defaults)) settings[key] ??= defaults[key];
  level.finish?.(settings, scope);
}

/** An error that belongs to a place other than the one being read. */
export function failAt(place: { readonly file: string; readonly line: number }, message: string): never {
  throw new ConfigError(message, place.file, place.line);
}
