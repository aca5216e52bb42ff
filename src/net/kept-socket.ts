import type { Endpoint, SocketHandle } from "./network.ts";

/** What to bind. */
export interface BindOptions {
  readonly endpoint: Endpoint;
  readonly backlog: number;
  readonly ipv6Only: boolean;
}

/**
 * A listening socket that outlives those who accept on it: it is lent to a listener of one thread, taken
 * back when that retires, and lent to the next. What waits in its queue is never lost on the way.
 */
export interface KeptSocket {
  /**
   * For `ListenOptions.handle`, here or in another thread, and what must be transferred with it. Once at a
   * time. Null where the listener has to bind for itself.
   */
  lend(): { readonly handle: SocketHandle | null; readonly transfer: readonly object[] };
  /** What the listener's `release` gave. */
  takeBack(handle: SocketHandle | null): void;
  /**
   * It was taken back, or never lent, and nobody is to accept for a while: it stays open, and what comes
   * waits, until it is lent again. Where that cannot be, it is closed, and bound anew when it is lent.
   */
  shelve(): void;
  /** The descriptor in this process, for another process to inherit; null when there is none now. */
  descriptor(): number | null;
  /**
   * The borrower is gone without having released it (its thread has died). False when the socket went with
   * it, with all that waited.
   */
  survives(): boolean;
  /**
   * Frees the port, as far as no listener has the socket. The file of a unix socket goes with it, unless
   * another process still listens there.
   */
  close(leaveFile: boolean): void;
}

/** Binds listening sockets for all threads of the process. */
export interface SocketKeeper {
  /** False where a socket is bound only by the listener that uses it. */
  readonly bindsAhead: boolean;
  /** False for endpoints whose sockets only the thread that bound them can use. */
  crossesThreads(endpoint: Endpoint): boolean;
  /**
   * Binds `count` sockets of one endpoint, among which the kernel spreads the connections, or which share
   * one queue. `siblings` are those of the endpoint that are open already; without any, nobody else may
   * listen there.
   * @throws Error with `code`
   */
  open(options: BindOptions, count: number, siblings: readonly KeptSocket[]): KeptSocket[];
  /**
   * The process is about to become another user: an endpoint of which there must be more sockets later, in
   * place of those that a thread takes along when it dies, or for more threads. Called when it is bound.
   */
  reserve(options: BindOptions, uid: number): void;
  /** The endpoint is not listened on any more. */
  forget(endpoint: Endpoint): void;
  /** Sockets of an endpoint that another process has bound, and this one inherited as descriptors. */
  adopt(options: BindOptions, descriptors: readonly number[]): KeptSocket[];
}
