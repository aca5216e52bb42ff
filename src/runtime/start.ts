import { mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CheckResult, CommandLine, Remark } from "../config/command-line.ts";
import { ConfigError, describeErrno, describeSystemError } from "../config/errors.ts";
import { ErrorLog } from "../gateway/error-log.ts";
import { Gateway } from "../gateway/gateway.ts";
import { removedServers } from "../gateway/upstream/removed-servers.ts";
import { DiskLogFiles } from "../gateway/log-file.ts";
import { systemNetwork } from "../net/choose.ts";
import type { Network } from "../net/network.ts";
import { goToBackground, isBackground, reportReady } from "./background.ts";
import { readConfiguration, startReading } from "./configuration.ts";
import type { Configuration, Reading } from "./configuration.ts";
import { connectionLimits } from "./connection-limits.ts";
import { BindError, Listeners } from "./listeners.ts";
import { productName, productVersion } from "../gateway/product.ts";

/** Reads and compiles the configuration; binds nothing. */
export async function checkConfiguration(commandLine: CommandLine): Promise<CheckResult> {
  const network = systemNetwork();
  const logs = new DiskLogFiles(network.clock, `${commandLine.prefix}logs/`);
  const mainErrorLog = new ErrorLog([], network.clock);
  const reading = startReading();
  try {
    const { pidFile } = await readConfiguration(reading, { commandLine, network, logs, mainErrorLog });
    return result(reading, true, pidFile);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    reading.remarks.push({ level: "emerg", text: error.describe() });
    return result(reading, false, "");
  }
}

function result(reading: Reading, ok: boolean, pidFile: string): CheckResult {
  const { syntaxOk, remarks, files } = reading;
  return { ok, syntaxOk, remarks, sources: files.sources, pidFile };
}

/** Runs until a signal ends it; resolves with the exit code. */
export async function run(commandLine: CommandLine): Promise<number> {
  const instance = new Instance(commandLine);
  return await instance.run();
}

/** The running process: configuration, gateway, listeners, signals. */
class Instance {
  private readonly commandLine: CommandLine;
  private readonly network: Network;
  private readonly logs: DiskLogFiles;
  private readonly errorLog: ErrorLog;
  private readonly gateway: Gateway;
  private readonly listeners: Listeners;
  private configuration: Configuration | null = null;
  private finish: (code: number) => void = () => undefined;
  private stopping = false;
  private reloading: Promise<void> = Promise.resolve();

  constructor(commandLine: CommandLine) {
    this.commandLine = commandLine;
    this.network = systemNetwork({ onInternalError: (error) => this.gateway.reportInternalError(error) });
    const { clock } = this.network;
    this.logs = new DiskLogFiles(clock, `${commandLine.prefix}logs/`);
    this.errorLog = new ErrorLog([{ sink: this.logs.stderr, level: "notice" }], clock);
    this.gateway = new Gateway(this.network, this.errorLog);
    this.listeners = new Listeners(this.gateway);
  }

  async run(): Promise<number> {
    const configuration = await this.read((remark) => this.tell(remark));
    if (configuration === null) return 1;
    if (configuration.main.daemon && !isBackground()) return await goToBackground();
    if (!(await this.bind(configuration))) return 1;
    if (!this.writePid(configuration.pidFile)) return 1;
    this.configuration = configuration;
    this.applyLimits(configuration);
    this.log("notice", `${productName}/${productVersion}`);
    const ended = new Promise<number>((resolve) => {
      this.finish = resolve;
    });
    // Listeners alone keep a process alive on Node, but a configuration may have none.
    const alive = setInterval(() => undefined, 3_600_000);
    this.handleSignals();
    reportReady();
    const code = await ended;
    clearInterval(alive);
    return code;
  }

  private async read(tell: (remark: Remark) => void): Promise<Configuration | null> {
    const { commandLine, network, logs, errorLog: mainErrorLog } = this;
    const reading = startReading();
    try {
      const configuration = await readConfiguration(reading, { commandLine, network, logs, mainErrorLog });
      for (const remark of reading.remarks) tell(remark);
      return configuration;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      for (const remark of reading.remarks) tell(remark);
      tell({ level: "emerg", text: error.describe() });
      return null;
    }
  }

  private async bind(configuration: Configuration): Promise<boolean> {
    try {
      await this.listeners.apply(configuration.http?.sockets ?? [], (busy) => {
        this.tell({ level: "emerg", text: `${busy.message} ${describeSystemError(busy.code)}` });
      });
      return true;
    } catch (error) {
      if (!(error instanceof BindError)) throw error;
      if (error.code === "EADDRINUSE") this.tell({ level: "emerg", text: "still could not bind()" });
      return false;
    }
  }

  private writePid(path: string): boolean {
    const file = Buffer.from(path, "latin1").toString();
    try {
      if (path === `${this.commandLine.prefix}logs/nginx.pid`) mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${process.pid}\n`);
      return true;
    } catch (error) {
      this.tell({ level: "emerg", text: `open() "${path}" failed ${describeErrno(error)}` });
      return false;
    }
  }

  private handleSignals(): void {
    process.on("SIGTERM", () => this.stopNow("SIGTERM", 15));
    process.on("SIGINT", () => this.stopNow("SIGINT", 2));
    process.on("SIGQUIT", () => void this.stopGracefully());
    process.on("SIGHUP", () => {
      this.reloading = this.reloading.then(() => this.reload());
    });
    process.on("SIGUSR1", () => {
      this.log("notice", "signal 10 (SIGUSR1) received, reopening logs");
      this.logs.reopen();
    });
  }

  private stopNow(name: string, number: number): void {
    this.log("notice", `signal ${number} (${name}) received, exiting`);
    this.gateway.stopNow();
    void this.leave();
  }

  private async stopGracefully(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.log("notice", "signal 3 (SIGQUIT) received, shutting down");
    const { configuration } = this;
    const timeoutMs = configuration?.main.workerShutdownTimeoutMs ?? 0;
    await this.listeners.stop();
    await this.gateway.stopGracefully(timeoutMs);
    await this.leave();
  }

  private async reload(): Promise<void> {
    if (this.stopping) return;
    this.log("notice", "signal 1 (SIGHUP) received, reconfiguring");
    const configuration = await this.read((remark) => this.log(remark.level, remark.text));
    if (configuration === null || !(await this.bind(configuration))) return;
    const before = this.configuration?.http?.build;
    this.configuration = configuration;
    this.applyLimits(configuration);
    this.gateway.drainServers(removedServers(before, configuration.http?.build));
    for (const draft of before?.upstreams.values() ?? []) draft.upstream?.pool?.close();
  }

  private applyLimits(configuration: Configuration): void {
    const limits = connectionLimits(configuration, this.network.openSockets);
    this.gateway.limit.apply(limits);
    const wanted = configuration.main.workerRlimitNofile ?? 0;
    if (wanted > limits.openFiles)
      this.errorLog.write(
        "alert",
        `setrlimit(RLIMIT_NOFILE, ${wanted}) failed ${describeSystemError("EPERM")}`,
      );
  }

  private async leave(): Promise<void> {
    await this.listeners.stop();
    const { configuration } = this;
    if (configuration !== null) removeFile(configuration.pidFile);
    this.log("notice", "exit");
    this.logs.flush();
    this.finish(0);
  }

  private log(level: Remark["level"], text: string): void {
    this.errorLog.write(level, text);
  }

  /** To the terminal, and to the error log that the configuration names (or would have named). */
  private tell({ level, text }: Remark): void {
    process.stderr.write(`${productName}: [${level}] ${text}\n`);
    if (level === "emerg") this.log(level, text);
  }
}

function removeFile(path: string): void {
  try {
    unlinkSync(Buffer.from(path, "latin1"));
  } catch {
    // Somebody else has taken it away; that is what was wanted.
  }
}
