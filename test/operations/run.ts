/**
 * Operations on a gateway under load, and what they did to its clients.
 *
 *     node test/operations/run.ts reload --against longhaul --runtime bun --tunnels 2000 --reloads 50
 *     node test/operations/run.ts upgrade --against nginx --json out.json
 *     node test/operations/run.ts drain --window 30
 *     node test/operations/run.ts spread --workers 4
 *     node test/operations/run.ts kill-worker --against nginx
 *     node test/operations/run.ts exactness --workers 4
 *     node test/operations/run.ts long-reload --reloads 5 --lines 20000
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runDrain } from "./drain.ts";
import { limits, runExactness } from "./exactness.ts";
import { installedNginx, longhaulOn, longhaulWithWorkers } from "./gateway.ts";
import type { Product } from "./gateway.ts";
import { killProcess, runKillWorker, throwInThread } from "./kill-worker.ts";
import { runLongReload } from "./long-reload.ts";
import { runReload } from "./reload.ts";
import { linesOf } from "./report.ts";
import { runSpread } from "./spread.ts";
import { runUpgrade } from "./upgrade.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: "string", default: "longhaul" },
    runtime: { type: "string", default: "node" },
    workers: { type: "string", default: "2" },
    tunnels: { type: "string", default: "2000" },
    arrivals: { type: "string", default: "1000" },
    kept: { type: "string", default: "20" },
    reloads: { type: "string", default: "50" },
    churn: { type: "string", default: "20" },
    pause: { type: "string", default: "500" },
    "warm-up": { type: "string", default: "40000" },
    "same-workers": { type: "boolean", default: false },
    "shutdown-timeout": { type: "string" },
    upgrades: { type: "string", default: "3" },
    window: { type: "string", default: "30" },
    clients: { type: "string", default: "400" },
    lines: { type: "string", default: "20000" },
    servers: { type: "string", default: "2000" },
    json: { type: "string" },
  },
});

function productOf(longhaul: (runtime: "node" | "bun", program: string) => Product | null): Product {
  const { against, runtime } = values;
  if (runtime !== "node" && runtime !== "bun") throw new Error("--runtime node|bun");
  const program = fileURLToPath(new URL(`../../node_modules/.bin/${runtime}`, import.meta.url));
  const found = against === "nginx" ? installedNginx() : longhaul(runtime, program);
  if (found === null) throw new Error(`${against} is not here, or not as this operation needs it`);
  return found;
}

const load = {
  tunnels: Number(values.tunnels),
  arrivalsPerSecond: Number(values.arrivals),
  keptClients: Number(values.kept),
  keptPauseMs: 50,
};

const common = { product: productOf(longhaulOn), workers: Number(values.workers), load };

const operations: Readonly<Record<string, () => Promise<object>>> = {
  reload: () =>
    runReload({
      ...common,
      reloads: Number(values.reloads),
      pauseMs: Number(values.pause),
      warmUpMs: Number(values["warm-up"]),
      churn: Number(values.churn),
      sameWorkers: values["same-workers"],
      shutdownTimeout: values["shutdown-timeout"] ?? null,
    }),
  upgrade: () => runUpgrade({ ...common, upgrades: Number(values.upgrades), pauseMs: Number(values.pause) }),
  drain: () =>
    runDrain({
      ...common,
      windowMs: Number(values.window) * 1000,
      http: values.against === "nginx" ? "" : `websocket_drain ${values.window}s;`,
      main: values.against === "nginx" ? `worker_shutdown_timeout ${values.window}s;` : "",
      heldRequests: 50,
    }),
  spread: () => runSpread({ ...common, product: productOf(longhaulWithWorkers), connections: load.tunnels }),
  "kill-worker": () =>
    runKillWorker({
      ...common,
      product: productOf(longhaulWithWorkers),
      killer: values.against === "nginx" ? killProcess : throwInThread,
    }),
  "long-reload": () =>
    runLongReload({
      ...common,
      reloads: Number(values.reloads),
      lines: Number(values.lines),
      servers: Number(values.servers),
    }),
  exactness: () => runExactness({ ...common, clients: Number(values.clients), limits }),
};

const operation = operations[positionals[0] ?? ""];
if (operation === undefined) throw new Error(`an operation, please: ${Object.keys(operations).join(", ")}`);
// What runs beside this process is ended when it exits, which a signal alone would not make it do.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

const report = await operation();
console.log(linesOf(report).join("\n"));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
