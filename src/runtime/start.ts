import { statSync, unlinkSync } from "node:fs";
import type { CommandLine, Remark } from "../config/command-line.ts";
import { ConfigError, describeErrno, describeSystemError } from "../config/errors.ts";
import { ErrorLog } from "../gateway/log/error-log.ts";
import type { LogLevel } from "../gateway/log/error-log.ts";
import { DiskLogFiles } from "../gateway/log/disk-log-files.ts";
import { LogDraft } from "../gateway/log/log-draft.ts";
import type { HttpModule } from "../gateway/build/http-module.ts";
import { endpointKey } from "../gateway/serve/listen-socket.ts";
import { systemNetwork, systemSocketKeeper } from "../net/choose.ts";
import type { SocketKeeper } from "../net/kept-socket.ts";
import type { Network } from "../net/network.ts";
import { goToBackground, isBackground, reportReady, writeToTerminal } from "./background.ts";
import type { ServingReport } from "./background.ts";
import { readConfiguration, startReading } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import { BindError } from "./binding.ts";
import { CommonMemory } from "./common-memory.ts";
import { openFilesLimit } from "./connection-limits.ts";
import { makeGeneration } from "./generation.ts";
import type { Generation } from "./generation.ts";
import { OwnSockets } from "./own-sockets.ts";
import { PidFile } from "./pid-file.ts";
import { giveFolders, lostAbilities } from "./handover.ts";
import { PrivilegeError, Privileges } from "./privileges.ts";
import { ReloadAskers } from "./reload-file.ts";
import { Serving } from "./serving.ts";
import { BinaryUpgrade } from "./upgrade.ts";
import { Inheritance } from "./inheritance.ts";
import { RecordingFiles } from "./snapshot.ts";
import { Supervisor } from "./supervisor.ts";
import { usualPatience } from "./watchdog.ts";
import type { Patience } from "./watchdog.ts";
import { ownWorkerEntry } from "./worker-thread.ts";
import { productName, productVersion } from "../gateway/request/product.ts";

/** What a program that carries longhaul may add. */
export interface RunOptions {
  /** Modules beside the built-in ones. */
  readonly modules?: readonly HttpModule[];
  /** What a worker thread runs: a file that calls `runWorker` with the same modules. */
  readonly workerEntry?: URL;
  /** Told once when it serves, by the process in the foreground. */
  readonly onServing?: (report: ServingReport) => void;
  /** With threads that do not come back; for tests. */
  readonly patience?: Patience;
}

/** Runs until a signal ends it; resolves with the exit code. */
export async function run(commandLine: CommandLine, options: RunOptions = {}): Promise<number> {
  const instance = new Instance(commandLine, options);
  return await instance.run();
}

/** The running process: reads configurations, owns signals and the pid file, and tells the threads. */
class Instance {
  private readonly commandLine: CommandLine;
  private readonly modules: readonly HttpModule[];
  private readonly network: Network;
  private readonly logs: DiskLogFiles;
  private readonly errorLog: ErrorLog;
  private readonly memory = new CommonMemory();
  private readonly privileges = new Privileges();
  private readonly workerEntry: URL;
  private readonly sharesSockets: boolean;
  private readonly keeper: SocketKeeper;
  private readonly serving: Serving;
  private readonly supervisor: Supervisor;
  private readonly upgrade: BinaryUpgrade;
  private readonly onServing: (report: ServingReport) => void;
  private generation: Generation | null = null;
  /** Of the configuration that was read last. */
  private logDraft: LogDraft | null = null;
  private finish: (code: number) => void = () => undefined;
  private stopping = false;
  private hasStarted = false;
  private hasPidFile = false;
  /** What was told since the last reload began: the reasons why it failed, each once. */
  private readonly failures = new Set<string>();
  private reloading: Promise<void> = Promise.resolve();

  constructor(commandLine: CommandLine, options: RunOptions) {
    this.commandLine = commandLine;
    this.modules = options.modules ?? [];
    this.onServing = options.onServing ?? (() => undefined);
    this.network = systemNetwork({
      onInternalError: (error) => this.serving.gateway.reportInternalError(error),
    });
    const { network, memory } = this;
    this.logs = new DiskLogFiles(network.clock, `${commandLine.prefix}logs/`);
    this.errorLog = new ErrorLog([{ sink: this.logs.stderr, level: "notice" }], network.clock);
    this.logs.reportTo(this.errorLog);
    const { logs, errorLog } = this;
    this.serving = new Serving({ network, logs, errorLog, counters: memory.counters });
    const keeper = systemSocketKeeper();
    this.sharesSockets = keeper !== null;
    this.workerEntry = options.workerEntry ?? ownWorkerEntry();
    this.keeper = keeper ?? new OwnSockets();
    const inheritance = new Inheritance();
    this.upgrade = new BinaryUpgrade({
      log: errorLog,
      inheritance,
      environment: () => this.privileges.bequeath(),
      sockets: () => this.supervisor.descriptors(),
      onAlone: () => void this.resume(),
    });
    this.supervisor = new Supervisor({
      inheritance,
      commandLine,
      clock: network.clock,
      log: errorLog,
      memory,
      keeper: this.keeper,
      serving: this.serving,
      workerEntry: this.workerEntry,
      hasThreads: this.sharesSockets,
      patience: options.patience ?? usualPatience,
      onTakeOver: ({ configuration }) => this.privileges.check(configuration.user),
      onBound: (generation, giveSocketsTo) => this.becomeUser(generation, giveSocketsTo),
    });
  }

  async run(): Promise<number> {
    try {
      return await this.serve();
    } finally {
      // What is to be told of a start that failed, too.
      this.logs.flush();
    }
  }

  private async serve(): Promise<number> {
    const generation = await this.read((remark) => this.tell(remark));
    if (generation === null) return 1;
    if (generation.configuration.main.daemon && !isBackground()) {
      return await goToBackground(this.logs.standardErrorFor(this.errorLog.sinks), this.onServing);
    }
    const ended = new Promise<number>((resolve) => {
      this.finish = resolve;
    });
    // Listeners alone keep a process alive on Node, but a configuration may have none.
    const alive = setInterval(() => undefined, 3_600_000);
    const started = this.start(generation);
    // As soon as the port answers, somebody may send a signal.
    this.reloading = started.then(() => undefined);
    this.handleSignals();
    const code = await Promise.race([ended, started.then((ok) => (ok ? ended : 1))]);
    clearInterval(alive);
    return code;
  }

  private async start(generation: Generation): Promise<boolean> {
    const { pidFile } = generation.configuration;
    if (!(await this.apply(generation)) || !(this.hasPidFile || this.writePid(pidFile))) {
      await this.supervisor.stop();
      if (this.hasPidFile) removeFile(pidFile);
      return false;
    }
    this.log("notice", `${productName}/${productVersion}`);
    this.hasStarted = true;
    const addresses =
      generation.configuration.http?.sockets.map(({ endpoint }) => endpointKey(endpoint)) ?? [];
    const report = { pid: process.pid, addresses };
    if (isBackground()) reportReady(report);
    else this.onServing(report);
    return true;
  }

  /** Reads the configuration and tells what it finds; null when it cannot be used. */
  private async read(tell: (remark: Remark) => void): Promise<Generation | null> {
    const { commandLine, network, logs, errorLog: mainErrorLog } = this;
    const files = new RecordingFiles();
    const names = new Map<string, string[]>();
    const memory = this.memory.begin();
    const reading = startReading(files);
    this.logDraft = new LogDraft(mainErrorLog, logs);
    try {
      const configuration = await readConfiguration(reading, {
        commandLine,
        network,
        logs,
        mainErrorLog,
        modules: this.modules,
        launch: this.privileges.launch,
        process: memory,
        resolve: async (host) => {
          const addresses = await network.resolve(host);
          names.set(host, addresses);
          return addresses;
        },
      });
      for (const remark of reading.remarks) tell(remark);
      this.tellOfUnwatched(configuration, tell);
      return makeGeneration(configuration, {
        commandLine,
        files,
        names,
        memory,
        launch: this.privileges.launch,
        workers: this.sharesSockets ? configuration.main.workerProcesses : 1,
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // At the start, the log that the configuration names is told too.
      if (this.generation !== null) this.logDraft.discard();
      for (const remark of reading.remarks) tell(remark);
      tell({ level: "emerg", text: error.describe() });
      if (error.message.includes("Permission denied")) this.tellLostRights();
      return null;
    }
  }

  /** The main thread cannot look after itself. */
  private tellOfUnwatched({ http, main }: Configuration, tell: (remark: Remark) => void): void {
    const say = (text: string): void => tell({ level: "notice", text });
    if (!this.sharesSockets) {
      const workers = main.workerProcesses > 1 ? "one worker only: " : "";
      say(
        `${workers}this runtime cannot share sockets between threads here, so the main thread serves, unwatched`,
      );
      return;
    }
    const own = (http?.sockets ?? []).filter(({ endpoint }) => !this.keeper.crossesThreads(endpoint));
    for (const { endpoint } of own) {
      say(`"${endpointKey(endpoint)}" is served by the main thread on this runtime, unwatched`);
    }
  }

  /** True when all threads serve by it. */
  private async apply(generation: Generation): Promise<boolean> {
    try {
      await this.supervisor.apply(generation, (busy) => this.tellBusy(busy));
    } catch (error) {
      if (!(error instanceof BindError)) {
        this.tell({ level: "emerg", text: error instanceof Error ? error.message : String(error) });
      } else if (error.code === "EADDRINUSE") this.tell({ level: "emerg", text: "still could not bind()" });
      else if (error.code === "EACCES") this.tellLostRights();
      return false;
    }
    // The threads that serve see to theirs by themselves.
    if (this.generation !== null && this.sharesSockets) this.network.giveBackMemory(false);
    this.generation = generation;
    this.logDraft?.adopt();
    const wanted = generation.configuration.main.workerRlimitNofile ?? 0;
    if (wanted > openFilesLimit()) {
      this.log("alert", `setrlimit(RLIMIT_NOFILE, ${wanted}) failed ${describeSystemError("EPERM")}`);
    }
    return true;
  }

  /** Root's part ends here. @throws PrivilegeError */
  private becomeUser({ configuration }: Generation, giveSocketsTo: (uid: number) => void): void {
    const { privileges, logs, commandLine, workerEntry, sharesSockets } = this;
    const { user, http, pidFile } = configuration;
    const givesUp = privileges.givesUp(user);
    if (givesUp) {
      // Later the folder may not be one to write in.
      if (!this.hasStarted) this.writePidFirst(pidFile);
      giveFolders(http?.build.temporaryFolders ?? [], user);
      logs.giveTo(user.uid);
      giveSocketsTo(user.uid);
    }
    privileges.become(user);
    if (!givesUp) return;
    this.log("notice", `the process belongs to user "${user.name}" (${user.uid}:${user.gid}) from now on`);
    const { configFile } = commandLine;
    const lost = lostAbilities(user, { configFile, workerEntry, hasThreads: sharesSockets });
    for (const text of lost) this.log("warn", text);
  }

  private writePidFirst(path: string): void {
    const failure = new PidFile(path, this.commandLine.prefix).write();
    if (failure !== null) throw new PrivilegeError(failure);
    this.hasPidFile = true;
  }

  private tellBusy(busy: BindError): void {
    this.tell({ level: "emerg", text: `${busy.message} ${describeSystemError(busy.code)}` });
  }

  /** What was refused may have been possible when the process began. */
  private tellLostRights(): void {
    const { user } = this.privileges;
    if (user === null) return;
    const text = `the process belongs to user "${user.name}" now: what only root may read or bind needs a restart`;
    this.tell({ level: "emerg", text });
  }

  private writePid(path: string): boolean {
    const failure = new PidFile(path, this.commandLine.prefix).write();
    if (failure !== null) this.tell({ level: "emerg", text: failure });
    return failure === null;
  }

  private handleSignals(): void {
    process.on("SIGTERM", () => void this.stopNow("SIGTERM", 15));
    process.on("SIGINT", () => void this.stopNow("SIGINT", 2));
    process.on("SIGQUIT", () => void this.stopGracefully());
    process.on("SIGWINCH", () => this.retireWorkers());
    process.on("SIGHUP", () => {
      const { generation } = this;
      const askers = generation === null ? null : new ReloadAskers(generation.configuration.pidFile);
      this.reloading = this.reloading.then(async () => {
        const failures = await this.reload();
        askers?.answer(failures);
      });
    });
    process.on("SIGUSR2", () => {
      this.reloading = this.reloading.then(() => this.changeBinary());
    });
    process.on("SIGUSR1", () => {
      this.log("notice", "signal 10 (SIGUSR1) received, reopening logs");
      this.logs.reopen();
      void this.supervisor.reopenLogs();
    });
  }

  private async stopNow(name: string, number: number): Promise<void> {
    this.stopping = true;
    this.log("notice", `signal ${number} (${name}) received, exiting`);
    const areGone = await this.supervisor.stop();
    this.leave();
    // The runtime would wait for a thread that is not in its hands.
    if (!areGone) process.kill(process.pid, "SIGKILL");
  }

  private async stopGracefully(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.log("notice", "signal 3 (SIGQUIT) received, shutting down");
    await this.supervisor.quit(this.shutdownTimeoutMs);
    this.leave();
  }

  /** As nginx does: a terminal that changes its size sends this signal, too. */
  private retireWorkers(): void {
    if (this.stopping || !isBackground()) return;
    this.log("notice", "signal 28 (SIGWINCH) received, gracefully shutting down workers");
    void this.supervisor.retireAll(this.shutdownTimeoutMs);
  }

  private get shutdownTimeoutMs(): number {
    return this.generation?.configuration.main.workerShutdownTimeoutMs ?? 0;
  }

  /** Returns why the configuration is not in use, in the words of the log. */
  private async reload(): Promise<readonly string[]> {
    if (this.stopping) return ["the process is shutting down"];
    this.failures.clear();
    this.log("notice", "signal 1 (SIGHUP) received, reconfiguring");
    this.log("notice", "reconfiguring");
    // As nginx does: the way back, by the configuration that there was.
    if (this.upgrade.isUnderWay) {
      await this.resume();
      return [...this.failures];
    }
    const generation = await this.read((remark) => this.tell(remark));
    if (generation === null) return [...this.failures];
    if (await this.replace(generation)) this.tellReconfigured(generation);
    else this.logDraft?.discard();
    return [...this.failures];
  }

  /** Where nginx tells the ends of its workers: threads go on, so there are none to tell. */
  private tellReconfigured({ workers }: Generation): void {
    const who = workers === 1 ? "1 worker follows" : `${workers} workers follow`;
    this.log("notice", `reconfigured: ${who} the new configuration`);
  }

  /** Takes a configuration over that may name another pid file. */
  private async replace(generation: Generation): Promise<boolean> {
    const before = this.generation?.configuration.pidFile;
    const { pidFile } = generation.configuration;
    if (pidFile === before) return await this.apply(generation);
    if (!this.writePid(pidFile)) return false;
    const isApplied = await this.apply(generation);
    // Two names of one file, such as by a link from /var/run to /run.
    if (before !== undefined && isSameFile(before, pidFile)) return isApplied;
    const leftOver = isApplied ? before : pidFile;
    if (leftOver !== undefined) removeFile(leftOver);
    return isApplied;
  }

  private async changeBinary(): Promise<void> {
    if (this.stopping || this.generation === null) return;
    this.log("notice", "signal 12 (SIGUSR2) received, changing binary");
    await this.upgrade.begin(this.generation.configuration.pidFile);
  }

  /** Accepts again, if it had stopped in favour of another process. */
  private async resume(): Promise<void> {
    if (this.stopping) return;
    try {
      await this.supervisor.resume((busy) => this.tellBusy(busy));
    } catch (error) {
      this.tell({ level: "emerg", text: error instanceof Error ? error.message : String(error) });
    }
  }

  private leave(): void {
    const { generation, upgrade } = this;
    if (generation !== null) this.removePidFile(upgrade.ownPidFile(generation.configuration.pidFile));
    this.log("notice", "exit");
    this.serving.end();
    this.finish(0);
  }

  /** In a folder of root's it stays, if the process is root's no more: the next start writes over it. */
  private removePidFile(path: string): void {
    const failure = removeFile(path);
    if (failure !== null) this.log("alert", `unlink() "${path}" failed ${failure}`);
  }

  private log(level: LogLevel, text: string): void {
    this.errorLog.write(level, text);
  }

  /**
   * At the start, to the terminal; failures go to the error log that the configuration names, too, unless
   * that is the terminal.
   */
  private tell({ level, text }: Remark): void {
    if (!this.hasStarted) writeToTerminal(`${productName}: [${level}] ${text}\n`);
    const isTold = this.errorLog.sinks.includes(this.logs.stderr);
    if (this.hasStarted || (level === "emerg" && !isTold)) this.log(level, text);
    if (level === "emerg") this.failures.add(text);
  }
}

function isSameFile(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => {
    return statSync(Buffer.from(path, "latin1"), { throwIfNoEntry: false });
  });
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

/** Returns why it is there still, or null. */
function removeFile(path: string): string | null {
  try {
    unlinkSync(Buffer.from(path, "latin1"));
    return null;
  } catch (error) {
    // Somebody else has taken it away; that is what was wanted.
    const isGone = error instanceof Error && "code" in error && error.code === "ENOENT";
    return isGone ? null : describeErrno(error);
  }
}
