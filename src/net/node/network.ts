import { randomInt } from "node:crypto";
import { lookup } from "node:dns/promises";
import { type InternalErrorHook, reportToStderr } from "../guard.ts";
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
import { SystemClock } from "./clock.ts";
import { collectGarbage } from "./collect.ts";
import { NodeDatagramPeer } from "./datagram-peer.ts";
import { NodeDial } from "./dial.ts";
import { SocketCount } from "../socket-count.ts";
import { NodeListener } from "./listener.ts";
import { runsOnBun } from "./runtime.ts";
import { sharedTlsContext } from "./shared-tls-context.ts";

/** What can be chosen of the network of `node:net`. */
export interface NodeNetworkOptions {
  /** Gets exceptions thrown by owners and timers. Default: stderr. */
  readonly onInternalError?: InternalErrorHook;
}

/** The system's sockets through node:net and node:tls; runs on Node and on Bun. */
export class NodeNetwork implements Network {
  readonly name = "node";
  readonly tlsLibrary = runsOnBun ? "boringssl" : "openssl";
  readonly clock: SystemClock;
  private readonly onInternalError: InternalErrorHook;
  private readonly sockets = new SocketCount();

  constructor(options: NodeNetworkOptions) {
    this.onInternalError = options.onInternalError ?? reportToStderr;
    this.clock = new SystemClock(this.onInternalError);
  }

  get openSockets(): number {
    return this.sockets.open;
  }

  random(): number {
    return Math.random();
  }

  randomId(): number {
    return randomInt(0x1_0000);
  }

  async listen(options: ListenOptions, events: ListenerEvents): Promise<Listener> {
    const listener = new NodeListener(options, events, this.clock, this.sockets, this.onInternalError);
    await listener.start();
    return listener;
  }

  dial(options: DialOptions, events: DialEvents): Dial {
    return new NodeDial(options, events, this.sockets, this.onInternalError);
  }

  datagrams(endpoint: TcpEndpoint, events: DatagramEvents): DatagramPeer {
    return new NodeDatagramPeer(endpoint, events, this.sockets, this.onInternalError);
  }

  tlsContext(options: TlsContextOptions): TlsContext {
    return sharedTlsContext(options);
  }

  async resolve(hostname: string): Promise<string[]> {
    const found = await lookup(hostname, { all: true, order: "ipv4first" });
    return found.map((entry) => entry.address);
  }

  giveBackMemory(thoroughly: boolean): void {
    collectGarbage(thoroughly);
  }
}

/** The system's network by `node:net` and `node:tls`, for one event loop; runs on both runtimes. */
export function createNodeNetwork(options: NodeNetworkOptions = {}): Network {
  return new NodeNetwork(options);
}
