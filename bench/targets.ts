/** What Longhaul means to reach, as ratios to nginx (own factors: as they are), and which figures do not. */
import { isOwnFactor, rows } from "./rows.ts";
import { baseline, type Summary } from "./table.ts";

interface Target {
  readonly bun: number;
  readonly node: number;
}

/** At most this; rows whose figure is a rate: at least. */
const targets: Readonly<Record<string, Target>> = {
  "echo-128-ws": { bun: 1.25, node: 1.5 },
  "echo-16k-ws": { bun: 0.5, node: 0.7 },
  "echo-64k-ws": { bun: 0.5, node: 0.7 },
  "echo-128-wss": { bun: 1.2, node: 2 },
  "echo-16k-wss": { bun: 0.6, node: 1 },
  "broadcast-128": { bun: 1, node: 1.3 },
  "new-tunnels": { bun: 0.8, node: 0.5 },
  "tls-full": { bun: 1.1, node: 0.75 },
  "keepalive-request": { bun: 1.5, node: 2.5 },
  "h2c-10": { bun: 1.6, node: 2 },
  "h2-10": { bun: 1.6, node: 2 },
  "idle-ws": { bun: 0.3, node: 0.7 },
  "idle-wss": { bun: 0.3, node: 1.3 },
  "p99-5000": { bun: 1.3, node: 2 },
  "grow-100-8000": { bun: 1.3, node: 1.3 },
};

/** The message rows, where Longhaul on Bun means to be ahead of these. */
const messageRow = /^(echo|broadcast)-/;
const rivals: readonly string[] = ["haproxy", "caddy"];

/** Large messages over HTTP/2 cost no more than through haproxy: nginx carries none. */
const streamRow = /^h2-echo-16k-/;
/** A tunnel that is a stream of its client's connection, on Bun: KiB. */
const streamTunnelKibMax = 4;

/** What is measured without nginx and misses its target. */
function streamLines(summaries: readonly Summary[]): string[] {
  const valueOf = (row: string, proxy: string): number | null =>
    summaries.find((one) => one.row === row && one.proxy === proxy)?.value?.median ?? null;
  const lines: string[] = [];
  for (const { name } of rows.filter((one) => streamRow.test(one.name))) {
    const [own, other] = [valueOf(name, "longhaul-bun"), valueOf(name, "haproxy")];
    if (own === null || other === null || own <= other) continue;
    lines.push(`${name}, longhaul-bun: ${own.toFixed(1)} µs, more than haproxy (${other.toFixed(1)} µs)`);
  }
  const kib = valueOf("idle-h2-tunnel", "longhaul-bun");
  if (kib !== null && kib > streamTunnelKibMax) {
    lines.push(
      `idle-h2-tunnel, longhaul-bun: ${kib.toFixed(1)} KiB instead of at most ${streamTunnelKibMax}`,
    );
  }
  return lines;
}

/** One line for each figure of Longhaul that is not within its target. */
export function missedLines(summaries: readonly Summary[]): string[] {
  const lines = streamLines(summaries);
  for (const { name, figure } of rows) {
    const median = (proxy: string): number | null => {
      const cell = summaries.find((one) => one.row === name && one.proxy === proxy);
      return (isOwnFactor(figure) ? cell?.value : cell?.ratio)?.median ?? null;
    };
    const target = targets[name];
    for (const runtime of ["bun", "node"] as const) {
      const reached = median(`longhaul-${runtime}`);
      if (target === undefined || reached === null) continue;
      const isRate = figure === "rate";
      if (isRate ? reached >= target[runtime] : reached <= target[runtime]) continue;
      const limit = `${isRate ? "at least" : "at most"} ${target[runtime]}`;
      const beside = isOwnFactor(figure) ? ` (nginx: ${median(baseline)?.toFixed(2) ?? "–"})` : "";
      lines.push(`${name}, longhaul-${runtime}: ${reached.toFixed(2)} instead of ${limit}${beside}`);
    }
    const own = median("longhaul-bun");
    for (const rival of messageRow.test(name) ? rivals : []) {
      const other = median(rival);
      if (own === null || other === null || own < other) continue;
      lines.push(`${name}, longhaul-bun: ${own.toFixed(2)}, not ahead of ${rival} (${other.toFixed(2)})`);
    }
  }
  return lines;
}
