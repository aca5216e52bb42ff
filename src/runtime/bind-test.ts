import { lstatSync } from "node:fs";
import { dirname } from "node:path";
import { BindError } from "./binding.ts";
import { bindOptions } from "./socket-pool.ts";
import { whyNoEntryIn } from "./writable.ts";
import { describeErrno } from "../config/errors.ts";
import type { SocketPlan } from "../gateway/build/group-sockets.ts";
import { endpointKey } from "../gateway/serve/listen-socket.ts";
import type { ConnectionOwner } from "../net/connection.ts";
import type { ListenerEvents, Network } from "../net/network.ts";

const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** The socket is there for a moment only. */
const refuseAll: ListenerEvents = {
  admits: () => false,
  onConnection: () => nobody,
  onHandshakeError() {},
};

/**
 * Binds each socket of a configuration and lets it go again. Returns why one cannot be had, in nginx's words, or
 * null. That somebody listens there already is no fault: it may be who is to read the configuration.
 */
export async function bindFailure(plans: readonly SocketPlan[], network: Network): Promise<string | null> {
  for (const plan of plans) {
    const error = await failureOf(plan, network);
    if (error === null || codeOf(error) === "EADDRINUSE") continue;
    const { message } = new BindError(endpointKey(plan.endpoint), codeOf(error));
    return `${message} ${describeErrno(error)}`;
  }
  return null;
}

/** Nothing is bound in the file system: a test leaves nothing behind, also when it is killed. */
async function failureOf(plan: SocketPlan, network: Network): Promise<unknown> {
  const { endpoint } = plan;
  if (endpoint.kind === "unix") {
    const name = Buffer.from(endpoint.path, "latin1");
    if (lstatSync(name, { throwIfNoEntry: false }) !== undefined) return null;
    return whyNoEntryIn(dirname(name.toString()));
  }
  try {
    const { ipv6Only, backlog } = bindOptions(plan);
    const listener = await network.listen({ endpoint, tls: null, ipv6Only, backlog }, refuseAll);
    await listener.stop();
    return null;
  } catch (error) {
    return error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "EINVAL";
}
