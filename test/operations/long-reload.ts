/** Reloads of a configuration that takes long to read: what a message in an open tunnel waits for meanwhile. */
import { once } from "node:events";
import net from "node:net";
import { handshakeKey } from "../../bench/wire.ts";
import { freePort } from "../support/ports.ts";
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";
import { until } from "./until.ts";

const pingMs = 5;
/** A text frame of a client, whose mask changes nothing. */
const pingFrame = Buffer.from([0x81, 0x84, 0, 0, 0, 0, ...Buffer.from("ping")]);
const idle = { tunnels: 0, arrivalsPerSecond: 0, keptClients: 0, keptPauseMs: 50 };

export interface LongReloadOptions {
  readonly product: Product;
  readonly workers: number;
  readonly reloads: number;
  /** Lines of a `map`, and of a `geo`. */
  readonly lines: number;
  /** Servers of an upstream, and virtual servers. */
  readonly servers: number;
}

export interface LongReloadReport {
  readonly operation: "long-reload";
  readonly product: string;
  readonly workers: number;
  readonly pings: number;
  /** Until each configuration answered all new connections. */
  readonly reloadMs: readonly number[];
  /** The longest times that a message took to come back, ascending. */
  readonly worstBeforeMs: readonly number[];
  readonly worstDuringMs: readonly number[];
  /** How late this process was itself. */
  readonly clientLagMaxMs: number;
}

export async function runLongReload(options: LongReloadOptions): Promise<LongReloadReport> {
  const extraHttp = lengthy(options, await freePort());
  const lab = await Lab.start({ ...options, load: idle, certificates: 1, extraMain: "", extraHttp });
  return await lab.during(() => run(lab, options));
}

async function run(lab: Lab, options: LongReloadOptions): Promise<LongReloadReport> {
  const pinger = await Pinger.open(lab.plain.port);
  await until("pings", 60_000, () => pinger.times.length >= 200 || null);
  const worstBeforeMs = pinger.takeWorst();
  const reloadMs: number[] = [];
  for (let reload = 1; reload <= options.reloads; reload++) {
    const generation = { ...lab.generation, number: lab.generation.number + 1 };
    lab.write(generation);
    lab.gateway.signal("SIGHUP");
    reloadMs.push(await lab.inForce(generation));
  }
  const pings = pinger.times.length;
  const worstDuringMs = pinger.takeWorst();
  pinger.close();
  return {
    operation: "long-reload",
    product: options.product.name,
    workers: options.workers,
    pings,
    reloadMs,
    worstBeforeMs,
    worstDuringMs,
    clientLagMaxMs: Math.round(lab.figures.clientLagMaxMs),
  };
}

/** One message at a time in one tunnel. */
class Pinger {
  times: number[] = [];
  private readonly socket: net.Socket;
  private readonly timer: NodeJS.Timeout;
  private sentAt = 0;

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on("data", () => {
      this.times.push(performance.now() - this.sentAt);
      this.sentAt = 0;
    });
    this.timer = setInterval(() => {
      if (this.sentAt !== 0) return;
      this.sentAt = performance.now();
      socket.write(pingFrame);
    }, pingMs);
  }

  static async open(port: number): Promise<Pinger> {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    const fields = `Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13`;
    socket.write(`GET /echo HTTP/1.1\r\n${fields}\r\nSec-WebSocket-Key: ${handshakeKey}\r\n\r\n`);
    await once(socket, "data");
    return new Pinger(socket);
  }

  takeWorst(): number[] {
    const worst = this.times.toSorted((a, b) => a - b).slice(-5);
    this.times = [];
    return worst.map((ms) => Math.round(10 * ms) / 10);
  }

  close(): void {
    clearInterval(this.timer);
    this.socket.destroy();
  }
}

/** Directives for the `http` block. */
function lengthy({ lines, servers }: LongReloadOptions, port: number): string {
  const many = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join("\n");
  const bytes = (index: number): string => `${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
  return `
    map $uri $long_map { ${many(lines, (index) => `/key${index} value${index};`)} }
    geo $long_geo { ${many(lines, (index) => `10.${bytes(index)}/32 value${index % 7};`)} }
    upstream long { ${many(servers, (index) => `server 127.${bytes(index + 1)}:8080;`)} }
    ${many(servers, (index) => `server { listen 127.0.0.1:${port}; server_name h${index}.test; return 200; }`)}
  `;
}
