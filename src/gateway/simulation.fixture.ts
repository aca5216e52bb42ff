/** A whole gateway on the simulated network, with clients, upstream servers and a check that nothing is left. */
import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { DiskFiles } from "../config/files.ts";
import type { Connection, ConnectionOwner } from "../net/connection.ts";
import { createMemoryNetwork, type MemoryNetwork } from "../net/memory/network.ts";
import type { Weather } from "../net/memory/weather.ts";
import type {
  Dial,
  DialEvents,
  DialOptions,
  Endpoint,
  Listener,
  ListenerEvents,
  ListenOptions,
  Network,
} from "../net/network.ts";
import { startReading } from "../runtime/configuration.ts";
import type { Configuration } from "../runtime/configuration.ts";
import { LoneServing } from "../runtime/lone-serving.ts";
import type { Peer } from "./balance/peer.ts";
import { ErrorLog } from "./log/error-log.ts";
import type { Gateway } from "./serve/gateway.ts";
import type { HttpModule } from "./build/http-module.ts";
import type { LogFiles } from "./log/log-files.ts";
import { incomplete, Wire } from "./wire.fixture.ts";
import type { Message } from "./wire.fixture.ts";

const gatewayAddress = "10.0.0.1";
const originAddress = "10.0.0.9";
const configFile = "/simulated/nginx.conf";
const eventsMax = 3_000_000;
const turnEvery = 200;

export interface SimulationOptions {
  readonly seed?: number;
  readonly weather?: Partial<Weather>;
  /** What stands in the `http` block beside the log format. */
  readonly http: string;
  /** What stands in the `events` block. */
  readonly events?: string;
  /** Modules beside the built-in ones. */
  readonly modules?: readonly HttpModule[];
}

/** Everything arrives at once: what takes time then is the gateway's own doing. */
export const stillWeather: Partial<Weather> = { delayMsMin: 0, delayMsMax: 0, partialWriteChance: 0 };

/** The same with 1 ms for each segment: for more than fits into the kernels, where nothing takes no time. */
export const steadyWeather: Partial<Weather> = { ...stillWeather, delayMsMin: 1, delayMsMax: 1 };

/** Delays, odd segments, partial writes, small kernel buffers, and stalls. */
export const livelyWeather: Partial<Weather> = {
  delayMsMin: 0,
  delayMsMax: 20,
  segmentBytesMax: 3_000,
  kernelBytesMax: 20_000,
  partialWriteChance: 0.3,
  stallChance: 0.02,
  stallMsMax: 300,
};

export class Simulation {
  readonly network: MemoryNetwork;
  readonly gateway: Gateway;
  /** One entry per request: "GET /x 200 5 200". */
  readonly accessLines: string[] = [];
  readonly errorLines: string[] = [];
  readonly internalErrors: unknown[] = [];
  /** The gateway's ends of all connections: accepted and dialed. */
  readonly ends: Connection[] = [];
  /** Peers that are counted as in use, with how often. */
  readonly held = new Map<Peer, number>();
  private readonly clients: Wire[] = [];
  private readonly lone: LoneServing;
  private readonly events: string;

  private constructor(options: SimulationOptions) {
    this.network = createMemoryNetwork({
      seed: options.seed ?? 1,
      weather: options.weather ?? stillWeather,
      wallMs: Date.UTC(2030, 0, 1),
      onInternalError: (error) => this.internalErrors.push(error),
    });
    // Enough for any simulation.
    this.events = options.events ?? "worker_connections 20000;";
    const logs: LogFiles = {
      open: () => ({ write: (line) => this.accessLines.push(line.trimEnd()) }),
      syslog: () => ({ write: (line) => this.errorLines.push(`syslog: ${line.trimEnd()}`) }),
      stderr: { write: (line) => this.errorLines.push(line.trimEnd()) },
      reopen() {},
      flush() {},
    };
    const errorLog = new ErrorLog([{ sink: logs.stderr, level: "info" }], this.network.clock);
    const { modules = [] } = options;
    this.lone = new LoneServing({ network: this.watched(), logs, errorLog, modules });
    this.gateway = this.lone.serving.gateway;
  }

  static async start(options: SimulationOptions): Promise<Simulation> {
    const simulation = new Simulation(options);
    await simulation.configure(options.http);
    return simulation;
  }

  get now(): number {
    return this.network.clock.now();
  }

  /** Takes over another `http` block, as a reload does. */
  async configure(http: string): Promise<void> {
    const format =
      "log_format line '$request_method $request_uri $status $body_bytes_sent $upstream_status';";
    const text = `error_log stderr info; events { ${this.events} } http { ${format} access_log a.log line; ${http} }`;
    const reading = startReading(new TextFile(text));
    const commandLine = {
      configFile,
      configFileGiven: true,
      prefix: "/simulated/",
      globals: "",
      errorLog: "stderr",
      testOnly: false,
      dump: false,
      quiet: true,
      signal: null,
    };
    const candidate = await this.lone.read(reading, commandLine);
    this.countPeers(candidate.configuration);
    await this.lone.takeOver(candidate);
  }

  /** A request on a connection of its own; resolves with the answer. */
  async ask(request: string): Promise<Message> {
    const client = this.client();
    client.send(request);
    let message: Message | typeof incomplete = incomplete;
    await this.until(() => (message = client.take()) !== incomplete);
    client.leave();
    return message as unknown as Message;
  }

  /** A client that connects to the gateway now. */
  client(port = 80): Wire {
    const wire = new Wire(this.network.clock);
    this.clients.push(wire);
    wire.dial(this.network, { kind: "tcp", address: gatewayAddress, port });
    return wire;
  }

  /** A server, on 10.0.0.9 unless told otherwise, whose behaviour on each connection is `serve`. */
  async origin(
    port: number,
    serve: (wire: Wire, connection: number) => void,
    address = originAddress,
  ): Promise<Origin> {
    const wires: Wire[] = [];
    const endpoint: Endpoint = { kind: "tcp", address, port };
    const listener = await this.network.listen(
      { endpoint, tls: null },
      {
        onConnection: (connection) => {
          const wire = new Wire(this.network.clock);
          wires.push(wire);
          wire.opened(connection);
          serve(wire, wires.length);
          return wire;
        },
        onHandshakeError() {},
      },
    );
    return { wires, stop: () => listener.stop() };
  }

  async advance(ms: number): Promise<void> {
    const end = this.now + ms;
    await this.run(() => this.network.clock.nextAt > end);
    this.network.clock.moveTo(end);
  }

  /** Lets time pass until `holds`, at most `withinMs`. Time stands where it came true. */
  async until(holds: () => boolean, withinMs = 600_000): Promise<void> {
    const end = this.now + withinMs;
    let held = false;
    await this.run(() => (held ||= holds()) || this.network.clock.nextAt > end);
    assert.ok(held, "what was waited for did not happen");
  }

  /** Event after event. Promises get their turn now and then, and when nothing else is to happen. */
  private async run(over: () => boolean): Promise<void> {
    const { clock } = this.network;
    for (let events = 1; ; events++) {
      assert.ok(events < eventsMax, "the simulation does not come to rest");
      if (over()) {
        await nextTurn();
        if (over()) return;
      }
      clock.step();
      if (events % turnEvery === 0) await nextTurn();
    }
  }

  stopListening(): Promise<void> {
    return this.lone.serving.listeners.stop();
  }

  /** All clients leave; then nothing may be left: no connection, tunnel, timer, counted peer. */
  async finish(): Promise<void> {
    for (const client of this.clients) client.leave();
    await this.advance(300_000);
    this.closePools();
    // Longer than a farewell takes, and than any time for reading that was set: queues of deadlines look once more.
    await this.advance(61_000);
    this.assertNothingLeft();
  }

  private assertNothingLeft(): void {
    assert.deepEqual(this.internalErrors, []);
    assert.deepEqual(
      this.errorLines.filter((line) => /\[alert\]|internal error/.test(line)),
      [],
    );
    this.assertNothingOpen();
    assert.equal(this.network.clock.nextAt, Infinity, "timers are left");
  }

  assertNothingOpen(): void {
    assert.equal(this.gateway.connections.size, 0, "client connections are left");
    assert.equal(this.gateway.tunnels.size, 0, "tunnels are left");
    assert.equal(this.ends.filter((end) => end.open).length, 0, "sockets are left open");
    assert.deepEqual(
      [...this.held.values()].filter((count) => count !== 0),
      [],
      "peers stay counted",
    );
  }

  closePools(): void {
    this.lone.serving.end();
  }

  /** The memory network, noting which connections the gateway has. */
  private watched(): Network {
    const { network, ends } = this;
    const listen = (options: ListenOptions, events: ListenerEvents): Promise<Listener> => {
      const onConnection: ListenerEvents["onConnection"] = (connection, prologue) => {
        ends.push(connection);
        return events.onConnection(connection, prologue);
      };
      return network.listen(options, { ...events, onConnection });
    };
    const dial = (options: DialOptions, events: DialEvents): Dial => {
      const onConnected = (connection: Connection): ConnectionOwner => {
        ends.push(connection);
        return events.onConnected(connection);
      };
      return network.dial(options, { onConnected, onFailed: (code, text) => events.onFailed(code, text) });
    };
    return new Proxy(network, {
      get(target, key) {
        if (key === "listen") return listen;
        // Clients and servers are on the same network; only the gateway's own sockets are of interest.
        if (key === "openSockets") return ends.filter((end) => end.open).length;
        if (key === "dial") return dial;
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }

  private countPeers(configuration: Configuration): void {
    for (const draft of configuration.http!.build.upstreams.values()) {
      const upstream = draft.upstream!;
      const begin = upstream.begin.bind(upstream);
      upstream.begin = (request) => {
        const selection = begin(request);
        const next = selection.next.bind(selection);
        const release = selection.release.bind(selection);
        selection.next = () => this.count(next(), 1);
        selection.release = (peer, ...rest) => release(this.count(peer, -1)!, ...rest);
        const keeper = { settle: (peer: Peer) => selection.release(peer, "ok") };
        Object.defineProperty(selection, "keeper", { value: keeper, configurable: true });
        return selection;
      };
    }
  }

  private count(peer: Peer | null, change: number): Peer | null {
    if (peer === null) return null;
    const count = (this.held.get(peer) ?? 0) + change;
    assert.ok(count >= 0, "a peer was given back twice");
    this.held.set(peer, count);
    return peer;
  }
}

export interface Origin {
  /** The connections that came, in order. */
  readonly wires: Wire[];
  stop(): Promise<void>;
}

/** The configuration, without a disk. */
class TextFile extends DiskFiles {
  private readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override read(path: string): string {
    return path === configFile ? this.text : super.read(path);
  }
}
