import { retire, takeOver } from "../gateway/build/take-over.ts";
import type { ErrorLog } from "../gateway/log/error-log.ts";
import { Gateway } from "../gateway/serve/gateway.ts";
import type { Counters } from "../gateway/zones/counters.ts";
import type { Heartbeat } from "../gateway/zones/heartbeat.ts";
import type { ConnectionLimits } from "../gateway/serve/connection-limit.ts";
import type { LogFiles } from "../gateway/log/log-files.ts";
import { removedServers } from "../gateway/build/removed-servers.ts";
import type { Network } from "../net/network.ts";
import type { Configuration } from "./configuration.ts";
import { Listeners } from "./listeners.ts";
import type { PassedSocket, SocketName } from "./messages.ts";

/** One thread's part of the service: its gateway, its listeners and the configuration that they follow. */
export class Serving {
  readonly gateway: Gateway;
  readonly listeners: Listeners;
  private readonly logs: LogFiles;
  private configuration: Configuration | null = null;

  constructor(init: {
    network: Network;
    logs: LogFiles;
    errorLog: ErrorLog;
    counters: Counters;
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
  async commit(configuration: Configuration, limits: ConnectionLimits): Promise<PassedSocket[]> {
    const before = this.configuration?.http?.build ?? null;
    const build = configuration.http?.build ?? null;
    this.configuration = configuration;
    // The same one comes again when an upgrade was given up.
    if (before !== build) takeOver(build, before);
    if (before !== null) this.gateway.tunnels.configurationReplaced();
    this.gateway.limit.apply(limits);
    const released = await this.listeners.replace(configuration.http?.sockets ?? []);
    this.gateway.drainServers(removedServers(before ?? undefined, build ?? undefined));
    return released;
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
  async quit(timeoutMs: number, hasSuccessor: boolean): Promise<void> {
    await this.listeners.stop();
    await this.gateway.stopGracefully(timeoutMs, hasSuccessor);
  }

  /** Drops all connections and stops listening. */
  async stop(): Promise<void> {
    this.gateway.stopNow();
    await this.listeners.stop();
  }

  /** Writes out what must not be lost. */
  end(): void {
    retire(this.configuration?.http?.build ?? null);
    this.logs.flush();
  }
}
