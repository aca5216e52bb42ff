import { bunApi } from "./bun/api.ts";
import { createBunNetwork } from "./bun/network.ts";
import { createNodeNetwork, type NodeNetworkOptions } from "./node/network.ts";
import type { Network } from "./network.ts";

/** Overrides the choice: "node" or "bun". */
const variable = "LONGHAUL_NET";

/**
 * The network of this machine: the fastest adapter that the runtime has.
 *
 * @throws Error when LONGHAUL_NET names none, or Bun's outside Bun.
 */
export function systemNetwork(options: NodeNetworkOptions = {}): Network {
  const wanted = process.env[variable] ?? "";
  if (wanted !== "" && wanted !== "node" && wanted !== "bun") {
    throw new Error(`${variable} must be "node" or "bun", not "${wanted}"`);
  }
  const useBun = wanted === "" ? bunApi !== null : wanted === "bun";
  return useBun ? createBunNetwork(options) : createNodeNetwork(options);
}
