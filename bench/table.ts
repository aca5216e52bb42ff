/** What the benchmark prints: Markdown tables of ratios, of values, and of how busy each side was. */
import { type Spread, spreadOf } from "./measure.ts";
import type { Outcome, RowResult } from "./runner.ts";
import { isUnderLoad, type Row } from "./rows.ts";
import type { Sample } from "./stretch.ts";

/** The proxy that the others are compared with. */
export const baseline = "nginx";

/** A Markdown table. */
export function markdown(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}

function proxiesIn(results: readonly RowResult[]): string[] {
  return results[0]?.outcomes.map((outcome) => outcome.proxy) ?? [];
}

/** Median, with the smallest and the largest in brackets. */
export function written(spread: Spread, digits: number): string {
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => value.toFixed(digits));
  return min === max ? `${median}` : `${median} (${min}–${max})`;
}

/** The rounds of one proxy, each divided by the baseline's figure in the same round; null without both. */
export function ratios(outcome: Outcome, base: Outcome | undefined): Spread | null {
  // An interrupted run leaves some with a round more than others.
  const rounds = Math.min(outcome.samples.length, base?.samples.length ?? 0);
  if (base === undefined || rounds === 0) return null;
  const ofRounds = outcome.samples.slice(0, rounds);
  return spreadOf(ofRounds.map((sample, round) => sample.value / base.samples[round]!.value));
}

/** Instead of a figure. */
function absent(outcome: Outcome): string {
  return outcome.failure === null ? "–" : "failed";
}

function ratioCell(outcome: Outcome, base: Outcome | undefined): string {
  const spread = ratios(outcome, base);
  return spread === null ? absent(outcome) : written(spread, 2);
}

/** Medians of the ratios to nginx, smallest and largest in brackets. */
export function ratioTable(results: readonly RowResult[]): string {
  const head = [`work (÷ ${baseline})`, ...proxiesIn(results)];
  const body = results.map(({ row, outcomes }) => {
    const base = outcomes.find((outcome) => outcome.proxy === baseline);
    return [row.title, ...outcomes.map((outcome) => ratioCell(outcome, base))];
  });
  return markdown(head, body);
}

/** Medians of the figures themselves. */
export function valueTable(results: readonly RowResult[]): string {
  const body = results.map(({ row, outcomes }) => {
    const cells = outcomes.map((outcome) => {
      if (outcome.samples.length === 0) return absent(outcome);
      return written(spreadOf(outcome.samples.map((sample) => sample.value)), row.digits);
    });
    return [`${row.title} [${row.unit}]`, ...cells];
  });
  return markdown(["work", ...proxiesIn(results)], body);
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function busyCell(outcome: Outcome): string {
  const { samples } = outcome;
  if (samples.length === 0) return absent(outcome);
  const median = (pick: (sample: Sample) => number): number => spreadOf(samples.map(pick)).median;
  const throughput = median((sample) => sample.throughput).toFixed(0);
  const proxy = percent(median((sample) => sample.proxyBusy));
  const load = percent(median((sample) => sample.loadBusy));
  return `${throughput}/s, ${proxy}, ${load}`;
}

function directText(row: Row, direct: Sample): string {
  if (row.figure === "latency") return `${direct.value.toFixed(0)} ${row.unit}`;
  return `${direct.throughput.toFixed(0)}/s, –, ${percent(direct.loadBusy)}`;
}

/**
 * How far the load generator was from its limit: units per second, how busy the proxy's core was with the proxy,
 * how busy the other with load and backend. `direct` is the load without a proxy: what it can do at most.
 */
export function busyTable(results: readonly RowResult[]): string {
  const measured = results.filter((result) => isUnderLoad(result.row.figure));
  if (measured.length === 0) return "";
  const body = measured.map(({ row, outcomes, direct }) => {
    const directCell = direct === null ? "–" : directText(row, direct);
    return [row.name, directCell, ...outcomes.map((outcome) => busyCell(outcome))];
  });
  return markdown(["row: rate, proxy busy, load busy", "direct", ...proxiesIn(measured)], body);
}

/** Both stretches of the figures that compare two: cost and units per second, so that a factor can be judged. */
export function partsTable(results: readonly RowResult[]): string {
  const body = results.flatMap(({ row, outcomes }) => {
    const names = outcomes.flatMap(({ samples }) => samples[0]?.parts?.map((part) => part.name) ?? []);
    return [...new Set(names)].map((name) => [
      `${row.name}, ${name}`,
      ...outcomes.map((one) => partCell(one, name)),
    ]);
  });
  return body.length === 0 ? "" : markdown(["µs per message, messages/s", ...proxiesIn(results)], body);
}

function partCell(outcome: Outcome, name: string): string {
  const parts = outcome.samples.flatMap(({ parts: all }) => all?.filter((part) => part.name === name) ?? []);
  if (parts.length === 0) return absent(outcome);
  const throughput = spreadOf(parts.map((part) => part.throughput)).median.toFixed(0);
  return `${written(spreadOf(parts.map((part) => part.value)), 1)}, ${throughput}/s`;
}

/** Medians of the latencies, and of how late the load generator itself was. */
export function latencyTable(results: readonly RowResult[]): string {
  const measured = results.filter(({ row }) => row.figure === "latency");
  const kinds = ["p50", "p99", "max", "lagP99"] as const;
  const body = measured.flatMap(({ row, outcomes }) =>
    kinds.map((kind) => {
      const cells = outcomes.map((outcome) => {
        if (outcome.samples.length === 0) return absent(outcome);
        return spreadOf(outcome.samples.map(({ report }) => report[kind] ?? 0)).median.toFixed(0);
      });
      return [`${row.name}, ${kind === "lagP99" ? "p99 of the load's own lateness" : kind} [µs]`, ...cells];
    }),
  );
  return body.length === 0 ? "" : markdown(["latency", ...proxiesIn(measured)], body);
}

/** Below this share of its core a proxy waits for work; above it the load generator has none to spare. */
const busyShare = 0.93;

/** Where the load generator, not the proxy, set the pace. */
export function loadBoundCells(results: readonly RowResult[]): string[] {
  return results.flatMap(({ row, outcomes }) => {
    if (row.figure === "latency" || row.figure === "workers") return [];
    const bound = outcomes.filter(({ samples }) => {
      if (samples.length === 0) return false;
      const proxy = spreadOf(samples.map((sample) => sample.proxyBusy)).median;
      return proxy < busyShare && spreadOf(samples.map((sample) => sample.loadBusy)).median > busyShare;
    });
    return bound.map((outcome) => `${row.name} ${outcome.proxy}`);
  });
}

/** How much of the two cores went to programs that have no part in this: the noise of the figures. */
export function noiseLine(results: readonly RowResult[]): string {
  const samples = results.flatMap(({ outcomes }) => outcomes.flatMap((outcome) => outcome.samples));
  if (samples.length === 0) return "";
  const { median, max } = spreadOf(samples.map((sample) => sample.othersBusy));
  return `Other work on the two cores meanwhile: ${percent(median)} of their time (median of all stretches), at most ${percent(max)}.`;
}

/** One row's figures of one proxy, for the JSON file. */
export interface Summary {
  readonly row: string;
  readonly unit: string;
  readonly proxy: string;
  readonly value: Spread | null;
  readonly ratio: Spread | null;
}

export function summaries(results: readonly RowResult[]): Summary[] {
  return results.flatMap(({ row, outcomes }) => {
    const base = outcomes.find((outcome) => outcome.proxy === baseline);
    return outcomes.map((outcome) => ({
      row: row.name,
      unit: row.unit,
      proxy: outcome.proxy,
      value: outcome.samples.length === 0 ? null : spreadOf(outcome.samples.map((sample) => sample.value)),
      ratio: ratios(outcome, base),
    }));
  });
}

/** What each proxy's TLS agreed on with the load, for rows with TLS that report it. */
export function cipherLines(results: readonly RowResult[]): string[] {
  const seen = new Map<string, string>();
  for (const { outcomes } of results) {
    for (const outcome of outcomes) {
      const cipher = outcome.samples[0]?.report.cipher;
      if (cipher !== undefined) seen.set(outcome.proxy, cipher);
    }
  }
  return [...seen].map(([proxy, cipher]) => `${proxy}: ${cipher}`);
}

export function failureLines(results: readonly RowResult[]): string[] {
  return results.flatMap(({ row, outcomes }) =>
    outcomes
      .filter((outcome) => outcome.failure !== null)
      .map((outcome) => `${row.name}, ${outcome.proxy}: ${outcome.failure}`),
  );
}
