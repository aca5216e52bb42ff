/**
 * `websocket_rebalance`: WebSockets move to servers that have come, come back, or grown. Longhaul's own.
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseNumber } from "../../config/values.ts";
import { RebalanceMemory } from "../../gateway/balance/rebalance-memory.ts";
import type { RebalancePolicy } from "../../gateway/balance/rebalancer.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { Parameters } from "./parameters.ts";

interface RebalanceSettings {
  rebalance: RebalancePolicy | null;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<RebalanceSettings>((scope) => scope.location(websocketRebalance));

const usualPerSecond = 10;
const usualExcess = 1 / 10;

export const websocketRebalance: HttpModule<object, object, RebalanceSettings> = {
  name: "longhaul_websocket_rebalance",
  directives: [
    {
      name: "websocket_rebalance",
      contexts,
      args: "1+",
      default: "off",
      doc: "Moves WebSockets to servers that have come, come back or grown: `rate=10/s excess=10% by=move|close`, those beyond the fair share, or whose key belongs there.",
      set: slot.custom("rebalance", readRebalance),
    },
  ],
  location: { defaults: () => ({ rebalance: null }) },
  attach(location, { rebalance }) {
    if (rebalance !== null) location.websocket = { ...location.websocket, rebalance };
  },
};

/** `off | [on] [rate=N/s] [excess=percent] [by=move|close]`. */
function readRebalance({ args }: Directive, scope: Scope): RebalancePolicy | null {
  if (args.length === 1 && args[0] === "off") return null;
  const parameters = new Parameters(scope, args[0] === "on" ? args.slice(1) : args);
  const perSecond = parameters.perSecond("rate", "messages") || usualPerSecond;
  const percent = parameters.text("excess");
  const excess = percent === null ? usualExcess : parsePercent(percent);
  const by = parameters.text("by");
  parameters.end();
  if (excess === null) return scope.fail(`invalid parameter "excess=${percent}"`);
  if (by !== null && by !== "move" && by !== "close") return scope.fail(`invalid parameter "by=${by}"`);
  const { shared } = buildOf(scope);
  const memory = new RebalanceMemory(shared.region("rebalance", RebalanceMemory.byteLength));
  return { perSecond, excess, by, memory };
}

function parsePercent(text: string): number | null {
  const percent = parseNumber(text.replace(/%$/, ""));
  return percent === null ? null : percent / 100;
}
