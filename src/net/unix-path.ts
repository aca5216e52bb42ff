import { chmodSync } from "node:fs";

/**
 * The path of a unix socket as the runtimes' functions take it. An endpoint's has one character per byte, as a
 * configuration has; what is no UTF-8 they cannot name.
 */
export function runtimePath(path: string): string {
  return Buffer.from(path, "latin1").toString();
}

/** Lets every user connect to a unix socket that has just been bound, as nginx does: the folder decides who may. */
export function openToAll(path: string): void {
  chmodSync(Buffer.from(path, "latin1"), 0o666);
}
