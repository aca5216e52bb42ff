/**
 * Limits that must hold over all workers together: as many concurrent requests as there are clients,
 * counted by the gateway's answers and, independently, by the backend. What one worker does is the measure.
 */
import { freePort } from "../support/ports.ts";
import { BackendProcess } from "./backend-process.ts";
import { Gateway } from "./gateway.ts";
import type { Product } from "./gateway.ts";
import { ask } from "./load/ask.ts";
import { fieldOf } from "./load/answer.ts";
import type { Target } from "./load/dial.ts";

/** Held long enough for all clients to be there at once. */
const holdMs = 1_500;
const names = ["a", "b", "c"];

export const limits = ["max_conns", "least_conn", "limit_conn", "limit_req"] as const;
export type Limit = (typeof limits)[number];

/** `max_conns` of the only server; `limit_conn` of the zone. */
const admitted = 20;
/** `limit_req`: one every ten seconds, and so many at once. */
const burst = 30;

export interface ExactnessOptions {
  readonly product: Product;
  readonly workers: number;
  readonly clients: number;
  readonly limits: readonly Limit[];
}

export interface ExactnessReport {
  readonly operation: "exactness";
  readonly product: string;
  readonly workers: number;
  readonly clients: number;
  readonly results: readonly ExactnessResult[];
}

export interface ExactnessResult {
  readonly limit: Limit;
  /** Null: held exactly. Else what was different; or why it was not tried. */
  readonly difference: string | null;
  readonly isTried: boolean;
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** The most requests that each server of the backend had at once. */
  readonly activeMax: readonly number[];
  /** Workers that answered, where answers tell. */
  readonly workersSeen: number;
}

export async function runExactness(options: ExactnessOptions): Promise<ExactnessReport> {
  const { product, workers, clients } = options;
  const results: ExactnessResult[] = [];
  for (const limit of options.limits) results.push(await tryLimit(limit, options));
  return { operation: "exactness", product: product.name, workers, clients, results };
}

async function tryLimit(
  limit: Limit,
  { product, workers, clients }: ExactnessOptions,
): Promise<ExactnessResult> {
  const port = await freePort();
  const backend = await BackendProcess.start(names);
  const gateway = new Gateway(product);
  try {
    gateway.write("nginx.conf", configurationOf(limit, { port, workers, backend, product }));
    const complaint = gateway.complaint();
    if (complaint !== null) {
      return { limit, difference: complaint, isTried: false, statuses: {}, activeMax: [], workersSeen: 0 };
    }
    await gateway.start(port);
    return await measure(limit, { port, secure: false }, clients, backend);
  } finally {
    await gateway.stop();
    await backend.stop();
  }
}

async function measure(
  limit: Limit,
  target: Target,
  clients: number,
  backend: BackendProcess,
): Promise<ExactnessResult> {
  const asked = await Promise.all(
    Array.from({ length: clients }, (_, number) => ask(target, `/hold/${number}?ms=${holdMs}`)),
  );
  const statuses: Record<string, number> = {};
  for (const { answer } of asked) statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
  const workersSeen = new Set(asked.map(({ answer }) => fieldOf(answer.head, "x-worker"))).size;
  const activeMax: number[] = [];
  for (const name of names) {
    const { answer } = await ask({ port: backend.ports[name]!, secure: false }, "/_stats");
    activeMax.push((JSON.parse(answer.body.toString("latin1")) as { activeMax: number }).activeMax);
  }
  const difference = differenceOf(limit, clients, statuses, activeMax);
  return { limit, difference, isTried: true, statuses, activeMax, workersSeen };
}

/** What nginx does with one worker, told in numbers; the comparison is exact. */
function differenceOf(
  limit: Limit,
  clients: number,
  statuses: Readonly<Record<string, number>>,
  activeMax: readonly number[],
): string | null {
  const passed = statuses["200"] ?? 0;
  if (limit === "least_conn") {
    const even = Math.max(...activeMax) - Math.min(...activeMax) <= 1;
    if (passed !== clients) return `${passed} of ${clients} passed`;
    return even ? null : `the servers had ${activeMax.join(", ")} at once`;
  }
  const expected = limit === "limit_req" ? burst + 1 : admitted;
  const refusedStatus = limit === "max_conns" ? "502" : "503";
  if (passed !== expected) return `${passed} passed, not ${expected}`;
  if (statuses[refusedStatus] !== clients - expected) {
    return `${statuses[refusedStatus] ?? 0} refused with ${refusedStatus}, not ${clients - expected}`;
  }
  return activeMax[0] === expected ? null : `the server had ${activeMax[0]} at once, not ${expected}`;
}

function configurationOf(
  limit: Limit,
  options: { port: number; workers: number; backend: BackendProcess; product: Product },
): string {
  const { port, workers, backend, product } = options;
  const all = names.map((name) => `server 127.0.0.1:${backend.ports[name]};`).join(" ");
  const one = `server 127.0.0.1:${backend.ports["a"]}`;
  const http: Record<Limit, string> = {
    max_conns: `upstream app { zone app 256k; ${one} max_conns=${admitted}; }`,
    least_conn: `upstream app { zone app 256k; least_conn; ${all} }`,
    limit_conn: `limit_conn_zone $server_name zone=all:1m; upstream app { ${one}; }`,
    limit_req: `limit_req_zone $server_name zone=all:1m rate=6r/m; upstream app { ${one}; }`,
  };
  const location: Record<Limit, string> = {
    max_conns: "",
    least_conn: "",
    limit_conn: `limit_conn all ${admitted};`,
    limit_req: `limit_req zone=all burst=${burst} nodelay;`,
  };
  return `
worker_processes ${workers};
worker_rlimit_nofile 20000;
events { worker_connections 4096; }
http {
  access_log off;
  add_header X-Worker ${product.workerVariable} always;
  ${http[limit]}
  server {
    listen 127.0.0.1:${port};
    # Part of the key: an empty key is not limited at all.
    server_name localhost;
    location / { ${location[limit]} proxy_pass http://app; proxy_http_version 1.1; }
  }
}
`;
}
