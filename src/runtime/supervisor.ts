import type { CommandLine } from "../config/command-line.ts";
import type { ConnectionLimits } from "../gateway/serve/connection-limit.ts";
import type { ErrorLog } from "../gateway/log/error-log.ts";
import type { Clock, Timer } from "../net/clock.ts";
import type { SocketKeeper } from "../net/kept-socket.ts";
import { pause } from "./binding.ts";
import type { BindError } from "./binding.ts";
import type { CommonMemory } from "./common-memory.ts";
import { connectionLimits } from "./connection-limits.ts";
import type { Generation } from "./generation.ts";
import type { Inheritance } from "./inheritance.ts";
import type { PassedSocket } from "./messages.ts";
import type { Serving } from "./serving.ts";
import { SocketPool } from "./socket-pool.ts";
import type { Borrower } from "./socket-pool.ts";
import { Watchdog } from "./watchdog.ts";
import type { Patience } from "./watchdog.ts";
import { CommandError, WorkerThread } from "./worker-thread.ts";

/** A thread that dies before it serves is not started again at once, lest the process do nothing else. */
const respawnPauseMs = 1000;

/** Whoever stops a process does not wait for threads that do not hear it: together less than 2 s. */
const stopMs = 1200;
const endMs = 300;

/** Counts are of the moment; a thread that does not tell its own is left out. */
const gatherMs = 3000;

/** What a supervisor is made from. */
export interface SupervisorInit {
  readonly commandLine: CommandLine;
  readonly clock: Clock;
  readonly log: ErrorLog;
  readonly memory: CommonMemory;
  readonly keeper: SocketKeeper;
  /** The main thread's own part. */
  readonly serving: Serving;
  readonly workerEntry: URL;
  readonly inheritance: Inheritance;
  /** A configuration is about to be taken over. What it throws forbids that. */
  readonly onTakeOver: (generation: Generation) => void;
  /** All is bound and opened, and nobody is served by it yet. What it throws undoes the take-over. */
  readonly onBound: (generation: Generation, giveTo: (uid: number) => void) => void;
  /** False where the main thread must serve itself, because it cannot share its sockets. */
  readonly hasThreads: boolean;
  readonly patience: Patience;
}

/** Whoever accepts: the main thread's own gateway, or a worker thread. */
type Acceptor = Serving | WorkerThread;

/**
 * Holds the gateways of all threads to one configuration, and the listening sockets that they share. The
 * main thread serves only what it cannot share, so that it hears signals whatever the others do.
 */
export class Supervisor {
  private readonly init: SupervisorInit;
  private readonly sockets: SocketPool<Acceptor>;
  /** Those that accept, in the order of the sockets' slots. */
  private threads: WorkerThread[] = [];
  /** All that have not ended. */
  private readonly alive = new Set<WorkerThread>();
  private generation: Generation | null = null;
  private tasks: Promise<unknown> = Promise.resolve();
  private stopping = false;
  private retired = false;
  private hasServed = false;
  private readonly watchdog: Watchdog;

  constructor(init: SupervisorInit) {
    this.init = init;
    this.sockets = new SocketPool(init.keeper, init.clock, init.inheritance);
    const { clock, log, patience } = init;
    this.watchdog = new Watchdog({ clock, log, patience, threads: this.alive });
    init.serving.gateway.gatherCounts = () => this.gather();
  }

  /**
   * Takes a configuration over, in all threads or in none. `onBusy` is told each failed attempt to bind.
   * @throws BindError, or Error with the reason why a thread could not follow
   */
  async apply(generation: Generation, onBusy: (error: BindError) => void): Promise<void> {
    await this.inTurn(() => this.takeOver(generation, onBusy));
  }

  /** Lets all connections end. Resolves when they have. */
  async quit(timeoutMs: number): Promise<void> {
    this.stopping = true;
    await this.inTurn(async () => {
      const hasSuccessor = this.init.inheritance.isShared();
      const ended = [
        this.endThreads({ kind: "quit", timeoutMs, hasSuccessor }),
        this.init.serving.quit(timeoutMs, hasSuccessor),
      ];
      this.sockets.close();
      await Promise.all(ended);
    });
  }

  /** Drops everything, whatever the threads do. False when one is left that nothing can end. */
  async stop(): Promise<boolean> {
    const { clock, serving, log } = this.init;
    this.stopping = true;
    const ended = Promise.all([this.endThreads({ kind: "stop" }), serving.stop()]);
    await atMost(clock, stopMs, ended);
    for (const thread of this.alive) {
      log.write("alert", `worker thread ${thread.id} does not stop and is ended`);
      thread.end();
    }
    if (this.alive.size > 0) await atMost(clock, endMs, ended);
    this.sockets.close();
    return this.alive.size === 0;
  }

  /**
   * Ends the workers as `quit` does; the process stays, and `apply` or `resume` starts others. Sockets that
   * another process has inherited stay open.
   */
  async retireAll(timeoutMs: number): Promise<void> {
    await this.inTurn(async () => {
      const { hasSuccessor } = this.init.inheritance;
      if (hasSuccessor) await this.sockets.shelve(borrower);
      this.retired = true;
      for (const thread of this.threads.splice(0))
        this.dismiss(thread, { kind: "quit", timeoutMs, hasSuccessor });
      void this.init.serving.quit(timeoutMs, hasSuccessor);
      if (!hasSuccessor) this.sockets.close();
    });
  }

  /** Serves again after `retireAll`, by the configuration that there was. @throws as `apply` */
  async resume(onBusy: (error: BindError) => void): Promise<void> {
    await this.inTurn(async () => {
      if (this.retired && this.generation !== null) await this.takeOver(this.generation, onBusy);
    });
  }

  /** All listening sockets by endpoint, for a process to inherit; null where that cannot be. */
  async descriptors(): Promise<Map<string, number[]> | null> {
    let all: Map<string, number[]> | null = null;
    await this.inTurn(async () => {
      all = this.sockets.descriptors();
    });
    return all;
  }

  /** Has all worker threads open their log files anew; resolves when they have. */
  async reopenLogs(): Promise<void> {
    await Promise.all([...this.alive].map((thread) => thread.tell({ kind: "reopen" })));
  }

  private async takeOver(generation: Generation, onBusy: (error: BindError) => void): Promise<void> {
    this.init.onTakeOver(generation);
    const { configuration, workers: count } = generation;
    const plans = configuration.http?.sockets ?? [];
    const threadCount = this.init.hasThreads ? count : 0;
    const recalled = await this.recall(threadCount - this.threads.length);
    const fresh: WorkerThread[] = [];
    let undo = (): void => undefined;
    try {
      while (this.threads.length + recalled.length + fresh.length < threadCount)
        fresh.push(this.startThread());
      await Promise.all([...this.alive].map((thread) => prepare(thread, generation)));
      undo = await this.sockets.open(plans, count, onBusy);
      if (this.init.keeper.bindsAhead) this.bound(generation);
    } catch (error) {
      for (const thread of fresh) this.dismiss(thread, { kind: "stop" });
      for (const thread of this.alive) if (!fresh.includes(thread)) void thread.tell({ kind: "discard" });
      for (const thread of recalled) this.dismiss(thread, { kind: "retire" });
      undo();
      throw error;
    }
    this.retired = false;
    const leaving = this.threads.slice(threadCount);
    this.threads = [...this.threads.slice(0, threadCount), ...recalled, ...fresh];
    await this.commit(generation);
    await this.bindAndServe(generation);
    for (const thread of leaving) this.dismiss(thread, { kind: "retire" });
    this.replaceDead();
  }

  /** Where sockets are bound only now, nobody is served before the process belongs to its user. */
  private async bindAndServe(generation: Generation): Promise<void> {
    const { keeper, serving } = this.init;
    if (keeper.bindsAhead) return await this.distribute();
    serving.gateway.admits = this.hasServed;
    await this.distribute();
    this.bound(generation);
    serving.gateway.admits = true;
    this.hasServed = true;
  }

  private bound(generation: Generation): void {
    const plans = generation.configuration.http?.sockets ?? [];
    this.init.onBound(generation, (uid) => this.sockets.giveTo(uid, plans));
  }

  private async commit(generation: Generation): Promise<void> {
    const { memory, serving } = this.init;
    this.generation = generation;
    memory.adopt(generation.memory);
    const limits = await this.limitsOf(generation);
    this.sockets.takeBack(await serving.commit(generation.configuration, limits));
    const released = await Promise.all([...this.alive].map((thread) => commit(thread, limits)));
    for (const sockets of released) this.sockets.takeBack(sockets);
    this.sockets.keepOnly(generation.configuration.http?.sockets ?? []);
  }

  private async distribute(): Promise<void> {
    const { serving } = this.init;
    const servers: readonly Acceptor[] = this.threads.length > 0 ? this.threads : [serving];
    await this.sockets.distribute(servers, serving, borrower);
    if (this.threads.length > 0 && serving.listeners.names.length === 0) void serving.gateway.standDown();
  }

  /**
   * Has threads that wait for their tunnels' end serve again, up to so many: each thread more costs
   * some 20 MB, and tunnels may last for weeks.
   */
  private async recall(count: number): Promise<WorkerThread[]> {
    const recalled: WorkerThread[] = [];
    for (const thread of this.alive) {
      if (recalled.length >= count) break;
      if (!thread.retiring || isGone(thread) || !(await stays(thread))) continue;
      thread.retiring = false;
      thread.leaving = false;
      this.init.log.write("notice", `worker thread ${thread.id} serves again`);
      recalled.push(thread);
    }
    return recalled;
  }

  private startThread(): WorkerThread {
    const { workerEntry, commandLine, memory, log, patience } = this.init;
    const own = memory.admit();
    const thread = new WorkerThread(
      workerEntry,
      { commandLine, memory: own, beatMs: patience.beatMs },
      {
        onGather: () => this.gather(),
        onDying: (dying, sockets) => this.handOn(dying, sockets),
        onExit: (ended, code, error) => this.bury(ended, code, error),
      },
    );
    log.write("notice", `start worker thread ${thread.id}`);
    this.alive.add(thread);
    this.watchdog.start();
    return thread;
  }

  /** Tells a thread to end, which it may do much later. */
  private dismiss(thread: WorkerThread, command: Parameters<WorkerThread["tell"]>[0]): void {
    thread.leaving = true;
    thread.retiring = command.kind === "retire";
    void thread.tell(command);
  }

  private async endThreads(command: Parameters<WorkerThread["tell"]>[0]): Promise<void> {
    const threads = [...this.alive];
    this.threads = [];
    for (const thread of threads) this.dismiss(thread, command);
    await Promise.all(threads.map((thread) => thread.whenEnded));
  }

  private bury(thread: WorkerThread, code: number, error: Error | null): void {
    const { log, memory } = this.init;
    this.alive.delete(thread);
    if (this.alive.size === 0) this.watchdog.stop();
    memory.dismiss(thread.memory);
    this.generation?.configuration.http?.build.zones.release(thread.memory.worker);
    const expected = thread.leaving && code === 0;
    log.write(
      expected ? "notice" : "alert",
      `worker thread ${thread.id} exited with code ${code}${error === null ? "" : `: ${error.message}`}`,
    );
    this.replaceDead();
  }

  private handOn(dying: WorkerThread, sockets: readonly PassedSocket[]): void {
    void this.sockets.handOn(sockets, null, borrower);
    const other = this.threads.find((thread) => thread !== dying && !isGone(thread));
    if (other !== undefined) void this.handOnTo(other);
  }

  /** What is on the way to a thread that dies of the same would be lost: so it must answer first. */
  private async handOnTo(other: WorkerThread): Promise<void> {
    await other.tell({ kind: "publish" });
    if (!isGone(other) && !this.stopping) await this.sockets.handOn([], other, borrower);
  }

  private replaceDead(): void {
    if (this.stopping) return;
    for (const thread of this.threads) if (thread.ended) void this.inTurn(() => this.replace(thread));
  }

  /** Starts a thread in the place of one that has died. */
  private async replace(dead: WorkerThread): Promise<void> {
    const { generation } = this;
    const { clock, log } = this.init;
    while (!this.stopping && generation !== null) {
      const place = this.threads.indexOf(dead);
      // A reload may have needed fewer meanwhile.
      if (place < 0) return;
      const fresh = this.startThread();
      try {
        await prepare(fresh, generation);
        await commit(fresh, await this.limitsOf(generation));
        this.threads[place] = fresh;
        this.sockets.replaceLost(dead, generation.configuration.http?.sockets ?? []);
        await this.distribute();
        this.replaceDead();
        return;
      } catch (error) {
        log.write("alert", `a worker thread could not be replaced: ${wordsOf(error)}`);
        this.dismiss(fresh, { kind: "stop" });
        await pause(clock, respawnPauseMs);
      }
    }
  }

  /** What each thread may have open. */
  private async limitsOf({ configuration, workers }: Generation): Promise<ConnectionLimits> {
    await this.gather();
    return connectionLimits(configuration, this.init.memory.counters.sum().sockets, workers);
  }

  /** Has every thread write down what its connections do. */
  private async gather(): Promise<void> {
    this.init.serving.gateway.publishCounts();
    const { clock } = this.init;
    const told = [...this.alive].map((thread) => thread.tell({ kind: "publish" }));
    await atMost(clock, gatherMs, Promise.all(told));
  }

  /** Configurations, deaths and ends are dealt with one after the other. */
  private inTurn(task: () => Promise<void>): Promise<void> {
    const done = this.tasks.then(task);
    this.tasks = done.catch(() => undefined);
    return done;
  }
}

const borrower: Borrower<Acceptor> = {
  lend: async (to, sockets, transfer) => {
    if (to instanceof WorkerThread) await commandOrNothing(to, { kind: "accept", sockets }, transfer);
    else await to.accept(sockets);
  },
  isGone,
  takeBack: async (from, names) => {
    if (!(from instanceof WorkerThread)) return from.release(names);
    return await commandOrNothing(from, { kind: "release", names });
  },
};

function isGone(thread: Acceptor): boolean {
  return thread instanceof WorkerThread && (thread.ended || thread.dying);
}

/** Whether a thread that was told to end has not done so before it heard that it need not. */
async function stays(thread: WorkerThread): Promise<boolean> {
  try {
    await thread.command({ kind: "recall" });
    return true;
  } catch (error) {
    if (error instanceof CommandError) return false;
    throw error;
  }
}

async function prepare(thread: WorkerThread, { snapshot }: Generation): Promise<void> {
  try {
    await thread.command({ kind: "prepare", snapshot });
  } catch (error) {
    // One that was told to end may do so whenever it likes; one that was stuck is replaced.
    if (!(thread.ended && (thread.leaving || thread.wasStuck))) throw error;
  }
}

async function commit(thread: WorkerThread, limits: ConnectionLimits): Promise<readonly PassedSocket[]> {
  return await commandOrNothing(thread, { kind: "commit", limits });
}

/** A thread that dies over a command is replaced by `bury`; what it was told does not matter any more. */
async function commandOrNothing(
  thread: WorkerThread,
  command: Parameters<WorkerThread["command"]>[0],
  transfer: readonly object[] = [],
): Promise<readonly PassedSocket[]> {
  try {
    return await thread.command(command, transfer);
  } catch (error) {
    if (thread.ended && error instanceof CommandError) return [];
    throw error;
  }
}

/** Waits for it, but not for longer. */
async function atMost(clock: Clock, limitMs: number, done: Promise<unknown>): Promise<void> {
  let timer: Timer | null = null;
  const over = new Promise<void>((resolve) => {
    timer = clock.timer(limitMs, resolve);
  });
  await Promise.race([done, over]);
  (timer as Timer | null)?.cancel();
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
