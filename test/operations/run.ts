/**
 * Operations on a gateway under load, and what they did to its clients.
 *
 *     node test/operations/run.ts reload --against longhaul --runtime bun --tunnels 2000 --reloads 50
 *     node test/operations/run.ts reload --against nginx --json out.json
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installedNginx, longhaulOn } from "./gateway.ts";
import type { Product } from "./gateway.ts";
import { runReload } from "./reload.ts";
import { linesOf } from "./report.ts";

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
    "shutdown-timeout": { type: "string" },
    json: { type: "string" },
  },
});

function product(): Product {
  if (values.against === "nginx") {
    const found = installedNginx();
    if (found === null) throw new Error("nginx is not installed here");
    return found;
  }
  if (values.runtime !== "node" && values.runtime !== "bun") throw new Error("--runtime node|bun");
  const program = fileURLToPath(new URL(`../../node_modules/.bin/${values.runtime}`, import.meta.url));
  return longhaulOn(values.runtime, existsSync(program) ? program : join("/usr/bin", values.runtime));
}

const load = {
  tunnels: Number(values.tunnels),
  arrivalsPerSecond: Number(values.arrivals),
  keptClients: Number(values.kept),
  keptPauseMs: 50,
};

async function run(operation: string): Promise<object> {
  const common = { product: product(), workers: Number(values.workers), load };
  if (operation === "reload") {
    return await runReload({
      ...common,
      reloads: Number(values.reloads),
      pauseMs: Number(values.pause),
      churn: Number(values.churn),
      shutdownTimeout: values["shutdown-timeout"] ?? null,
    });
  }
  throw new Error(`no such operation: "${operation}"`);
}

const report = await run(positionals[0] ?? "");
console.log(linesOf(report).join("\n"));
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
