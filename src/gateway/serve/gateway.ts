import type { Network } from "../../net/network.ts";
import type { Timer } from "../../net/clock.ts";
import { CLOSE_GOING_AWAY, CLOSE_SERVICE_RESTART } from "../../websocket/close-codes.ts";
import type { ClientHolder } from "../request/client.ts";
import { Rebalancer } from "../balance/rebalancer.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import { DrainSchedule } from "./drain.ts";
import type { Drainable, DrainOccasion } from "./drain.ts";
import { Counters } from "../zones/counters.ts";
import type { ErrorLog } from "../log/error-log.ts";
import { Heartbeat } from "../zones/heartbeat.ts";
import type { ListenSocket } from "./listen-socket.ts";
import type { Location } from "./location.ts";
import { Successors } from "./successors.ts";
import type { Served } from "./successors.ts";
import { TunnelSet } from "./tunnel-set.ts";

/** A tunnel, as far as the gateway as a whole must know it. */
export interface OpenTunnel extends Drainable, Served {
  readonly listenSocket: ListenSocket;
  /** Name of the upstream server that it leads to, as in `$upstream_addr`. */
  readonly peerName: string;
  /** Ends both sides at once; the line is logged. */
  drop(reason: string): void;
  /** An operator ends it: a WebSocket in good order, with this code and reason. `cause` is told by its record. */
  kick(code: number, reason: string, cause: string): void;
  /** The directives of this location count for it from now on. */
  follow(location: Location): void;
}

/** How long idle clients of a process that is replaced have to send another request. */
const idleGraceMs = 5000;

const processStops: DrainOccasion = {
  code: CLOSE_GOING_AWAY,
  reason: "the process is stopping",
  cause: "stop",
};
const listenerRemoved: DrainOccasion = {
  code: CLOSE_SERVICE_RESTART,
  reason: "a reload removed the listening socket",
  cause: "reload",
};
const serverRemoved: DrainOccasion = {
  code: CLOSE_SERVICE_RESTART,
  reason: "a reload removed the upstream server",
  cause: "reload",
  moves: true,
};

/**
 * The running proxy of one thread: its connections and tunnels, and what they share. It outlives
 * configurations; those reach it through the listening sockets' servers.
 */
export class Gateway {
  readonly network: Network;
  readonly connections = new Set<ClientHolder>();
  readonly tunnels: TunnelSet;
  readonly limit: ConnectionLimit;
  readonly upstreamsClosing = new Set<() => void>();
  /** No connection is kept after the request that it serves: the process is on its way out. */
  stopping = false;
  /** False while connections are dropped as they come: the process must not serve anybody yet. */
  admits = true;
  /** False in a thread whose part others have taken over: connections are not kept, but nothing is drained. */
  accepts = true;
  /** Has all threads `publish` their counts; null when there is one alone. */
  gatherCounts: (() => Promise<void>) | null = null;
  /** Memory that holds the bodies of requests: see `client_body_memory`. */
  bodyBytesHeld = 0;
  readonly counters: Counters;
  /** Tells those who watch this thread what it works on. */
  readonly heartbeat: Heartbeat;
  /** Moves WebSockets to servers that have come. */
  readonly rebalancer: Rebalancer;
  private readonly log: ErrorLog;
  private readonly drains: DrainSchedule;
  /** When a graceful stop drops what is left. */
  private dropAtMs = Infinity;
  private dropTimer: Timer | null = null;
  private readonly whenEmpty: (() => void)[] = [];

  constructor(network: Network, log: ErrorLog, counters = new Counters(), heartbeat = new Heartbeat()) {
    this.network = network;
    this.log = log;
    this.tunnels = new TunnelSet(network);
    this.limit = new ConnectionLimit(network, log, this.connections);
    this.drains = new DrainSchedule(network.clock, () => network.random());
    this.rebalancer = new Rebalancer(network.clock, (message) => log.write("notice", message));
    this.counters = counters;
    this.heartbeat = heartbeat;
  }

  get requestsTotal(): number {
    return this.counters.requests;
  }

  set requestsTotal(count: number) {
    this.counters.requests = count;
  }

  /** Counts what the connections of this thread do: when asked for, because that is rare. */
  publishCounts(): void {
    let writing = 0;
    let waiting = 0;
    for (const one of this.connections) {
      if (one.serving) writing += 1;
      else if (one.idle) waiting += 1;
    }
    const reading = this.connections.size - writing - waiting;
    this.counters.publish({ writing, waiting, reading, sockets: this.network.openSockets });
  }

  /** The number of a connection in logs, `$connection`: no other one of the process has it. */
  nextSerial(): number {
    return this.counters.nextSerial();
  }

  /**
   * Ends every connection that is kept after a request; the others end with theirs, or for want of one. WebSockets get their close
   * frames as `websocket_drain` says. After `timeoutMs` (0: never) everything that is left is dropped.
   * Resolves when all are gone. With `hasSuccessor` another process accepts in its place, so there is time:
   * clients may send one request more, whose answer tells them to come anew.
   */
  async stopGracefully(timeoutMs = 0, hasSuccessor = false): Promise<void> {
    this.stopping = true;
    if (hasSuccessor) this.network.clock.timer(idleGraceMs, () => this.stopping && this.closeKept());
    else this.closeKept();
    if (this.connections.size === 0) return;
    const { clock } = this.network;
    if (timeoutMs > 0) {
      this.dropAtMs = clock.now() + timeoutMs;
      this.dropTimer = clock.timer(timeoutMs, () => this.stopNow());
    }
    this.drains.spread(this.tunnels, processStops, timeoutMs > 0 ? timeoutMs : Infinity);
    await this.emptied();
  }

  /**
   * Lets no connection go on after the request that comes next on it: other threads accept from now on.
   * Tunnels live. Resolves when all are gone.
   */
  async standDown(): Promise<void> {
    this.accepts = false;
    await this.emptied();
  }

  /** A reload has removed a listening socket: what came through it ends in good order. */
  retire(listenSocket: ListenSocket): void {
    listenSocket.retired = true;
    for (const connection of this.connections)
      if (connection.listenSocket === listenSocket) connection.closeKept();
    this.drainRemoved((tunnel) => tunnel.listenSocket === listenSocket, listenerRemoved);
  }

  /** A reload has removed upstream servers, by their names: WebSockets that lead there are drained. */
  drainServers(names: ReadonlySet<string>): void {
    if (names.size > 0) this.drainRemoved((tunnel) => names.has(tunnel.peerName), serverRemoved);
  }

  /** A reload: tunnels follow the location that took the place of theirs. */
  settleTunnels(): void {
    const successors = new Successors();
    for (const tunnel of this.tunnels) {
      const successor = successors.of(tunnel);
      if (successor !== null) tunnel.follow(successor);
    }
  }

  private closeKept(): void {
    for (const connection of this.connections) connection.closeKept();
  }

  /** A WebSocket has been opened, possibly while others are being drained. */
  admitTunnel(tunnel: OpenTunnel): void {
    if (this.stopping) this.drains.join(tunnel, processStops, this.dropAtMs - this.network.clock.now());
    else if (tunnel.listenSocket.retired) this.drains.join(tunnel, listenerRemoved);
  }

  /** Drops everything. */
  stopNow(): void {
    this.stopping = true;
    for (const tunnel of this.tunnels) tunnel.drop("the process is stopping");
    for (const connection of this.connections) connection.dismiss();
  }

  /** A connection is closed. The last one lets go whoever waits for all to be gone. */
  forget(connection: ClientHolder): void {
    this.connections.delete(connection);
    this.counters.setActive(this.connections.size);
    if (this.connections.size > 0) return;
    if (this.stopping) this.dropTimer?.cancel();
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }

  /** Writes a bug of ours, with its stack, to the error log. */
  reportInternalError(error: unknown): void {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.log.write("alert", `internal error: ${detail}`);
  }

  private drainRemoved(concerns: (tunnel: OpenTunnel) => boolean, occasion: DrainOccasion): void {
    this.drains.spread([...this.tunnels].filter(concerns), occasion);
  }

  private async emptied(): Promise<void> {
    if (this.connections.size === 0) return;
    await new Promise<void>((resolve) => {
      this.whenEmpty.push(resolve);
    });
  }
}
