import { reportToStderr } from "../guard.ts";
import type {
  DatagramEvents,
  DatagramPeer,
  Dial,
  DialEvents,
  DialOptions,
  ListenOptions,
  Listener,
  ListenerEvents,
  Network,
  TcpEndpoint,
  TlsContext,
  TlsContextOptions,
} from "../network.ts";
import type { SystemClock } from "../node/clock.ts";
import { NodeNetwork, type NodeNetworkOptions } from "../node/network.ts";
import { nodeContext } from "../node/tls-context.ts";
import { SocketCount } from "../socket-count.ts";
import { requireBun } from "./api.ts";
import { BunDial } from "./dial.ts";
import { clientTlsHandlers, plainHandlers, serverTlsHandlers } from "./handlers.ts";
import { openLibc } from "./libc.ts";
import { BunPlainListener } from "./listener.ts";
import { BunTlsListener } from "./tls-listener.ts";
import { ReceivedMemory } from "./received-memory.ts";
import { needsNodeTls } from "./tls-options.ts";

/** A collection stops the thread for 4 ms for each thousand tunnels: with more sockets it is left to the runtime. */
const collectedMax = 10_000;

/**
 * A forced collection stops the thread: 16 to 37 ms of its own for 64 to 177 MB (measured), and what its helpers
 * take on a busy machine.
 */
const forcedHeapBytesMax = 32 * 1024 * 1024;

/** The system's sockets through Bun's own API; node's where that lacks something. */
export class BunNetwork implements Network {
  readonly name = "bun";
  readonly tlsLibrary = "boringssl";
  readonly clock: SystemClock;
  private readonly node: NodeNetwork;
  private readonly onInternalError: (error: unknown) => void;
  private readonly plain: ReturnType<typeof plainHandlers>;
  private readonly clientTls: ReturnType<typeof clientTlsHandlers>;
  private readonly serverTls: ReturnType<typeof serverTlsHandlers>;
  private readonly libc = openLibc();
  private readonly sockets = new SocketCount();

  /** @throws Error on another runtime than Bun. */
  constructor(options: NodeNetworkOptions) {
    requireBun();
    this.onInternalError = options.onInternalError ?? reportToStderr;
    this.node = new NodeNetwork(options);
    this.clock = this.node.clock;
    const received = new ReceivedMemory(this.clock, () => {
      if (this.openSockets <= collectedMax) requireBun().gc(true);
    });
    this.plain = plainHandlers(this.sockets, received, this.onInternalError);
    this.clientTls = clientTlsHandlers(this.sockets, received, this.onInternalError);
    this.serverTls = serverTlsHandlers(this.sockets, received, this.onInternalError);
  }

  get openSockets(): number {
    return this.sockets.open + this.node.openSockets;
  }

  random(): number {
    return Math.random();
  }

  randomId(): number {
    return this.node.randomId();
  }

  async listen(options: ListenOptions, events: ListenerEvents): Promise<Listener> {
    if (options.tls === null) return new BunPlainListener(options, events, this.plain, this.onInternalError);
    return this.nativeTls(options, options.tls, events) ?? this.node.listen(options, events);
  }

  dial(options: DialOptions, events: DialEvents): Dial {
    const { tls } = options;
    if (tls !== null && dialNeedsNode(tls)) return this.node.dial(options, events);
    const handlers = tls === null ? this.plain : this.clientTls;
    return new BunDial(options, events, handlers, this.sockets, this.onInternalError);
  }

  /** node:dgram: names are asked for seldom. */
  datagrams(endpoint: TcpEndpoint, events: DatagramEvents): DatagramPeer {
    return this.node.datagrams(endpoint, events);
  }

  tlsContext(options: TlsContextOptions): TlsContext {
    return this.node.tlsContext(options);
  }

  resolve(hostname: string): Promise<string[]> {
    return this.node.resolve(hostname);
  }

  giveBackMemory(): void {
    // Without force it often collects nothing while the loop is idle (measured, Bun 1.4.5).
    requireBun().gc(process.memoryUsage().heapUsed <= forcedHeapBytesMax);
  }

  /** Null where Bun's own TLS sockets cannot do what is asked. */
  private nativeTls(
    options: ListenOptions,
    serverTls: NonNullable<ListenOptions["tls"]>,
    events: ListenerEvents,
  ): Listener | null {
    const { libc, clock, onInternalError } = this;
    // The name chooses the certificate there, and nothing else.
    if (serverTls.readsHello === true) return null;
    const context = serverTls.contextFor(null, null);
    if (libc === null || context === null || context === "unavailable" || options.endpoint.kind === "unix")
      return null;
    // What has been read of a socket cannot be given back to it.
    if (serverTls.prologueFor !== undefined) return null;
    // Authorities for client certificates belong to the listener there, not to the SNI name.
    if (serverTls.requestCertificate || needsNodeTls(nodeContext(context).options)) return null;
    // Without a choice its ALPN callback is a fatal alert, so it must not run where nothing is offered.
    if (serverTls.alpnFor(null, null).length === 0) return null;
    return new BunTlsListener({
      options,
      serverTls,
      context,
      events,
      tlsHandlers: this.serverTls,
      plainHandlers: this.plain,
      libc,
      clock,
      onInternalError,
    });
  }
}

/** Trust in the system's store, and what only node:tls has options for. */
function dialNeedsNode(tls: NonNullable<DialOptions["tls"]>): boolean {
  const { options } = nodeContext(tls.context);
  return needsNodeTls(options) || (tls.verifyName !== null && options.ca === null);
}

/** @throws Error on another runtime than Bun. */
export function createBunNetwork(options: NodeNetworkOptions = {}): Network {
  return new BunNetwork(options);
}
