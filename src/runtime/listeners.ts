import { RegexFailure } from "../config/regex.ts";
import type { SocketPlan } from "../gateway/build/group-sockets.ts";
import { acceptor, proxyHeaderFor } from "../gateway/client/acceptor.ts";
import type { Gateway } from "../gateway/serve/gateway.ts";
import { ListenSocket, endpointKey } from "../gateway/serve/listen-socket.ts";
import type { AddressServers } from "../gateway/serve/listen-socket.ts";
import type { Handshakes, VirtualServer } from "../gateway/serve/virtual-server.ts";
import type { ConnectionEnds, Listener, Network, ServerTls, SocketHandle } from "../net/network.ts";
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
   * Binds what a configuration names and is missing, all or nothing: `replace` follows. `onBusy` is told each
   * failed attempt.
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
      if (before === undefined || before.security === securityOf(plan, this.gateway.network)) continue;
      await this.drop(key);
      fresh.push([key, await this.bindOne(plan, onBusy)]);
    }
    for (const [key, bound] of fresh) this.bound.set(key, bound);
  }

  private async bindOne(plan: SocketPlan, onBusy: (error: BindError) => void): Promise<Bound> {
    const bound = this.makeBound(plan);
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
      } else if (bound.security === securityOf(plan, this.gateway.network))
        bound.socket.replace(plan.addresses);
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
    if (bound === undefined || bound.security !== securityOf(plan, this.gateway.network)) {
      bound = this.makeBound(plan);
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

  /**
   * Stops accepting everywhere. Connections stay; the ports are free once it resolves, where nobody else has
   * them.
   */
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

  private makeBound(plan: SocketPlan): Bound {
    const socket = new ListenSocket(plan.endpoint, plan.addresses);
    return { socket, security: securityOf(plan, this.gateway.network), listeners: new Map() };
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
        tls: securityOf(plan, this.gateway.network) === "none" ? null : this.serverTls(plan, socket),
        backlog: settings.backlog ?? defaultBacklog,
        ipv6Only: settings.ipv6Only,
        ...(handle === null ? {} : { handle }),
      },
      acceptor(this.gateway, socket),
    );
  }

  private serverTls(plan: SocketPlan, socket: ListenSocket): ServerTls {
    const { gateway } = this;
    const tls = serverTls(socket, gateway);
    if (!plan.addresses.some(({ settings }) => settings.proxyProtocol)) return tls;
    return {
      ...tls,
      readsHello: true,
      prologueFor: (remote, local) => proxyHeaderFor(gateway, socket, remote, local),
    };
  }
}

async function stopAll({ listeners }: Bound): Promise<void> {
  await Promise.all([...listeners.values()].map((listener) => listener.stop()));
}

/** What a listener is told once and for all. */
function securityOf(plan: SocketPlan, network: Network): string {
  if (!plan.addresses.some(({ settings }) => settings.ssl)) return "none";
  const words = ["tls"];
  if (serversOf(plan.addresses).some((server) => server.tls.requestsCertificate))
    words.push("with client certificates");
  if (plan.addresses.some(({ settings }) => settings.proxyProtocol)) words.push("behind the PROXY protocol");
  // Elsewhere it makes no difference.
  if (network.name === "bun" && mustReadHello(plan.addresses)) words.push("by name");
  return words.join(" ");
}

function serversOf(addresses: readonly AddressServers[]): readonly VirtualServer[] {
  return addresses.flatMap(({ choice }) => choice.servers);
}

/** The name (or the address) decides on more than certificates, or a variable tells what clients offer. */
function mustReadHello(addresses: readonly AddressServers[]): boolean {
  const known = readingHello.get(addresses);
  if (known !== undefined) return known;
  const servers = serversOf(addresses);
  const rules = new Set(servers.filter(({ tls }) => tls.behind.size > 0).map(({ tls }) => tls.rules));
  const must =
    addresses.length > 1 || rules.size > 1 || servers.some(({ tls }) => tls.rejects || tls.readsHello);
  readingHello.set(addresses, must);
  return must;
}

/** Asked for each handshake, and there may be thousands of servers. */
const readingHello = new WeakMap<readonly AddressServers[], boolean>();

const withoutHttp2 = ["http/1.1", "http/1.0", "http/0.9"];
const withHttp2 = ["h2", ...withoutHttp2];

/** Whether the server of that name, or the address, says that HTTP/2 is spoken. */
function speaksHttp2(socket: ListenSocket, name: string | null, ends: ConnectionEnds | null): boolean {
  const { settings, choice } = ends === null ? socket.main : socket.serversFor(ends.local);
  const server = name === null ? choice.defaultServer : choice.findNegotiated(name);
  return settings.http2 || server.http2.enabled;
}

function serverTls(socket: ListenSocket, gateway: Gateway): ServerTls {
  const find = (name: string | null, ends: ConnectionEnds | null): Handshakes | null => {
    const { choice } = ends === null ? socket.main : socket.serversFor(ends.local);
    const { defaultServer } = choice;
    try {
      const { tls } = name === null ? defaultServer : choice.find(name, null);
      if (tls.rejects) return null;
      return tls.behind.get(defaultServer) ?? defaultServer.tls.behind.get(defaultServer) ?? null;
    } catch (error) {
      if (!(error instanceof RegexFailure)) throw error;
      defaultServer.root.core.errorLog.write("alert", `${error.message} while SSL handshaking`);
      return null;
    }
  };
  // Asked for the context first: patterns need not be matched twice.
  let latest: { name: string | null; ends: ConnectionEnds | null; found: Handshakes | null } | null = null;
  return {
    contextFor(name, ends) {
      const found = find(name, ends);
      latest = ends === null ? null : { name, ends, found };
      if (found === null) return null;
      if (ends === null || !found.varies) return found.contextFor(null);
      return found.contextFor({ gateway, listenSocket: socket, server: found.server, name, ends });
    },
    sessionsFor(name, ends) {
      const known = latest !== null && latest.name === name && latest.ends === ends ? latest.found : null;
      latest = null;
      return (known ?? find(name, ends))?.sessions ?? null;
    },
    alpnFor: (name, ends) => (speaksHttp2(socket, name, ends) ? withHttp2 : withoutHttp2),
    requestCertificate: serversOf(socket.all).some((server) => server.tls.requestsCertificate),
    // A reload may change it.
    get readsHello() {
      return mustReadHello(socket.all);
    },
    handshakeTimeoutMs: socket.main.choice.defaultServer.core.clientHeaderTimeoutMs,
  };
}
