/**
 * A worker thread: compiles the configurations that the main thread sends, and serves by them.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort, Transferable } from "node:worker_threads";
import { ConfigError } from "../config/errors.ts";
import { PeerRows } from "../gateway/balance/peer-rows.ts";
import { HeldRows, PeerTable } from "../gateway/balance/peer-table.ts";
import type { ConnectionLimits } from "../gateway/serve/connection-limit.ts";
import { Counters } from "../gateway/zones/counters.ts";
import { ErrorLog } from "../gateway/log/error-log.ts";
import { Heartbeat } from "../gateway/zones/heartbeat.ts";
import { threadLaunch } from "../gateway/serve/launch.ts";
import type { HttpModule } from "../gateway/build/http-module.ts";
import { DiskLogFiles } from "../gateway/log/disk-log-files.ts";
import { LogDraft } from "../gateway/log/log-draft.ts";
import { SharedRegions } from "../gateway/zones/shared-memory.ts";
import { systemNetwork } from "../net/choose.ts";
import type { Network } from "../net/network.ts";
import { readConfiguration, startReading } from "./configuration.ts";
import type { Configuration } from "./configuration.ts";
import type { Command, FromWorker, PassedSocket, ToWorker, WorkerStart } from "./messages.ts";
import { Serving } from "./serving.ts";
import { ownThreadId } from "./thread-times.ts";
import { SnapshotFiles } from "./snapshot.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * Serves in this thread until the main thread ends it. `modules` come beside the built-in ones; the main
 * thread must have the same.
 */
export function runWorker(modules: readonly HttpModule[] = []): void {
  if (parentPort === null) throw new Error("this is not a worker thread");
  const worker = new WorkerProgram(parentPort, workerData as WorkerStart, modules);
  worker.run();
}

class WorkerProgram {
  private readonly port: MessagePort;
  private readonly start: WorkerStart;
  private readonly modules: readonly HttpModule[];
  private readonly network: Network;
  private readonly logs: DiskLogFiles;
  private readonly errorLog: ErrorLog;
  private readonly peers: PeerTable;
  private readonly serving: Serving;
  private prepared: Configuration | null = null;
  private logDraft: LogDraft | null = null;
  private commands: Promise<void> = Promise.resolve();
  private readonly gathering = new Map<number, () => void>();
  private gatherings = 0;
  private leaving = false;
  /** How often it was told to leave or to stay: the last word holds. */
  private orders = 0;

  constructor(port: MessagePort, start: WorkerStart, modules: readonly HttpModule[]) {
    this.port = port;
    this.start = start;
    this.modules = modules;
    const { commandLine, memory } = start;
    this.network = systemNetwork({ onInternalError: (error) => this.gateway.reportInternalError(error) });
    const { clock } = this.network;
    this.logs = new DiskLogFiles(clock, `${commandLine.prefix}logs/`);
    this.errorLog = new ErrorLog([{ sink: this.logs.stderr, level: "notice" }], clock);
    this.logs.reportTo(this.errorLog);
    this.peers = new PeerTable(PeerRows.capacity, memory.peers);
    this.peers.held = new HeldRows(PeerRows.capacity, memory.held);
    const counters = new Counters(memory.counters, memory.worker);
    const heartbeat = new Heartbeat(memory.heartbeat);
    const { network, logs, errorLog } = this;
    this.serving = new Serving({ network, logs, errorLog, counters, heartbeat });
    this.gateway.gatherCounts = () => this.gather();
  }

  private get gateway(): Serving["gateway"] {
    return this.serving.gateway;
  }

  run(): void {
    this.gateway.heartbeat.systemId = ownThreadId();
    this.beat();
    process.on("uncaughtException", (error) => this.die(error));
    process.on("unhandledRejection", (reason) => this.die(reason));
    this.port.on("message", (message: ToWorker) => {
      if (message.kind === "gathered") this.gathered(message.id);
      else this.commands = this.commands.then(() => this.answer(message.id, message.command));
    });
  }

  private beat(): void {
    this.gateway.heartbeat.beat();
    this.network.clock.timer(this.start.beatMs, () => this.beat());
  }

  private async answer(id: number, command: Command): Promise<void> {
    try {
      const sockets = await this.obey(command);
      this.send({ kind: "done", id, sockets }, handlesOf(sockets));
    } catch (error) {
      this.send({ kind: "failed", id, reason: reasonOf(error) });
    }
  }

  /** Returns sockets that go back to the main thread. */
  private async obey(command: Command): Promise<readonly PassedSocket[]> {
    switch (command.kind) {
      case "prepare":
        await this.prepare(command.snapshot);
        return [];
      case "discard":
        this.prepared = null;
        this.logDraft?.discard();
        this.logDraft = null;
        return [];
      case "commit":
        return await this.commit(command.limits);
      case "accept":
        await this.serving.accept(command.sockets);
        return [];
      case "release":
        return this.serving.release(command.names);
      case "publish":
        this.gateway.publishCounts();
        return [];
      case "reopen":
        this.logs.reopen();
        return [];
      case "recall":
        this.orders += 1;
        this.leaving = false;
        this.gateway.accepts = true;
        return [];
      default:
        this.leave(command);
        return [];
    }
  }

  private async prepare(snapshot: Snapshot): Promise<void> {
    const reading = startReading(new SnapshotFiles(snapshot.files));
    this.logDraft = new LogDraft(this.errorLog, this.logs);
    const { ticketSecret } = snapshot;
    this.prepared = await readConfiguration(reading, {
      commandLine: snapshot.commandLine,
      network: this.network,
      logs: this.logs,
      mainErrorLog: this.errorLog,
      modules: this.modules,
      launch: threadLaunch(snapshot.byRoot),
      resolve: async (host) => [...(snapshot.names.get(host) ?? [])],
      process: {
        shared: new SharedRegions(snapshot.regions),
        worker: this.start.memory.worker,
        peerRows: new PeerRows(this.peers, snapshot.peerRows, false),
        ticketSecret: ticketSecret === null ? null : Buffer.from(ticketSecret),
      },
    });
  }

  private async commit(limits: ConnectionLimits): Promise<PassedSocket[]> {
    const { prepared } = this;
    if (prepared === null) throw new Error("nothing is prepared");
    this.prepared = null;
    this.logDraft?.adopt();
    this.logDraft = null;
    return await this.serving.commit(prepared, limits);
  }

  /** The answer is that the thread ends; others may be given to it before that. */
  private leave(command: Command & { kind: "retire" | "quit" | "stop" }): void {
    if (command.kind === "quit") this.errorLog.write("notice", "gracefully shutting down");
    const ended =
      command.kind === "retire"
        ? this.gateway.standDown()
        : command.kind === "quit"
          ? this.serving.quit(command.timeoutMs, command.hasSuccessor)
          : this.serving.stop();
    if (this.leaving && command.kind === "retire") return;
    this.leaving = true;
    this.orders += 1;
    const order = this.orders;
    void ended.then(() => {
      if (order !== this.orders) return;
      this.errorLog.write("notice", "exiting");
      this.errorLog.write("notice", "exit");
      this.serving.end();
      process.exit(0);
    });
  }

  /**
   * An exception that nobody caught leaves this thread in a state that nobody knows: it ends, with its
   * connections. What waits to be accepted goes to another one.
   */
  private die(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.errorLog.write("alert", `uncaught exception in worker thread: ${detail}`);
    const sockets = this.serving.release();
    this.send({ kind: "dying", sockets }, handlesOf(sockets));
    this.serving.end();
    process.exit(1);
  }

  private gather(): Promise<void> {
    this.gatherings += 1;
    const id = this.gatherings;
    this.send({ kind: "gather", id });
    return new Promise((resolve) => this.gathering.set(id, resolve));
  }

  private gathered(id: number): void {
    this.gathering.get(id)?.();
    this.gathering.delete(id);
  }

  private send(message: FromWorker, transfer: object[] = []): void {
    this.port.postMessage(message, transfer as Transferable[]);
  }
}

/** What must go along with a message as it is. */
function handlesOf(sockets: readonly PassedSocket[]): object[] {
  return sockets.flatMap(({ handle }) => (typeof handle === "object" && handle !== null ? [handle] : []));
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError) return error.describe();
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
