/**
 * A network inside the process, with a clock of its own: what happens, and when, follows from the
 * seed alone. For tests.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { parseIp, formatIp, unmapIpv4 } from "../address.ts";
import type { ConnectionOwner, SocketAddress, TlsInfo } from "../connection.ts";
import { type InternalErrorHook, reportToStderr } from "../guard.ts";
import type {
  DatagramEvents,
  DatagramPeer,
  Dial,
  DialEvents,
  DialOptions,
  Endpoint,
  ListenOptions,
  Listener,
  ListenerEvents,
  Network,
  TcpEndpoint,
  TlsContext,
  TlsContextOptions,
} from "../network.ts";
import { VirtualClock } from "./clock.ts";
import { MemoryConnection, type World } from "./connection.ts";
import { ClientHandshake } from "./handshake.ts";
import { MemoryListener } from "./listener.ts";
import { SocketCount } from "../socket-count.ts";
import { MemoryDatagramPeer, MemoryNames, datagramKey } from "./name-servers.ts";
import type { DatagramServer } from "./name-servers.ts";
import { SeededRandom } from "./random.ts";
import { MemoryTlsContext } from "./tls-context.ts";
import { fairWeather, type Weather } from "./weather.ts";

/** When Linux gives up on a connect without an answer. */
const dialTimeoutMs = 127_000;

/** First of the ports that the system hands out. */
const ephemeralPort = 32_768;

/** `advance` gives up here: timers that set each other for ever. */
const eventsMax = 10_000_000;

/**
 * What a simulated network starts with. All that is left to chance follows from `seed`; `weather` is fair
 * where it says nothing.
 */
export interface MemoryNetworkOptions {
  readonly seed: number;
  readonly weather?: Partial<Weather>;
  /** The wall clock's time at the start, in milliseconds since the epoch. */
  readonly wallMs?: number;
  readonly onInternalError?: InternalErrorHook;
}

/**
 * A network inside this process, with a virtual clock: nothing moves but by `advance` and
 * `runUntilIdle`, and the same seed gives the same run. Delays, stalls, resets and refusals are its `weather`.
 */
export class MemoryNetwork implements Network {
  readonly name = "memory";
  readonly tlsLibrary = "openssl";
  readonly clock: VirtualClock;
  /** May be changed at any time. */
  readonly weather: Weather;
  /** What `resolve` knows, and each name server of this world. */
  readonly nameServer = new MemoryNames();
  /** Who gets datagrams, by endpoint: see `serveDatagrams`. At port 53 of other addresses is a name server. */
  private readonly datagramServers = new Map<string, DatagramServer>();
  /** IP addresses that never answer. */
  readonly blackHoles = new Set<string>();
  /** Every connection's dialing end, in order of appearance: for faults on purpose. */
  readonly dialed: MemoryConnection[] = [];
  /** How often memory was asked back. */
  memoryGivenBack = 0;
  memoryGivenBackThoroughly = 0;
  private readonly world: World;
  private readonly listeners: MemoryListener[] = [];
  private nextPort = ephemeralPort;

  constructor(options: MemoryNetworkOptions) {
    const onInternalError = options.onInternalError ?? reportToStderr;
    this.clock = new VirtualClock(options.wallMs ?? 0, onInternalError);
    this.weather = { ...fairWeather(), ...options.weather };
    const random = new SeededRandom(options.seed);
    const sockets = new SocketCount();
    this.world = { clock: this.clock, random, weather: this.weather, sockets, onInternalError };
  }

  get names(): Map<string, string[]> {
    return this.nameServer.names;
  }

  get openSockets(): number {
    return this.world.sockets.open;
  }

  random(): number {
    return this.world.random.next();
  }

  randomId(): number {
    return this.world.random.integer(0, 0xffff);
  }

  async listen(options: ListenOptions, events: ListenerEvents): Promise<Listener> {
    const address = this.bindable(options);
    const listener = new MemoryListener(address, options, events, this.world, (stopped) => {
      const at = this.listeners.indexOf(stopped);
      if (at >= 0) this.listeners.splice(at, 1);
    });
    this.listeners.push(listener);
    return listener;
  }

  dial(options: DialOptions, events: DialEvents): Dial {
    return new MemoryDial(this, this.world, options, events);
  }

  tlsContext(options: TlsContextOptions): TlsContext {
    return new MemoryTlsContext(options);
  }

  giveBackMemory(thoroughly: boolean): void {
    this.memoryGivenBack += 1;
    if (thoroughly) this.memoryGivenBackThoroughly += 1;
  }

  async resolve(hostname: string): Promise<string[]> {
    const found = this.nameServer.names.get(hostname.toLowerCase());
    if (found !== undefined) return [...found];
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), { code: "ENOTFOUND" });
  }

  datagrams(endpoint: TcpEndpoint, events: DatagramEvents): DatagramPeer {
    const { sockets, onInternalError } = this.world;
    const nameServer = endpoint.port === 53 ? this.nameServer.serve : null;
    const server = this.datagramServers.get(datagramKey(endpoint)) ?? nameServer;
    const heard: DatagramServer | null = this.blackHoles.has(endpoint.address) ? () => undefined : server;
    sockets.open += 1;
    return new MemoryDatagramPeer(heard, events, this.clock, onInternalError, () => (sockets.open -= 1));
  }

  /** Who gets the datagrams to an endpoint from now on. */
  serveDatagrams(endpoint: Pick<TcpEndpoint, "address" | "port">, server: DatagramServer): void {
    this.datagramServers.set(datagramKey(endpoint), server);
  }

  /** True while a listener's socket file is at `path`. */
  exists(path: string): boolean {
    return this.listeners.some(({ address }) => address.family === "unix" && address.address === path);
  }

  /** Lets `durationMs` pass; whoever waits for a promise gets its turn after each event. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.clock.now() + durationMs;
    await nextTurn();
    for (let events = 0; this.clock.nextAt <= endMs; events++) {
      if (events > eventsMax) throw new Error("the simulated network does not come to rest");
      this.clock.step();
      await nextTurn();
    }
    this.clock.moveTo(endMs);
  }

  /** Lets time pass until nothing is left to happen, timers included. */
  async runUntilIdle(): Promise<void> {
    await nextTurn();
    for (let events = 0; this.clock.step(); events++) {
      if (events > eventsMax) throw new Error("the simulated network does not come to rest");
      await nextTurn();
    }
  }

  /** Lets time pass by itself, as fast as events allow, until the returned function is called. */
  autoRun(): () => void {
    let stopped = false;
    const turn = (): void => {
      if (stopped) return;
      // With nothing to do, the test itself is at work: look again later.
      if (this.clock.step()) setImmediate(turn);
      else setTimeout(turn, 1);
    };
    setImmediate(turn);
    return () => {
      stopped = true;
    };
  }

  /** The listener that a connect to `endpoint` reaches, and the local address it sees; null: none. */
  route(endpoint: Endpoint): { listener: MemoryListener; local: SocketAddress } | null {
    const exact = this.pick(endpoint, addressText(endpoint));
    if (exact !== undefined) return { listener: exact, local: exact.address };
    if (endpoint.kind === "unix") return null;
    const { port } = endpoint;
    if (endpoint.address.includes(":")) {
      const any = this.pick(endpoint, "::");
      return any === undefined
        ? null
        : { listener: any, local: { family: "ipv6", address: endpoint.address, port } };
    }
    const any4 = this.pick(endpoint, "0.0.0.0");
    if (any4 !== undefined)
      return { listener: any4, local: { family: "ipv4", address: endpoint.address, port } };
    const dual = this.pick(endpoint, "::");
    if (dual === undefined || dual.options.ipv6Only !== false) return null;
    return { listener: dual, local: { family: "ipv6", address: `::ffff:${endpoint.address}`, port } };
  }

  /** False once it was stopped: what is on its way to it then is refused. */
  isListening(listener: MemoryListener): boolean {
    return this.listeners.includes(listener);
  }

  /** A port that nobody has been given before. */
  takePort(): number {
    return this.nextPort++;
  }

  private pick(endpoint: Endpoint, address: string): MemoryListener | undefined {
    const port = endpoint.kind === "unix" ? 0 : endpoint.port;
    const family = endpoint.kind === "unix" ? "unix" : null;
    return this.world.random.pick(
      this.listeners.filter((listener) => {
        const bound = listener.address;
        return (
          bound.address === address && bound.port === port && (bound.family === "unix") === (family !== null)
        );
      }),
    );
  }

  private bindable(options: ListenOptions): SocketAddress {
    const { endpoint } = options;
    const address = addressText(endpoint);
    if (endpoint.kind === "unix") {
      if (this.exists(address)) throw inUse(address);
      return { family: "unix", address, port: 0 };
    }
    const port = endpoint.port === 0 ? this.takePort() : endpoint.port;
    const taken = this.listeners.filter((listener) => {
      return listener.address.port === port && listener.address.address === address;
    });
    const shared =
      options.reusePort === true && taken.every((listener) => listener.options.reusePort === true);
    if (taken.length > 0 && !shared) throw inUse(`${address}:${port}`);
    return { family: address.includes(":") ? "ipv6" : "ipv4", address, port };
  }
}

/** One attempt to connect in the simulated network. */
class MemoryDial implements Dial {
  private readonly network: MemoryNetwork;
  private readonly world: World;
  private readonly options: DialOptions;
  private readonly events: DialEvents;
  private connection: MemoryConnection | null = null;
  private done = false;

  constructor(network: MemoryNetwork, world: World, options: DialOptions, events: DialEvents) {
    this.network = network;
    this.world = world;
    this.options = options;
    this.events = events;
    const { random, weather } = world;
    const { endpoint } = options;
    const lost =
      endpoint.kind === "tcp" &&
      (network.blackHoles.has(endpoint.address) || random.chance(weather.loseDialChance));
    if (lost) this.later(dialTimeoutMs, () => this.fail("ETIMEDOUT"));
    else this.later(this.delayMs() + this.delayMs(), () => this.connect());
  }

  abort(): void {
    if (this.done) return;
    this.done = true;
    this.connection?.close();
  }

  private connect(): void {
    const { endpoint } = this.options;
    const { clock, random, weather } = this.world;
    const route = this.network.route(endpoint);
    if (route === null || random.chance(weather.refuseChance)) {
      this.fail(endpoint.kind === "unix" && route === null ? "ENOENT" : "ECONNREFUSED");
      return;
    }
    const { near, far } = this.ends(route.local);
    this.connection = near;
    this.network.dialed.push(near);
    const acceptDelayMs = this.delayMs();
    MemoryConnection.join(near, far, clock.now() + acceptDelayMs);
    clock.timer(acceptDelayMs, () => {
      // The accept queue of a listener that has stopped is reset.
      if (this.network.isListening(route.listener)) route.listener.accept(far);
      else far.reset();
    });
    if (this.options.tls === null) this.succeed(null, Buffer.alloc(0));
    else this.secure(near, this.options.tls);
  }

  private ends(reached: SocketAddress): { near: MemoryConnection; far: MemoryConnection } {
    const { endpoint, localAddress, localPort } = this.options;
    const unnamed: SocketAddress = { family: "unix", address: "", port: 0 };
    if (endpoint.kind === "unix") {
      return {
        near: new MemoryConnection(this.world, unnamed, reached),
        far: new MemoryConnection(this.world, reached, unnamed),
      };
    }
    const family = endpoint.address.includes(":") ? "ipv6" : "ipv4";
    const address = localAddress ?? (family === "ipv6" ? "::1" : "127.0.0.1");
    const local: SocketAddress = { family, address, port: localPort ?? this.network.takePort() };
    const mapped = reached.family === family ? address : `::ffff:${address}`;
    const seen: SocketAddress = { family: reached.family, address: mapped, port: local.port };
    const asked: SocketAddress = { family, address: endpoint.address, port: endpoint.port };
    return {
      near: new MemoryConnection(this.world, local, asked),
      far: new MemoryConnection(this.world, reached, seen),
    };
  }

  private secure(connection: MemoryConnection, tls: NonNullable<DialOptions["tls"]>): void {
    const handshake = new ClientHandshake(connection, tls, {
      onDone: (info, rest) => this.succeed(info, rest),
      onFailed: (code) => this.fail(code),
    });
    connection.begin(handshake);
  }

  private succeed(info: TlsInfo | null, rest: Buffer): void {
    const connection = this.connection;
    if (this.done || connection === null) return;
    this.done = true;
    if (info !== null) connection.secured(info);
    connection.guarded(() => {
      const owner: ConnectionOwner = this.events.onConnected(connection);
      connection.begin(owner, [rest]);
    });
  }

  private fail(code: string): void {
    if (this.done) return;
    this.done = true;
    this.events.onFailed(code, `connect ${code}`);
  }

  private later(delayMs: number, run: () => void): void {
    this.world.clock.timer(delayMs, () => {
      if (!this.done) run();
    });
  }

  private delayMs(): number {
    const { random, weather } = this.world;
    return random.integer(weather.delayMsMin, weather.delayMsMax);
  }
}

/** The path, or the IP address in one spelling. */
function addressText(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return endpoint.path;
  const bytes = parseIp(endpoint.address);
  return bytes === null ? endpoint.address : formatIp(unmapIpv4(bytes));
}

function inUse(what: string): Error {
  return Object.assign(new Error(`listen EADDRINUSE: address already in use ${what}`), {
    code: "EADDRINUSE",
  });
}

/** A simulated network in which nobody listens and no name is known yet. */
export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new MemoryNetwork(options);
}
