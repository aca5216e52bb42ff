import { Worker } from "node:worker_threads";
import type { Transferable } from "node:worker_threads";
import { Heartbeat } from "../gateway/zones/heartbeat.ts";
import type { WorkerMemory } from "./common-memory.ts";
import type { Command, FromWorker, PassedSocket, ToWorker, WorkerStart } from "./messages.ts";

/** Told by a thread of its own accord. */
export interface WorkerThreadEvents {
  /** It asks that all threads publish their counts. */
  onGather(thread: WorkerThread): Promise<void>;
  /** It dies and gives these back. */
  onDying(thread: WorkerThread, sockets: readonly PassedSocket[]): void;
  /** It has ended. `error` is what ended it, if that is known here. */
  onExit(thread: WorkerThread, code: number, error: Error | null): void;
}

/** A command that was not carried out. */
export class CommandError extends Error {}

/** A worker thread, as the main thread sees it. */
export class WorkerThread {
  readonly memory: WorkerMemory;
  readonly heartbeat: Heartbeat;
  /** The number that the log tells. */
  readonly id: number;
  /** It was told to end. */
  leaving = false;
  /** It was told so because there were too many; it waits for its tunnels, and can be recalled. */
  retiring = false;
  ended = false;
  /** It has said that it ends of an exception. */
  dying = false;
  /** It did not come back from its work, and was ended over it. */
  wasStuck = false;
  readonly whenEnded: Promise<void>;
  private readonly worker: Worker;
  private readonly waiting = new Map<
    number,
    { resolve: (sockets: readonly PassedSocket[]) => void; reject: (error: Error) => void }
  >();
  private commands = 0;

  constructor(entry: URL, start: WorkerStart, events: WorkerThreadEvents) {
    this.memory = start.memory;
    this.heartbeat = new Heartbeat(start.memory.heartbeat);
    this.worker = new Worker(entry, { workerData: start });
    this.id = this.worker.threadId;
    let error: Error | null = null;
    this.worker.on("error", (reason) => {
      error = reason instanceof Error ? reason : new Error(String(reason));
    });
    this.worker.on("message", (message: FromWorker) => this.hear(message, events));
    this.whenEnded = new Promise((resolve) => {
      this.worker.on("exit", (code) => {
        this.ended = true;
        this.abandonAll();
        events.onExit(this, code, error);
        resolve();
      });
    });
  }

  /**
   * Returns the sockets that come back.
   * @throws CommandError when it failed, or the thread has ended
   */
  async command(command: Command, transfer: readonly object[] = []): Promise<readonly PassedSocket[]> {
    if (this.ended) throw new CommandError("the worker thread has ended");
    this.commands += 1;
    const id = this.commands;
    const message: ToWorker = { kind: "command", id, command };
    const answer = new Promise<readonly PassedSocket[]>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
    });
    this.worker.postMessage(message, transfer as Transferable[]);
    return await answer;
  }

  /** The same, where nothing is lost when the thread has ended or ends over it. */
  async tell(command: Command): Promise<void> {
    try {
      await this.command(command);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }

  /** Wherever it is; its sockets are closed. Code that is not JavaScript runs to its end first. */
  end(): void {
    this.wasStuck = true;
    this.dying = true;
    void this.worker.terminate();
  }

  private hear(message: FromWorker, events: WorkerThreadEvents): void {
    switch (message.kind) {
      case "dying":
        this.dying = true;
        events.onDying(this, message.sockets);
        return;
      case "gather":
        void events.onGather(this).then(() => {
          const answer: ToWorker = { kind: "gathered", id: message.id };
          this.worker.postMessage(answer);
        });
        return;
      default: {
        const waiting = this.waiting.get(message.id);
        this.waiting.delete(message.id);
        if (message.kind === "done") waiting?.resolve(message.sockets);
        else waiting?.reject(new CommandError(message.reason));
      }
    }
  }

  private abandonAll(): void {
    for (const { reject } of this.waiting.values()) {
      reject(new CommandError("the worker thread has ended"));
    }
    this.waiting.clear();
  }
}

/** Where the threads of this process begin. */
export function ownWorkerEntry(): URL {
  const { url } = import.meta;
  // In a single-file executable all is one file, which knows what to do in a thread.
  if (url.includes("/$bunfs/") || url.includes("~BUN")) return new URL(url);
  return new URL(url.endsWith(".ts") ? "./worker-entry.ts" : "./worker-entry.js", url);
}
