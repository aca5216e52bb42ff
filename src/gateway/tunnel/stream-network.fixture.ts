/** A simulated network whose connections are streams of HTTP/2, several on each connection of the network below. */
import { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { http2Options } from "../../http2/options.ts";
import type { Http2Options } from "../../http2/options.ts";
import { Http2Session } from "../../http2/session.ts";
import type { Http2SessionEvents } from "../../http2/session-events.ts";
import type { Http2Stream } from "../../http2/stream.ts";
import type { Http2StreamOwner } from "../../http2/stream-owner.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import { createMemoryNetwork } from "../../net/memory/network.ts";
import type { MemoryNetwork, MemoryNetworkOptions } from "../../net/memory/network.ts";
import type {
  Dial,
  DialEvents,
  DialOptions,
  Endpoint,
  Listener,
  ListenerEvents,
  ListenOptions,
  Network,
} from "../../net/network.ts";
import { StreamConnection } from "./stream-connection.ts";
import type { StreamCarrier } from "./stream-connection.ts";

export const streamOptions: Http2Options = {
  ...http2Options,
  requestHead: { ...http2Options.requestHead, extendedConnect: true },
  // As much as a kernel holds for a reader that has stopped.
  initialWindowSize: 512 * 1024,
  // Resets and stops are what these tests are made of.
  limits: { ...http2Options.limits, windowUpdates: { burst: 1e9, perSecond: 0 } },
};

/** Tells whether its first owner wants it paused, as connections of other adapters begin to flow by themselves. */
export class FlowingStream extends StreamConnection {
  private halted = false;

  override pause(): void {
    this.halted = true;
    super.pause();
  }

  begin(owner: ConnectionOwner): void {
    this.owner = owner;
    if (!this.halted) this.resume();
  }
}

/** A connection with its session: each stream of a client is told to `onStream`, with 200 as its answer. */
export class Carrier implements StreamCarrier, ConnectionOwner, Http2SessionEvents {
  readonly session: Http2Session;
  readonly socket: Connection;
  readonly clock: Clock;
  lostBy: string | null = null;
  private readonly onStream: (stream: FlowingStream) => ConnectionOwner;
  private readonly report: (error: unknown) => void;

  constructor(
    role: "client" | "server",
    socket: Connection,
    clock: Clock,
    report: (error: unknown) => void,
    onStream: (stream: FlowingStream) => ConnectionOwner,
  ) {
    this.socket = socket;
    this.clock = clock;
    this.report = report;
    this.onStream = onStream;
    const sink = { write: (bytes: Buffer) => socket.send(bytes) };
    this.session = new Http2Session(role, this, sink, streamOptions, clock);
    this.session.start();
    this.session.flush();
  }

  reportInternalError(error: unknown): void {
    this.report(error);
  }

  onData(bytes: Buffer): void {
    this.session.feed(bytes);
  }

  onDrain(): void {
    this.session.onDrain();
    this.session.flush();
  }

  onEnd(): void {
    this.session.close();
    this.socket.shutdown();
  }

  onClose(code: string | null): void {
    this.lostBy = code;
    this.session.close();
  }

  onRequest(stream: Http2Stream): void {
    stream.sendHead(200, new Fields(), false);
    const connection = new FlowingStream(stream, this);
    try {
      connection.begin(this.onStream(connection));
    } catch (error) {
      connection.reset();
      this.report(error);
    }
  }

  onOutput(): void {
    this.clock.soon(() => this.session.flush());
  }

  onStreamClosed(): void {
    if (this.session.isServer) return;
    this.clock.soon(() => {
      this.session.flush();
      if (this.session.streams.size === 0) this.socket.shutdown();
    });
  }

  onFailure(): void {
    this.socket.close();
  }

  onRefused(): void {}
  onSettings(): void {}
  onSettingsAck(): void {}
  onPong(): void {}
  onGoAway(): void {}
  onCapacity(): void {}
  onDrained(): void {}
}

/** A client's stream until its 200 has come. */
class Asking implements Http2StreamOwner {
  private readonly carrier: Carrier;
  private readonly events: DialEvents;

  constructor(carrier: Carrier, events: DialEvents) {
    this.carrier = carrier;
    this.events = events;
  }

  onHead(stream: Http2Stream, _head: ResponseHead, _ended: boolean): void {
    const connection = new FlowingStream(stream, this.carrier);
    connection.begin(this.events.onConnected(connection));
  }

  onReset(): void {
    this.events.onFailed("ECONNRESET", "stream reset");
  }

  onData(): void {}
  onTrailers(): void {}
  onEnd(): void {}
  onWritable(): void {}
}

const start = { method: "CONNECT", scheme: "http", authority: "a", path: "/", connectProtocol: "websocket" };

/** The network below, but for `listen` and `dial`: what they make are streams. */
export class StreamNetwork implements Network {
  readonly name = "memory";
  readonly tlsLibrary = "openssl";
  readonly below: MemoryNetwork;
  readonly clock: MemoryNetwork["clock"];
  private readonly report: (error: unknown) => void;
  private readonly clients = new Map<string, Carrier>();

  constructor(options: MemoryNetworkOptions & { readonly onInternalError: (error: unknown) => void }) {
    this.below = createMemoryNetwork(options);
    this.clock = this.below.clock;
    this.report = options.onInternalError;
  }

  get openSockets(): number {
    return this.below.openSockets;
  }

  listen(options: ListenOptions, events: ListenerEvents): Promise<Listener> {
    return this.below.listen(options, {
      onConnection: (socket) =>
        new Carrier("server", socket, this.clock, this.report, (stream) => events.onConnection(stream, null)),
      onHandshakeError: () => {},
    });
  }

  dial(options: DialOptions, events: DialEvents): Dial {
    const key = keyOf(options.endpoint);
    const known = this.clients.get(key);
    if (known !== undefined && !known.session.closed && known.session.streams.size > 0) {
      known.session.open(start, new Fields(), false, new Asking(known, events));
      return { abort() {} };
    }
    return this.below.dial(options, {
      onConnected: (socket) => {
        const carrier = new Carrier("client", socket, this.clock, this.report, () => {
          throw new Error("a server opens no streams");
        });
        this.clients.set(key, carrier);
        carrier.session.open(start, new Fields(), false, new Asking(carrier, events));
        return carrier;
      },
      onFailed: (code, message) => events.onFailed(code, message),
    });
  }

  random(): number {
    return this.below.random();
  }

  randomId(): number {
    return this.below.randomId();
  }

  tlsContext(...options: Parameters<Network["tlsContext"]>): ReturnType<Network["tlsContext"]> {
    return this.below.tlsContext(...options);
  }

  resolve(hostname: string): Promise<string[]> {
    return this.below.resolve(hostname);
  }

  datagrams(...parts: Parameters<Network["datagrams"]>): ReturnType<Network["datagrams"]> {
    return this.below.datagrams(...parts);
  }

  giveBackMemory(thoroughly: boolean): void {
    this.below.giveBackMemory(thoroughly);
  }
}

function keyOf(endpoint: Endpoint): string {
  return endpoint.kind === "tcp" ? `${endpoint.address}:${endpoint.port}` : endpoint.path;
}
