/**
 * The directives outside all blocks that longhaul acts on, and the `events` and `http` blocks.
 * https://nginx.org/en/docs/ngx_core_module.html
 */
import { availableParallelism } from "node:os";
import type { DirectiveSpec, Level, Module } from "../../config/module.ts";
import { Scope } from "../../config/scope.ts";
import type { SystemUser } from "../../config/system-users.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseNumber } from "../../config/values.ts";
import { HttpBuild } from "../../gateway/build/http-build.ts";
import type { ProcessState } from "../../gateway/build/http-build.ts";
import type { Launch } from "../../gateway/serve/launch.ts";
import type { LogFiles } from "../../gateway/log/log-files.ts";
import type { ErrorLog } from "../../gateway/log/error-log.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Network } from "../../net/network.ts";
import { readCoreLimit } from "./core-file.ts";
import { loadModule } from "./load-module.ts";
import { readErrorLog } from "./error-log.ts";
import type { ErrorLogTarget } from "./error-log.ts";
import { readUser } from "./user.ts";

/** More threads than cores that a machine has help nobody; the tables that they share have this many rows. */
export const workersMax = 256;

/** What the process as a whole is told. */
export interface MainSettings {
  daemon: boolean;
  /** Number of worker threads. */
  workerProcesses: number;
  pid: string;
  /** Bytes; of a core file. */
  workerRlimitCore: number | null;
  /** As `user` says; null without the directive, and where the process does not follow it. */
  user: SystemUser | null;
  errorLogTargets: readonly ErrorLogTarget[] | null;
  workerShutdownTimeoutMs: number;
  /** Connections of one worker, to clients and to servers. */
  workerConnections: number;
  /** Null: the limit that the process was started with. */
  workerRlimitNofile: number | null;
  eventsSeen: boolean;
  /** The `http` block, read but not compiled yet. */
  http: { readonly build: HttpBuild; readonly scope: Scope } | null;
}

const level: Level<MainSettings> = {
  defaults: () => ({
    daemon: true,
    workerProcesses: 1,
    pid: "logs/nginx.pid",
    workerRlimitCore: null,
    user: null,
    errorLogTargets: null,
    workerShutdownTimeoutMs: 0,
    workerConnections: 512,
    workerRlimitNofile: null,
    eventsSeen: false,
    http: null,
  }),
};

const main = slots<MainSettings>((scope) => scope.main(mainModule));

const setDaemon = main.flag("daemon");
const setProcesses = main.custom("workerProcesses", readProcesses);
const setPid = main.string("pid");

/** What the blocks need of the process; known to the scope of the main file. */
export interface Surroundings {
  readonly network: Network;
  readonly logs: LogFiles;
  readonly mainErrorLog: ErrorLog;
  readonly httpModules: readonly HttpModule[];
  readonly process: ProcessState;
  readonly launch: Launch;
}

const directives: readonly DirectiveSpec[] = [
  {
    name: "daemon",
    contexts: ["main"],
    args: "flag",
    default: "on",
    doc: "Whether the process goes to the background.",
    set(scope, directive) {
      setDaemon(scope, directive);
      if (scope.main(mainModule).daemon === true) tellEmbedded(scope, directive, "it has no background");
    },
  },
  {
    name: "worker_processes",
    contexts: ["main"],
    args: "1",
    default: "1",
    doc: "Number of worker threads, or `auto` for one per core.",
    set(scope, directive) {
      setProcesses(scope, directive);
      if (scope.main(mainModule).workerProcesses === 1) return;
      tellEmbedded(scope, directive, "it serves in the thread that started it");
    },
  },
  {
    name: "pid",
    contexts: ["main"],
    args: "1",
    default: "logs/nginx.pid",
    doc: "File that holds the process id.",
    set(scope, directive) {
      setPid(scope, directive);
      tellEmbedded(scope, directive, "no signals are sent to it");
    },
  },
  {
    name: "user",
    contexts: ["main"],
    args: "1,2",
    default: "nobody nobody",
    doc: "User and group of the process, when root starts it: from the moment on that it serves.",
    set: userDirective,
  },
  {
    name: "worker_rlimit_core",
    contexts: ["main"],
    args: "1",
    default: null,
    doc: "A limit above 0 has no effect; 0 is refused where the process was not started with it.",
    hasNoEffect: true,
    set: main.custom("workerRlimitCore", (directive, scope) => readCoreLimit(scope, directive)),
  },
  {
    name: "load_module",
    contexts: ["main"],
    args: "1",
    default: null,
    hasNoEffect: true,
    doc: "Accepted with a notice for nginx's own dynamic modules; refused for any other.",
    set(scope, directive) {
      const { eventsSeen, http } = scope.main(mainModule);
      loadModule(scope, directive, eventsSeen === true || (http ?? null) !== null);
    },
  },
  {
    name: "error_log",
    contexts: ["main"],
    args: "1+",
    default: "logs/error.log error",
    doc: "File and level of the error log.",
    set: main.list<ErrorLogTarget, "errorLogTargets">("errorLogTargets", (directive, scope) =>
      readErrorLog(scope, directive, surroundingsOf(scope).logs),
    ),
  },
  {
    name: "worker_shutdown_timeout",
    contexts: ["main"],
    args: "1",
    default: null,
    doc: "How long a graceful stop waits for connections.",
    set: main.custom("workerShutdownTimeoutMs", ({ args }, scope) => {
      return parseMilliseconds(args[0]!) ?? scope.fail('"worker_shutdown_timeout" directive invalid value');
    }),
  },
  {
    name: "worker_rlimit_nofile",
    contexts: ["main"],
    args: "1",
    default: null,
    doc: "Limit of open files that connections are kept below; it cannot be raised from inside.",
    set: main.custom("workerRlimitNofile", (directive, scope) => {
      return parseNumber(directive.args[0]!) ?? refuse(scope, directive, "invalid number");
    }),
  },
  {
    name: "worker_connections",
    contexts: ["events"],
    args: "1",
    default: "512",
    doc: "Most connections of a worker, to clients and to servers.",
    set: main.custom("workerConnections", ({ args }, scope) => {
      return parseNumber(args[0]!) ?? scope.fail(`invalid number "${args[0]}"`);
    }),
  },
  {
    name: "events",
    contexts: ["main"],
    args: "0",
    block: true,
    default: null,
    doc: "Settings of connection processing.",
    set: eventsBlock,
  },
  {
    name: "http",
    contexts: ["main"],
    args: "0",
    block: true,
    default: null,
    doc: "Holds the HTTP servers.",
    set: httpBlock,
  },
];

/** The one module outside `http`. https://nginx.org/en/docs/ngx_core_module.html */
export const mainModule: Module<MainSettings> = { name: "ngx_core_module", directives, main: level };

function readProcesses(directive: Directive, scope: Scope): number {
  const [text = ""] = directive.args;
  if (text === "auto") return Math.min(availableParallelism(), workersMax);
  const count = parseNumber(text);
  if (count === null) return refuse(scope, directive, "invalid value");
  return Math.min(Math.max(count, 1), workersMax);
}

/** The process is somebody else's. */
function tellEmbedded(scope: Scope, { name }: Directive, reason: string): void {
  if (!surroundingsOf(scope).launch.isEmbedded) return;
  scope.notice(`the "${name}" directive has no effect in an embedded gateway: ${reason}`);
}

/** As in nginx, one that is ignored may stand there twice. */
function userDirective(scope: Scope, directive: Directive): void {
  const settings = scope.main(mainModule);
  if ((settings.user ?? null) !== null) refuse(scope, directive, "is duplicate");
  settings.user = readUser(directive, scope, surroundingsOf(scope).launch);
}

function surroundingsOf(scope: Scope): Surroundings {
  return scope.subject as Surroundings;
}

async function eventsBlock(scope: Scope, directive: Directive): Promise<void> {
  const settings = scope.main(mainModule);
  if (settings.eventsSeen === true) scope.fail('"events" directive is duplicate');
  settings.eventsSeen = true;
  await scope.cycle.walk(directive.block!, new Scope({ ...inherited(scope), context: "events" }));
}

async function httpBlock(scope: Scope, directive: Directive): Promise<void> {
  const settings = scope.main(mainModule);
  if (settings.http !== undefined) scope.fail('"http" directive is duplicate');
  const { network, logs, mainErrorLog, httpModules, process, launch } = surroundingsOf(scope);
  const files = (path: string): Buffer => {
    const { confDirectory } = scope.cycle;
    return scope.cycle.readFile(path.startsWith("/") ? path : confDirectory + path);
  };
  const build = new HttpBuild({ network, logs, mainErrorLog, modules: httpModules, process, launch, files });
  const inner = new Scope({
    ...inherited(scope),
    context: "http",
    mainSettings: new Map(),
    serverSettings: new Map(),
    locationSettings: new Map(),
    subject: build,
  });
  settings.http = { build, scope: inner };
  await scope.cycle.walk(directive.block!, inner);
}

function inherited(scope: Scope): ConstructorParameters<typeof Scope>[0] {
  return {
    cycle: scope.cycle,
    context: scope.context,
    parent: scope,
    mainSettings: scope.mainSettings,
    serverSettings: scope.serverSettings,
    locationSettings: scope.locationSettings,
  };
}
