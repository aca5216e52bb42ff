import type { ConnectionLimits } from "../gateway/serve/connection-limit.ts";
import type { SocketHandle } from "../net/network.ts";
import type { CommandLine } from "../config/command-line.ts";
import type { WorkerMemory } from "./common-memory.ts";
import type { Snapshot } from "./snapshot.ts";

/** One of the sockets of an endpoint. */
export interface SocketName {
  /** `endpointKey`. */
  readonly key: string;
  /** 0, 1, 2, … */
  readonly slot: number;
}

/** A socket on its way to or from a thread. */
export interface PassedSocket extends SocketName {
  /** Null when there is nothing to pass: the keeper has it still, or it is yet to be bound. */
  readonly handle: SocketHandle | null;
}

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly commandLine: CommandLine;
  readonly memory: WorkerMemory;
  /** How often the thread gives a sign of life. */
  readonly beatMs: number;
}

/** What the main thread asks of a worker. Each is answered, in order. */
export type Command =
  /** Compile this. */
  | { readonly kind: "prepare"; readonly snapshot: Snapshot }
  /** Forget what was compiled last. */
  | { readonly kind: "discard" }
  /** Serve by it; answered with the sockets that cannot be kept as they are. */
  | { readonly kind: "commit"; readonly limits: ConnectionLimits }
  /** Accept on these too. */
  | { readonly kind: "accept"; readonly sockets: readonly PassedSocket[] }
  /** Stop accepting on these and give them back. */
  | { readonly kind: "release"; readonly names: readonly SocketName[] }
  /** End when the last connection does; nothing else changes for those. */
  | { readonly kind: "retire" }
  /** Do not, after all: it will be given sockets again. Not answered by one that has ended meanwhile. */
  | { readonly kind: "recall" }
  /** End soon: idle connections are closed, the others may take so long; 0 is for ever. */
  | { readonly kind: "quit"; readonly timeoutMs: number; readonly hasSuccessor: boolean }
  /** End now. */
  | { readonly kind: "stop" }
  | { readonly kind: "reopen" }
  | { readonly kind: "publish" };

/** To a worker. */
export type ToWorker =
  | { readonly kind: "command"; readonly id: number; readonly command: Command }
  /** The counts of all threads are published, which was asked for by `gather`. */
  | { readonly kind: "gathered"; readonly id: number };

/** From a worker. */
export type FromWorker =
  | { readonly kind: "done"; readonly id: number; readonly sockets: readonly PassedSocket[] }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string }
  /** The thread dies of an exception, but what waits in its sockets need not be lost. */
  | { readonly kind: "dying"; readonly sockets: readonly PassedSocket[] }
  | { readonly kind: "gather"; readonly id: number };
