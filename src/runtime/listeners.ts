import { RegexFailure } from "../config/regex.ts";
import type { SocketPlan } from "../gateway/compile.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { ListenSocket, endpointKey } from "../gateway/listen-socket.ts";
import type { Listener, ServerTls, SocketHandle } from "../net/network.ts";
import { bindPatiently } from "./binding.ts";
import type { BindError } from "./binding.ts";
import type { PassedSocket, SocketName } from "./messages.ts";

/** What `listen` leaves out: nginx's number. */
export const defaultBacklog = 511;

/** An endpoint of the configuration, with what accepts for it. */
interface Bound {
  readonly socket: ListenSocket;
  readonly security: string;
  /** By slot; none while other threads accept. */
  readonly listeners: Map<number, Listener>;
}

/** The listening sockets of a gateway: kept where a new configuration agrees with the one before. */
export class Listeners {
  private readonly gateway: Gateway;
  private plans: ReadonlyMap<string, SocketPlan> = new Map();
  private readonly bound = new Map<string, Bound>();

  constructor(gateway: Gateway) {
    this.gateway = gateway;
  }

  /**
   * Makes the sockets agree with a configuration and binds what is missing, all or nothing. `onBusy` is
   * told each failed attempt.
   * @throws BindError
   */
  async bind(plans: readonly SocketPlan[], onBusy: (error: BindError) => void): Promise<void> {
    const fresh: [string, Bound][] = [];
    const isNew = (plan: SocketPlan): boolean => !this.bound.has(endpointKey(plan.endpoint));
    try {
      for (const plan of plans.filter(isNew)) {
        fresh.push([endpointKey(plan.endpoint), await this.bindOne(plan, onBusy)]);
      }
    } catch (error) {
      for (const [, bound] of fresh) await stopAll(bound);
      throw error;
    }
    // Sockets that go over to TLS or back are closed for a moment: when nothing else can fail any more.
    for (const plan of plans) {
      const key = endpointKey(plan.endpoint);
      const before = this.bound.get(key);
      if (before === undefined || before.security === securityOf(plan)) continue;
      await this.drop(key);
      fresh.push([key, await this.bindOne(plan, onBusy)]);
    }
    await this.replace(plans);
    for (const [key, bound] of fresh) this.bound.set(key, bound);
  }

  private async bindOne(plan: SocketPlan, onBusy: (error: BindError) => void): Promise<Bound> {
    const bound = makeBound(plan);
    const { clock } = this.gateway.network;
    const listener = await bindPatiently(plan, clock, () => this.listen(plan, bound.socket, null), onBusy);
    bound.listeners.set(0, listener);
    return bound;
  }

  /**
   * A new configuration takes over. What it does not name is closed. Sockets that go over to TLS or back
   * and must be lent once more are returned.
   */
  async replace(plans: readonly SocketPlan[]): Promise<PassedSocket[]> {
    this.plans = new Map(plans.map((plan) => [endpointKey(plan.endpoint), plan]));
    const changed: SocketName[] = [];
    for (const [key, bound] of this.bound) {
      const plan = this.plans.get(key);
      if (plan === undefined) {
        void this.drop(key);
        this.gateway.retire(bound.socket);
      } else if (bound.security === securityOf(plan)) bound.socket.replace(plan.addresses);
      else for (const slot of bound.listeners.keys()) changed.push({ key, slot });
    }
    const released = this.release(changed);
    for (const { key } of changed) this.bound.delete(key);
    await this.accept(released.filter(({ handle }) => handle !== null));
    return released.filter(({ handle }) => handle === null);
  }

  /** Accepts on sockets of others' making. */
  async accept(sockets: readonly PassedSocket[]): Promise<void> {
    await Promise.all(sockets.map((socket) => this.acceptOn(socket)));
  }

  private async acceptOn({ key, slot, handle }: PassedSocket): Promise<void> {
    const plan = this.plans.get(key);
    if (plan === undefined) return;
    let bound = this.bound.get(key);
    if (bound === undefined || bound.security !== securityOf(plan)) {
      bound = makeBound(plan);
      this.bound.set(key, bound);
    }
    bound.listeners.set(slot, await this.listen(plan, bound.socket, handle));
  }

  /** Stops accepting on sockets that came by `accept`. Their connections stay. */
  release(names: readonly SocketName[]): PassedSocket[] {
    const released: PassedSocket[] = [];
    for (const { key, slot } of names) {
      const listeners = this.bound.get(key)?.listeners;
      const listener = listeners?.get(slot);
      if (listeners === undefined || listener?.release === undefined) continue;
      listeners.delete(slot);
      released.push({ key, slot, handle: listener.release() });
    }
    return released;
  }

  /** All that could be released. */
  get names(): SocketName[] {
    return [...this.bound].flatMap(([key, { listeners }]) => {
      return [...listeners.keys()].map((slot) => ({ key, slot }));
    });
  }

  async stop(): Promise<void> {
    const all = [...this.bound.values()];
    this.bound.clear();
    await Promise.all(all.map(stopAll));
  }

  get addresses(): Listener["address"][] {
    return [...this.bound.values()].flatMap(({ listeners }) => {
      return [...listeners.values()].map((listener) => listener.address);
    });
  }

  private async drop(key: string): Promise<void> {
    const bound = this.bound.get(key);
    this.bound.delete(key);
    if (bound !== undefined) await stopAll(bound);
  }

  private listen(plan: SocketPlan, socket: ListenSocket, handle: SocketHandle | null): Promise<Listener> {
    const { settings } = socket;
    return this.gateway.network.listen(
      {
        endpoint: plan.endpoint,
        tls: securityOf(plan) === "none" ? null : this.serverTls(plan, socket),
        backlog: settings.backlog ?? defaultBacklog,
        ipv6Only: settings.ipv6Only,
        ...(handle === null ? {} : { handle }),
      },
      this.gateway.acceptor(socket),
    );
  }

  private serverTls(plan: SocketPlan, socket: ListenSocket): ServerTls {
    const { gateway } = this;
    const tls = serverTls(socket);
    if (!plan.addresses.some(({ settings }) => settings.proxyProtocol)) return tls;
    return { ...tls, prologueFor: (remote, local) => gateway.proxyHeaderFor(socket, remote, local) };
  }
}

function makeBound(plan: SocketPlan): Bound {
  const socket = new ListenSocket(plan.endpoint, plan.addresses);
  return { socket, security: securityOf(plan), listeners: new Map() };
}

async function stopAll({ listeners }: Bound): Promise<void> {
  await Promise.all([...listeners.values()].map((listener) => listener.stop()));
}

/** What a listener is told once and for all. */
function securityOf(plan: SocketPlan): string {
  if (!plan.addresses.some(({ settings }) => settings.ssl)) return "none";
  const tls = plan.addresses.some(asksForCertificates) ? "tls with client certificates" : "tls";
  const isProxied = plan.addresses.some(({ settings }) => settings.proxyProtocol);
  return isProxied ? `${tls} behind the PROXY protocol` : tls;
}

function asksForCertificates({ choice }: SocketPlan["addresses"][number]): boolean {
  return choice.servers.some((server) => server.tls.requestsCertificate);
}

function serverTls(socket: ListenSocket): ServerTls {
  const serverOf = (name: string | null) => {
    const { choice } = socket.main;
    return name === null ? choice.defaultServer : choice.find(name, null);
  };
  return {
    contextFor: (name) => {
      const { defaultServer } = socket.main.choice;
      try {
        const server = serverOf(name);
        return server.tls.rejects ? null : (server.tls.context ?? defaultServer.tls.context);
      } catch (error) {
        if (!(error instanceof RegexFailure)) throw error;
        defaultServer.root.core.errorLog.write("alert", `${error.message} while SSL handshaking`);
        return null;
      }
    },
    alpnFor: () => ["http/1.1", "http/1.0", "http/0.9"],
    requestCertificate: socket.main.choice.servers.some((server) => server.tls.requestsCertificate),
    handshakeTimeoutMs: socket.main.choice.defaultServer.core.clientHeaderTimeoutMs,
  };
}
