/** The one table that a reader needs: every row, Longhaul and its peers beside nginx, as Markdown. */
import type { RunFile } from "./results.ts";
import { isOwnFactor, type Row, rows } from "./rows.ts";
import { baseline, markdown, type Summary, written } from "./table.ts";

/** The columns besides nginx, unless others are asked for. */
export const summaryColumns: readonly string[] = [
  "longhaul-bun",
  "longhaul-node",
  "haproxy",
  "caddy",
  "http-proxy-3",
  "fastify-http-proxy",
];

const titles: Readonly<Record<string, string>> = {
  "longhaul-bun": "Longhaul on Bun",
  "longhaul-node": "Longhaul on Node",
};

type Find = (proxy: string) => Summary | undefined;

function baselineCell(row: Row, find: Find): string {
  const median = find(baseline)?.value?.median;
  if (median === undefined) return "–";
  return isOwnFactor(row.figure) ? median.toFixed(2) : `${median.toFixed(row.digits)} ${row.unit}`;
}

function cell(row: Row, summary: Summary | undefined): string {
  const { value, ratio } = summary ?? {};
  if (!isOwnFactor(row.figure)) return ratio ? written(ratio, 2) : "–";
  if (!value) return "–";
  return ratio ? `${written(value, 2)}; ÷ ${baseline} ${ratio.median.toFixed(2)}` : written(value, 2);
}

/** Rows of `run` in the order of `rows`: nginx's own figure, and the ratios of the others to it. */
export function summaryTable(run: RunFile, columns: readonly string[]): string {
  const head = ["work", baseline, ...columns.map((name) => titles[name] ?? name)];
  const measured = rows.filter(({ name }) =>
    run.summaries.some((one) => one.row === name && one.value !== null),
  );
  const body = measured.map((row) => {
    const find: Find = (proxy) => run.summaries.find((one) => one.row === row.name && one.proxy === proxy);
    return [row.title, baselineCell(row, find), ...columns.map((name) => cell(row, find(name)))];
  });
  const { machine, versions } = run;
  const products = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const method = `Medians (smallest–largest) of ${run.rounds} rounds of ${run.seconds} s or more, as ratios to nginx;`;
  return [
    `${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}; ${products.join(", ")}.`,
    `${method} rows that are themselves a ratio (÷) compare each proxy with itself. Where the figure is a rate (per second), more is better.`,
    "",
    markdown(head, body),
  ].join("\n");
}
