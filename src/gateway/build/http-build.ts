import { compileValue } from "../../config/complex-value.ts";
import { ConfigError } from "../../config/errors.ts";
import type { NameToResolve } from "../../config/name-to-resolve.ts";
import type { Scope } from "../../config/scope.ts";
import { VariableRegistry } from "../../config/variable-registry.ts";
import type { Network } from "../../net/network.ts";
import type { Background } from "../serve/background.ts";
import type { PeerRows } from "../balance/peer-rows.ts";
import type { ErrorLog } from "../log/error-log.ts";
import type { ServerDraft } from "./drafts.ts";
import type { HttpModule } from "./http-module.ts";
import type { Launch } from "../serve/launch.ts";
import type { LogFiles } from "../log/log-files.ts";
import type { Request } from "../request/request.ts";
import type { Value } from "../serve/settings.ts";
import type { SharedMemory } from "../zones/shared-memory.ts";
import type { UpstreamDraft } from "../upstream/draft.ts";
import { Zones } from "../zones/zones.ts";

/** What a configuration shares with the other threads of the process, and with the configuration before it. */
export interface ProcessState {
  readonly shared: SharedMemory;
  readonly worker: number;
  readonly peerRows: PeerRows | null;
  readonly ticketSecret: Buffer | null;
}

/**
 * Everything that belongs to one `http` block while it is read and compiled: directives add to it, and
 * `compileHttp` makes of it what is served.
 */
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
  /** All upstreams in the order of the file; a block's name may have taken an address's place in `upstreams`. */
  readonly upstreamDrafts: UpstreamDraft[] = [];
  readonly names: NameToResolve[] = [];
  /** What runs beside requests while the configuration is in use, by names that the next one may use too. */
  readonly background = new Map<string, Background>();

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
    for (const list of [this.servers, this.upstreamDrafts, this.names]) list.length = 0;
  }
}

/** The build that a scope inside an `http` block belongs to: what that block is building. */
export function buildOf(scope: Scope): HttpBuild {
  for (let at: Scope | null = scope; at !== null; at = at.parent)
    if (at.subject instanceof HttpBuild) return at.subject;
  throw new Error("this scope is not inside an http block");
}

/** Compiles a string with variables. */
export function valueOf(scope: Scope, text: string): Value {
  return compileValue(buildOf(scope).variables, text, scope);
}

/** An error that belongs to a place other than the one being read. */
export function failAt(place: { readonly file: string; readonly line: number }, message: string): never {
  throw new ConfigError(message, place.file, place.line);
}
