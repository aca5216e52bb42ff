import type { ConnectionLimits } from "../serve/connection-limit.ts";
import type { Gateway } from "../serve/gateway.ts";
import type { HttpConfiguration } from "./compile.ts";
import type { SocketPlan } from "./group-sockets.ts";
import { removedServers } from "./removed-servers.ts";

/** Whatever listens for a gateway, as far as a new configuration concerns it. */
export interface ListeningSockets<Released> {
  /**
   * Puts the servers of these plans behind the sockets, and retires those that no plan names. Resolves with
   * what must be given to it again.
   */
  replace(plans: readonly SocketPlan[]): Promise<Released>;
}

/** A configuration that takes the place of another, and for whom. */
export interface Succession<Released> {
  readonly gateway: Gateway;
  readonly sockets: ListeningSockets<Released>;
  /** The one in use; null: there was none, or it had no `http` block. */
  readonly before: HttpConfiguration | null;
  /** Null without an `http` block. */
  readonly next: HttpConfiguration | null;
  /** How many connections it allows. */
  readonly limits: ConnectionLimits;
}

/**
 * Requests that begin from now on follow another configuration. This is the one way into use, for the threads
 * of a process, an embedded gateway and a simulation; nothing in it fails. Resolves with what `sockets` released.
 */
export async function takeOver<Released>(succession: Succession<Released>): Promise<Released> {
  const { gateway, sockets, before, next, limits } = succession;
  // The same one comes again when an upgrade of the process was given up: its tasks go on.
  if (before?.build !== next?.build) {
    retire(before);
    startTasks(next, before);
    tellSuccessors(before, next);
  }
  if (before !== null) gateway.tunnels.configurationReplaced();
  gateway.limit.apply(limits);
  const released = await sockets.replace(next?.sockets ?? []);
  gateway.drainServers(removedServers(before?.build, next?.build));
  if (before !== null && before.build !== next?.build) gateway.settleTunnels();
  return released;
}

/** Ends what a configuration does beside the requests that have begun: its tasks, and its idle connections. */
export function retire(configuration: HttpConfiguration | null): void {
  const build = configuration?.build;
  for (const task of build?.background.values() ?? []) task.stop();
  for (const draft of build?.upstreams.values() ?? []) draft.upstream?.pool?.close();
}

/** Each hears of the one of the same name that it replaces. */
function startTasks(next: HttpConfiguration | null, before: HttpConfiguration | null): void {
  for (const [name, task] of next?.build.background ?? [])
    task.start(before?.build.background.get(name) ?? null);
}

/** Tunnels of the old configuration find the servers of the new one. */
function tellSuccessors(before: HttpConfiguration | null, next: HttpConfiguration | null): void {
  for (const [name, { upstream }] of before?.build.upstreams ?? []) {
    const successor = next?.build.upstreams.get(name)?.upstream ?? null;
    if (upstream !== null && successor !== null) successor.succeed(upstream);
  }
}
