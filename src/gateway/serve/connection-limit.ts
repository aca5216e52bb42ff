import type { Network } from "../../net/network.ts";
import type { ClientHolder } from "../request/client.ts";
import type { ErrorLog } from "../log/error-log.ts";

/** What one worker may have open. */
export interface ConnectionLimits {
  /** `worker_connections`. */
  readonly connections: number;
  /** Listening sockets: they count among the connections, and so does, in nginx, the master's channel. */
  readonly listening: number;
  /** The limit of open files, for the log. */
  readonly openFiles: number;
  /** How many of these may be sockets. */
  readonly sockets: number;
}

/** Part of the sockets that is kept for connections to upstream servers: whom was accepted is also served. */
const keptForDials = 1 / 8;
/** Below this part of free connections, idle ones are given up (nginx: 1/16). */
const scarce = 1 / 16;
/** nginx: an eighth of the idle ones, from 1 to 32. How many are idle is not counted here. */
const reusedMax = 32;
/** Connections looked at in search of idle ones, per accept: thousands of them may be tunnels. */
const searchedMax = 256;
/** The same line is not written more often. */
const logEveryMs = 1000;

/**
 * Keeps a worker within `worker_connections` and within the process's open files. What comes beyond is
 * closed unanswered, as in nginx, after idle connections had to go. It must never come to EMFILE:
 * of runtimes that run into it, one closes connections at random and one spins.
 */
export class ConnectionLimit {
  private limits: ConnectionLimits | null = null;
  private readonly network: Network;
  private readonly log: ErrorLog;
  private readonly clients: ReadonlySet<ClientHolder>;
  private search: Iterator<ClientHolder> | null = null;
  private refusedAtMs = -Infinity;
  private reusedAtMs = -Infinity;
  /** Connections closed since descriptors began to lack; -1 while they suffice. */
  private turnedAway = -1;

  constructor(network: Network, log: ErrorLog, clients: ReadonlySet<ClientHolder>) {
    this.network = network;
    this.log = log;
    this.clients = clients;
  }

  /** Limits of a configuration take the place of those before. */
  apply(limits: ConnectionLimits): void {
    this.limits = limits;
  }

  /** Whether one more connection of a client may stay. */
  admits(): boolean {
    const { limits } = this;
    if (limits === null) return true;
    this.giveUpIdle(limits, keptForDials);
    if (this.freeSockets(limits) <= Math.floor(limits.sockets * keptForDials)) {
      this.turnAway(limits);
      return false;
    }
    if (this.freeConnections(limits) <= 0) {
      if (this.mayLog(this.refusedAtMs)) {
        this.refusedAtMs = this.network.clock.now();
        this.log.write("alert", notEnough(limits));
      }
      return false;
    }
    this.admitAgain();
    return true;
  }

  /** What forbids one more connection to an upstream server, in nginx's words; null: nothing. */
  dialRefusal(): string | null {
    const { limits } = this;
    if (limits === null) return null;
    this.giveUpIdle(limits, 0);
    if (this.freeSockets(limits) <= 0) return "socket() failed (24: Too many open files)";
    return this.freeConnections(limits) <= 0 ? notEnough(limits) : null;
  }

  private freeConnections({ connections, listening }: ConnectionLimits): number {
    return connections - listening - 1 - this.network.openSockets;
  }

  private freeSockets({ sockets }: ConnectionLimits): number {
    return sockets - this.network.openSockets;
  }

  private turnAway({ openFiles }: ConnectionLimits): void {
    if (this.turnedAway < 0) {
      this.turnedAway = 0;
      this.log.write("alert", `${openFiles} open files are not enough, new connections are closed`);
    }
    this.turnedAway += 1;
  }

  private admitAgain(): void {
    if (this.turnedAway < 0) return;
    this.log.write("notice", `connections are accepted again, ${this.turnedAway} were closed`);
    this.turnedAway = -1;
  }

  /** Closes connections that wait for a request. `kept`: part of the sockets that counts as taken. */
  private giveUpIdle(limits: ConnectionLimits, kept: number): void {
    const { connections, sockets } = limits;
    const enough = this.freeConnections(limits) > Math.floor(connections * scarce);
    if (enough && this.freeSockets(limits) > Math.floor(sockets * (kept + scarce))) return;
    const wanted = Math.max(1, Math.min(reusedMax, Math.floor(this.clients.size / 8)));
    let closed = 0;
    for (let looked = 0; looked < searchedMax && closed < wanted; looked++) {
      const client = this.nextClient();
      if (client === null) break;
      if (!client.idle || !client.socket.open) continue;
      client.dismiss();
      closed += 1;
    }
    if (closed === 0 || !this.mayLog(this.reusedAtMs)) return;
    this.reusedAtMs = this.network.clock.now();
    const lacking = enough ? `${limits.openFiles} open files are not enough` : notEnough(limits);
    this.log.write("warn", `${lacking}, reusing connections`);
  }

  /** Goes on where the search before had come to; null at the end, the oldest is next then. */
  private nextClient(): ClientHolder | null {
    this.search ??= this.clients.values();
    const next = this.search.next();
    if (next.done !== true) return next.value;
    this.search = null;
    return null;
  }

  private mayLog(beforeMs: number): boolean {
    return this.network.clock.now() - beforeMs >= logEveryMs;
  }
}

function notEnough({ connections }: ConnectionLimits): string {
  return `${connections} worker_connections are not enough`;
}
