import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { SocketPlan } from "../gateway/build/group-sockets.ts";
import { endpointKey } from "../gateway/serve/listen-socket.ts";
import type { Clock } from "../net/clock.ts";

/** nginx tries to bind five times, half a second apart, before it gives up. */
const bindTries = 5;
const bindPauseMs = 500;

/** A socket that could not be bound. */
export class BindError extends Error {
  readonly code: string;

  constructor(key: string, code: string) {
    // Where IPv6 is switched off there is not even a socket to bind.
    super(code === "EAFNOSUPPORT" ? `socket() ${key} failed` : `bind() to ${key} failed`);
    this.code = code;
  }
}

/**
 * Binds by `bind`, again and again while somebody else listens there. `onBusy` is told each failed attempt.
 * @throws BindError
 */
export async function bindPatiently<T>(
  plan: SocketPlan,
  clock: Clock,
  bind: () => T | Promise<T>,
  onBusy: (error: BindError) => void,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      if (plan.endpoint.kind === "unix") await makeRoom(plan.endpoint.path);
      return await bind();
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "EINVAL";
      const failure = new BindError(endpointKey(plan.endpoint), code);
      onBusy(failure);
      if (code !== "EADDRINUSE" || attempt === bindTries) throw failure;
      await pause(clock, bindPauseMs);
    }
  }
}

/**
 * A unix socket that nobody listens on any more is left over from a process that died, and goes. Anything else
 * that has the name stays, and is in the way: runtimes take it away when they are left to bind (Bun).
 * @throws Error with `code`
 */
async function makeRoom(path: string): Promise<void> {
  const name = Buffer.from(path, "latin1");
  if (isSocket(name)) await removeStale(name);
  if (lstatSync(name, { throwIfNoEntry: false }) === undefined) return;
  throw Object.assign(new Error("the name is taken"), { code: "EADDRINUSE" });
}

async function removeStale(name: Buffer): Promise<void> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(name.toString());
    probe.once("connect", () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (error) => resolve(!("code" in error && error.code === "ECONNREFUSED")));
  });
  if (!alive) unlinkSync(name);
}

function isSocket(name: Buffer): boolean {
  return lstatSync(name, { throwIfNoEntry: false })?.isSocket() === true;
}

/** A timer of the clock does not keep the process alive; this wait does. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const alive = setInterval(() => undefined, delayMs);
    clock.timer(delayMs, () => {
      clearInterval(alive);
      resolve();
    });
  });
}
