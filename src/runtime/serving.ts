import { retire, takeOver } from "../gateway/build/take-over.ts";
import type { ErrorLog } from "../gateway/log/error-log.ts";
import { Gateway } from "../gateway/serve/gateway.ts";
import type { Counters } from "../gateway/zones/counters.ts";
import type { Heartbeat } from "../gateway/zones/heartbeat.ts";
import type { ConnectionLimits } from "../gateway/serve/connection-limit.ts";
import type { LogFiles } from "../gateway/log/log-files.ts";
import type { HttpConfiguration } from "../gateway/build/compile.ts";
import type { Network } from "../net/network.ts";
import type { Configuration } from "./configuration.ts";
import { Listeners } from "./listeners.ts";
import type { PassedSocket, SocketName } from "./messages.ts";

/** One thread's part of the service: its gateway, its listeners and the configuration that they follow. */
export class Serving {
  readonly gateway: Gateway;
  readonly listeners: Listeners;
  private readonly logs: LogFiles;
  private inUse: HttpConfiguration | null = null;

  constructor(init: {
    network: Network;
    logs: LogFiles;
    errorLog: ErrorLog;
    /** Of the process; its own when nobody else serves. */
    counters?: Counters;
    /** Where somebody watches the thread. */
    heartbeat?: Heartbeat;
  }) {
    this.logs = init.logs;
    this.gateway = new Gateway(init.network, init.errorLog, init.counters, init.heartbeat);
    this.listeners = new Listeners(this.gateway);
  }

  /**
   * Requests that begin from now on follow this configuration. Returns the sockets that `accept` must be
   * given again.
   */
  async commit({ http }: Configuration, limits: ConnectionLimits): Promise<PassedSocket[]> {
    const { gateway, listeners, inUse: before } = this;
    this.inUse = http;
    return await takeOver({ gateway, sockets: listeners, before, next: http, limits });
  }

  /** Accepts on these sockets; whoever was told to quit serves again with that. Rejects with an Error with `code`. */
  async accept(sockets: readonly PassedSocket[]): Promise<void> {
    this.gateway.stopping = false;
    this.gateway.accepts = true;
    await this.listeners.accept(sockets);
  }

  /** Stops accepting on sockets that came by `accept`, all of them by default, and gives them back. */
  release(names: readonly SocketName[] = this.listeners.names): PassedSocket[] {
    return this.listeners.release(names);
  }

  /** `timeoutMs` 0 gives connections all the time that they take. */
  async quit(timeoutMs: number, hasSuccessor = false): Promise<void> {
    await this.listeners.stop();
    await this.gateway.stopGracefully(timeoutMs, hasSuccessor);
  }

  /** Stops listening and drops all connections. */
  async stop(): Promise<void> {
    // Nothing more comes from here on.
    const stopped = this.listeners.stop();
    this.gateway.stopNow();
    await stopped;
  }

  /** What it does of its own ends; writes out what must not be lost. */
  end(): void {
    retire(this.inUse);
    this.logs.flush();
  }
}
