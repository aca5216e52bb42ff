import type { CommandLine, Remark } from "../config/command-line.ts";
import { createCycle, fullName, readMainFile } from "../config/cycle.ts";
import { COMMAND_LINE, ConfigError, describeAt } from "../config/errors.ts";
import { DiskFiles } from "../config/files.ts";
import type { ConfigFiles } from "../config/files.ts";
import { parseConfig } from "../config/parser.ts";
import { Scope } from "../config/scope.ts";
import type { Cycle } from "../config/scope.ts";
import { compileHttp } from "../gateway/build/compile.ts";
import type { CoreModule, HttpConfiguration } from "../gateway/build/compile.ts";
import type { ErrorLog } from "../gateway/log/error-log.ts";
import type { ProcessState } from "../gateway/build/http-build.ts";
import type { HttpModule } from "../gateway/build/http-module.ts";
import { completeMain } from "../gateway/build/merge.ts";
import type { LogFiles } from "../gateway/log/log-files.ts";
import { SharedRegions } from "../gateway/zones/shared-memory.ts";
import { httpCore } from "../modules/core/http-core.ts";
import { httpModules } from "../modules/index.ts";
import { mainModule } from "../modules/core/main.ts";
import type { MainSettings, Surroundings } from "../modules/core/main.ts";
import { defaultUser } from "../modules/core/user.ts";
import { threadLaunch } from "../gateway/serve/launch.ts";
import type { Launch } from "../gateway/serve/launch.ts";
import type { SystemUser } from "../config/system-users.ts";
import { openFilesLimit } from "./connection-limits.ts";
import type { Network } from "../net/network.ts";
import { TimedPace } from "../net/pace.ts";
import type { Pace } from "../net/pace.ts";

/** A configuration that was read and compiled. */
export interface Configuration {
  readonly main: MainSettings;
  /** Null without an `http` block. */
  readonly http: HttpConfiguration | null;
  /** Absolute path. */
  readonly pidFile: string;
  /** Whom the process is to belong to; null leaves it to whoever started it. */
  readonly user: SystemUser | null;
}

/** What the reading found, also when it failed. */
export interface Reading {
  readonly files: ConfigFiles;
  readonly remarks: Remark[];
  /** All directives were read; what failed, if anything, came after. */
  syntaxOk: boolean;
}

/** What a configuration is read with, and for whom. */
export interface ReadingOptions {
  readonly commandLine: CommandLine;
  readonly network: Network;
  readonly logs: LogFiles;
  /** Gets its sinks from the configuration. */
  readonly mainErrorLog: ErrorLog;
  /** What is shared with other threads; nothing by default. */
  readonly process?: ProcessState;
  /** Finds the addresses of a host name; the network does by default. */
  readonly resolve?: Network["resolve"];
  /** How the process was started; by default by nobody who could change its user. */
  readonly launch?: Launch;
  /** Modules beside the built-in ones; in each phase they come after those. */
  readonly modules?: readonly HttpModule[];
  /** How this thread gives way to its events meanwhile; for tests. */
  readonly pace?: Pace;
}

/** A reading that has found nothing yet; kept by the caller, who wants its remarks even when it fails. */
export function startReading(files: ConfigFiles = new DiskFiles()): Reading {
  return { files, remarks: [], syntaxOk: false };
}

/**
 * Reads the configuration file and compiles what it says.
 * @throws ConfigError for the first thing that is wrong
 */
export async function readConfiguration(reading: Reading, options: ReadingOptions): Promise<Configuration> {
  const { commandLine, network, logs, mainErrorLog } = options;
  const { configFile, prefix } = commandLine;
  const { launch = threadLaunch(false) } = options;
  const { pace = new TimedPace() } = options;
  const modules = [...httpModules, ...(options.modules ?? [])];
  const surroundings: Surroundings = {
    network,
    logs,
    mainErrorLog,
    httpModules: modules,
    process: options.process ?? unshared(),
    launch,
  };
  const cycle = createCycle({
    prefix,
    confDirectory: configFile.slice(0, configFile.lastIndexOf("/") + 1),
    modules: [mainModule, ...modules],
    files: reading.files,
    pace,
    notice: (level, message, file, line) => {
      reading.remarks.push({ level, text: describeAt(message, file, line) });
    },
  });
  const scope = mainScope(cycle, surroundings);
  if (commandLine.globals !== "") await cycle.walk(parseConfig(commandLine.globals, COMMAND_LINE), scope);
  await cycle.walk(await readMainFile(configFile, reading.files, pace), scope);
  completeMain(mainModule, scope.mainSettings, scope);
  const main = scope.mainSettings.get(mainModule) as MainSettings;
  if (!main.eventsSeen) throw new ConfigError('no "events" section in configuration', "", 0);
  const user = main.user ?? defaultUser(launch);
  aimErrorLog(mainErrorLog, main, options, cycle);
  const resolve = options.resolve ?? ((host: string) => network.resolve(host));
  const core = httpCore as CoreModule;
  const http =
    main.http === null ? null : await compileHttp(main.http.build, { core, scope: main.http.scope, resolve });
  reading.syntaxOk = true;
  checkConnections(main, http?.sockets.length ?? 0, reading);
  await http?.build.zones.open(pace);
  http?.build.forgetReading();
  cycle.end();
  return { main, http, pidFile: fullName(main.pid, prefix), user };
}

/** As nginx does when it prepares its events. */
function checkConnections(main: MainSettings, listening: number, reading: Reading): void {
  const { workerConnections: connections, workerRlimitNofile } = main;
  if (connections < listening + 1) {
    const message = `${connections} worker_connections are not enough for ${listening} listening sockets`;
    throw new ConfigError(message, "", 0);
  }
  const openFiles = openFilesLimit();
  if (connections <= openFiles || (workerRlimitNofile !== null && connections <= workerRlimitNofile)) return;
  const limit = workerRlimitNofile ?? openFiles;
  const text = `${connections} worker_connections exceed open file resource limit: ${limit}`;
  reading.remarks.push({ level: "warn", text });
}

function mainScope(cycle: Cycle, surroundings: Surroundings): Scope {
  return new Scope({
    cycle,
    context: "main",
    parent: null,
    mainSettings: new Map(),
    serverSettings: new Map(),
    locationSettings: new Map(),
    subject: surroundings,
  });
}

/** The main error log: of the configuration, else of `-e`, else `logs/error.log`. */
function aimErrorLog(
  log: ErrorLog,
  main: MainSettings,
  { commandLine, logs }: ReadingOptions,
  cycle: Cycle,
): void {
  const { errorLog } = commandLine;
  if (main.errorLogTargets !== null) log.retarget(main.errorLogTargets);
  else if (errorLog === "stderr") log.retarget([{ sink: logs.stderr, level: "error" }]);
  else {
    const path = fullName(errorLog ?? "logs/error.log", cycle.prefix);
    log.retarget([{ sink: logs.open(path), level: "error" }]);
  }
}

function unshared(): ProcessState {
  return { shared: new SharedRegions(), worker: 0, peerRows: null, ticketSecret: null };
}
