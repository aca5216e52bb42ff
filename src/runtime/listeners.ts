import { chmodSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { SocketPlan } from "../gateway/compile.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { ListenSocket, endpointKey } from "../gateway/listen-socket.ts";
import type { Clock } from "../net/clock.ts";
import type { Listener, ServerTls } from "../net/network.ts";

/** nginx tries to bind five times, half a second apart, before it gives up. */
const bindTries = 5;
const bindPauseMs = 500;

/** A socket that could not be bound. */
export class BindError extends Error {
  readonly code: string;

  constructor(key: string, code: string) {
    super(`bind() to ${key} failed`);
    this.code = code;
  }
}

interface Bound {
  readonly socket: ListenSocket;
  readonly listener: Listener;
  readonly tls: boolean;
}

/** The listening sockets of a gateway: bound as the configuration says, kept where a new one agrees. */
export class Listeners {
  private readonly gateway: Gateway;
  private readonly bound = new Map<string, Bound>();

  constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  /**
   * Makes the sockets agree with a configuration: new ones are bound first; when one fails nothing has
   * changed. `onBusy` is told each failed attempt.
   * @throws BindError
   */
  async apply(plans: readonly SocketPlan[], onBusy: (error: BindError) => void): Promise<void> {
    const fresh: [string, Bound][] = [];
    try {
      for (const plan of plans) {
        const key = endpointKey(plan.endpoint);
        const kept = this.bound.get(key);
        if (kept !== undefined && kept.tls === needsTls(plan)) continue;
        fresh.push([key, await this.bind(plan, onBusy)]);
      }
    } catch (error) {
      for (const [, { listener }] of fresh) await listener.stop();
      throw error;
    }
    await this.adopt(plans, fresh);
  }

  async stop(): Promise<void> {
    const all = [...this.bound.values()];
    this.bound.clear();
    await Promise.all(all.map(({ listener }) => listener.stop()));
  }

  get addresses(): Listener["address"][] {
    return [...this.bound.values()].map(({ listener }) => listener.address);
  }

  private async adopt(plans: readonly SocketPlan[], fresh: readonly [string, Bound][]): Promise<void> {
    const wanted = new Map(plans.map((plan) => [endpointKey(plan.endpoint), plan]));
    const replaced = new Map(fresh);
    const stopping: Promise<void>[] = [];
    for (const [key, bound] of this.bound) {
      const plan = wanted.get(key);
      if (plan !== undefined && !replaced.has(key)) {
        bound.socket.replace(plan.addresses);
        continue;
      }
      this.bound.delete(key);
      stopping.push(bound.listener.stop());
      if (plan === undefined) this.gateway.retire(bound.socket);
    }
    for (const [key, bound] of fresh) this.bound.set(key, bound);
    await Promise.all(stopping);
  }

  private async bind(plan: SocketPlan, onBusy: (error: BindError) => void): Promise<Bound> {
    const key = endpointKey(plan.endpoint);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.bindOnce(plan);
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : "EINVAL";
        const failure = new BindError(key, code);
        onBusy(failure);
        if (code !== "EADDRINUSE" || attempt === bindTries) throw failure;
        await pause(this.gateway.network.clock, bindPauseMs);
      }
    }
  }

  private async bindOnce(plan: SocketPlan): Promise<Bound> {
    const socket = new ListenSocket(plan.endpoint, plan.addresses);
    const tls = needsTls(plan);
    const { settings } = socket;
    if (plan.endpoint.kind === "unix") await removeStale(plan.endpoint.path);
    const listener = await this.gateway.network.listen(
      {
        endpoint: plan.endpoint,
        tls: tls ? serverTls(socket) : null,
        backlog: settings.backlog ?? 511,
        ipv6Only: settings.ipv6Only,
      },
      this.gateway.acceptor(socket),
    );
    if (plan.endpoint.kind === "unix") chmodSync(plan.endpoint.path, 0o666);
    return { socket, listener, tls };
  }
}

function needsTls(plan: SocketPlan): boolean {
  return plan.addresses.some(({ settings }) => settings.ssl);
}

function serverTls(socket: ListenSocket): ServerTls {
  const serverOf = (name: string | null) => {
    const { choice } = socket.main;
    return name === null ? choice.defaultServer : choice.find(name, null);
  };
  return {
    contextFor: (name) => {
      const server = serverOf(name);
      if (server.tls.rejects) return null;
      return server.tls.context ?? socket.main.choice.defaultServer.tls.context;
    },
    alpnFor: () => ["http/1.1", "http/1.0", "http/0.9"],
    requestCertificate: socket.main.choice.servers.some((server) => server.tls.requestsCertificate),
    handshakeTimeoutMs: socket.main.choice.defaultServer.core.clientHeaderTimeoutMs,
  };
}

/** A unix socket that nobody listens on any more is left over from a process that died. */
async function removeStale(path: string): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(Buffer.from(path, "latin1").toString());
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error) => resolve(!("code" in error && error.code === "ECONNREFUSED")));
  });
  if (!alive) unlinkSync(Buffer.from(path, "latin1"));
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    // A timer of the clock does not keep the process alive; this wait must.
    const alive = setInterval(() => undefined, delayMs);
    clock.timer(delayMs, () => {
      clearInterval(alive);
      resolve();
    });
  });
}
