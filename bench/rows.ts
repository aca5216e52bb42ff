/** The rows of the table: what is done, and which figure comes out of it. */
import type { Ability } from "./contestants.ts";
import { expressionCounts } from "./expressions.ts";
import type { Job } from "./job.ts";

/** The figure of a row. */
export type Figure =
  /** Microseconds of the proxy's CPU for one unit. */
  | "cpu"
  /** Units for each second of the proxy's CPU: what one core could do. */
  | "rate"
  /** KiB of memory for each open tunnel or connection. */
  | "memory"
  /** p99 latency in microseconds. */
  | "latency"
  /** Milliseconds from the start of the process to the first answer. */
  | "start"
  /** Milliseconds from SIGHUP until every new connection meets the new configuration. */
  | "reload"
  /** CPU for one message with many tunnels, divided by that with few. */
  | "growth"
  /** CPU for one message with two workers, divided by that with one. */
  | "workers";

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly figure: Figure;
  readonly unit: string;
  /** Digits after the point in the table of values. */
  readonly digits: number;
  /** What a proxy must be able to do to take part. */
  readonly needs?: Ability;
  readonly work: Pick<Job, "mode" | "tls" | "connections" | "streams" | "size">;
}

/** Open loop: messages per second of the row "p99-5000". */
export const pacedRate = 5000;

/** Tunnels of the row "grow-100-8000". */
export const growth = { few: 100, many: 8000 } as const;

const loopTunnels = 64;
const idleTunnels = 2000;

/** Figures that compare a proxy with itself; they say something without nginx. */
export function isOwnFactor(figure: Figure): boolean {
  return figure === "growth" || figure === "workers";
}

/** Figures of work that goes on for as long as it is measured. */
export function isUnderLoad(figure: Figure): boolean {
  return figure !== "memory" && figure !== "start" && figure !== "reload";
}

type Work = Partial<Row["work"]> & Pick<Job, "mode">;

function row(name: string, title: string, figure: Figure, work: Work, needs?: Ability): Row {
  const units = {
    cpu: "µs",
    rate: "/s",
    memory: "KiB",
    latency: "µs",
    start: "ms",
    reload: "ms",
    growth: "×",
    workers: "×",
  };
  const digits = { cpu: 1, rate: 0, memory: 1, latency: 0, start: 0, reload: 1, growth: 2, workers: 2 };
  const defaults = { tls: false, connections: loopTunnels, streams: 0, size: 128 };
  const base = { name, title, figure, unit: units[figure], digits: digits[figure] };
  return { ...base, work: { ...defaults, ...work }, ...(needs === undefined ? {} : { needs }) };
}

function echoRows(tls: boolean): Row[] {
  const scheme = tls ? "wss" : "ws";
  const sizes = { "128": 128, "1k": 1024, "16k": 16 * 1024, "64k": 64 * 1024 };
  return Object.entries(sizes).map(([name, size]) => {
    const title = `echo ${size < 1024 ? `${size} B` : `${size / 1024} KiB`}, ${scheme}: CPU per message`;
    return row(`echo-${name}-${scheme}`, title, "cpu", { mode: "echo", tls, size });
  });
}

/** Requests over HTTP/2, so many streams at once on each of a few connections. */
function http2Rows(tls: boolean): Row[] {
  const protocol = tls ? "h2" : "h2c";
  return [1, 10, 100].map((streams) => {
    const title = `request over ${protocol}, ${streams} ${streams === 1 ? "stream" : "streams"}: CPU`;
    const work: Work = { mode: "h2-requests", tls, connections: 8, streams };
    return row(`${protocol}-${streams}`, title, "cpu", work, "http2");
  });
}

/** Echo over WebSockets that share connections (RFC 8441). */
function http2EchoRows(): Row[] {
  const shapes = [
    { streams: 1, connections: loopTunnels },
    { streams: 100, connections: 8 },
  ];
  return shapes.flatMap(({ streams, connections }) =>
    Object.entries({ "128": 128, "16k": 16 * 1024 }).map(([name, size]) => {
      const sized = size < 1024 ? `${size} B` : `${size / 1024} KiB`;
      const shared = streams === 1 ? "1 tunnel" : `${streams} tunnels`;
      const title = `echo ${sized} over h2, ${shared} per connection: CPU per message`;
      const work: Work = { mode: "h2-echo", tls: true, connections, streams, size };
      return row(`h2-echo-${name}-${streams}`, title, "cpu", work, "http2-websocket");
    }),
  );
}

const { locations, rewrites, conditions } = expressionCounts;

export const rows: readonly Row[] = [
  ...echoRows(false),
  ...echoRows(true),
  row("broadcast-128", "broadcast 128 B to 64 tunnels: CPU per message", "cpu", { mode: "broadcast" }),
  row("new-tunnels", "new tunnels, ws, per core and second", "rate", { mode: "tunnels" }),
  row("new-tunnels-wss", "new tunnels, wss, per core and second", "rate", { mode: "tunnels", tls: true }),
  row("tls-full", "full TLS handshakes per core and second", "rate", {
    mode: "handshakes",
    tls: true,
    connections: 16,
  }),
  row("tls-resumed", "resumed TLS handshakes per core and second", "rate", {
    mode: "resumed",
    tls: true,
    connections: 16,
  }),
  row("keepalive-request", "keep-alive request, small answer: CPU", "cpu", { mode: "requests" }),
  row("download-10m", "download of 10 MiB: CPU", "cpu", { mode: "downloads", connections: 4 }),
  row("download-10m-tls", "download of 10 MiB, TLS: CPU", "cpu", {
    mode: "downloads",
    tls: true,
    connections: 4,
  }),
  ...http2Rows(false),
  ...http2Rows(true),
  row(
    "h2-download-10m",
    "download of 10 MiB over h2: CPU",
    "cpu",
    { mode: "h2-downloads", tls: true, connections: 4, streams: 1 },
    "http2",
  ),
  ...http2EchoRows(),
  row("file-1k", "file of 1 KiB: CPU", "cpu", { mode: "small-files" }, "files"),
  row("file-10m", "file of 10 MiB: CPU", "cpu", { mode: "large-files", connections: 4 }, "files"),
  row(
    "expressions",
    `page behind ${locations} locations, ${rewrites} rewrites, ${conditions} ifs with expressions: CPU`,
    "cpu",
    { mode: "expressions" },
    "expressions",
  ),
  row("idle-ws", "memory per idle tunnel, ws", "memory", { mode: "idle", connections: idleTunnels }),
  row("idle-wss", "memory per idle tunnel, wss", "memory", {
    mode: "idle",
    tls: true,
    connections: idleTunnels,
  }),
  row(
    "idle-h2c",
    "memory per idle connection, h2c",
    "memory",
    { mode: "h2-idle", connections: idleTunnels, streams: 1 },
    "http2",
  ),
  row(
    "idle-h2",
    "memory per idle connection, h2",
    "memory",
    { mode: "h2-idle", tls: true, connections: idleTunnels, streams: 1 },
    "http2",
  ),
  row(
    "idle-h2-tunnel",
    "memory per idle tunnel over h2, 100 per connection",
    "memory",
    { mode: "h2-idle-tunnels", tls: true, connections: idleTunnels / 100, streams: 100 },
    "http2-websocket",
  ),
  row("p99-5000", `p99 latency at ${pacedRate} messages/s, 64 tunnels`, "latency", { mode: "paced" }),
  row("grow-100-8000", `CPU per message at ${growth.many} tunnels ÷ at ${growth.few}`, "growth", {
    mode: "echo",
  }),
  row("workers-1-2", "CPU per message, 2 workers ÷ 1", "workers", { mode: "echo" }, "workers"),
  row("start-up", "start to first answer", "start", { mode: "requests" }),
  row("reload", "SIGHUP to the new configuration", "reload", { mode: "requests" }, "reload"),
];

/** The first side-by-side of `--quick`. */
export const quickRows: readonly string[] = [
  "echo-128-ws",
  "echo-16k-ws",
  "echo-128-wss",
  "echo-16k-wss",
  "keepalive-request",
  "idle-ws",
  "idle-wss",
];

/** @throws Error that lists the known names when one is unknown. */
export function rowsNamed(names: readonly string[]): Row[] {
  return names.map((name) => {
    const found = rows.find((one) => one.name === name);
    if (found !== undefined) return found;
    throw new Error(`unknown row "${name}"; known: ${rows.map((one) => one.name).join(", ")}`);
  });
}

/**
 * How much longer than others the stretches of a row are. One sample in a hundred makes the 99th percentile: 20 ms that
 * somebody else takes from the machine fill that of two seconds.
 */
export function stretchFactor(row: Row): number {
  return row.figure === "latency" ? 3 : 1;
}
