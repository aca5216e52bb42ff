import { bunApi } from "./bun/api.ts";
import { BunSocketKeeper } from "./bun/kept-socket.ts";
import { openLibc } from "./bun/libc.ts";
import { createBunNetwork } from "./bun/network.ts";
import type { SocketKeeper } from "./kept-socket.ts";
import { keepsSockets, NodeSocketKeeper } from "./node/kept-socket.ts";
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
  return usesBun() ? createBunNetwork(options) : createNodeNetwork(options);
}

/**
 * Binds the listening sockets of this process for all its threads; null where the runtime has no way to
 * share them.
 */
export function systemSocketKeeper(): SocketKeeper | null {
  if (bunApi !== null) {
    const libc = openLibc();
    return libc === null ? null : new BunSocketKeeper(libc);
  }
  return keepsSockets() ? new NodeSocketKeeper() : null;
}

function usesBun(): boolean {
  const wanted = process.env[variable] ?? "";
  if (wanted !== "" && wanted !== "node" && wanted !== "bun") {
    throw new Error(`${variable} must be "node" or "bun", not "${wanted}"`);
  }
  return wanted === "" ? bunApi !== null : wanted === "bun";
}
