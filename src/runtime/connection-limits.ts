import { readdirSync, readFileSync } from "node:fs";
import type { ConnectionLimits } from "../gateway/serve/connection-limit.ts";
import type { Configuration } from "./configuration.ts";

/** Besides the files that are open now: logs that are reopened, files of a reload, name lookups. */
const spareMin = 8;
const sparePart = 1 / 16;
const spareMax = 256;

/** Where the system does not tell. */
const usedByDefault = 64;

/** The process's limit of open files; infinite where it cannot be found out. Runtimes raise it as far as they may. */
export function openFilesLimit(): number {
  const line = /^Max open files +(\d+)/m.exec(readText("/proc/self/limits"));
  return line === null ? Infinity : Number(line[1]);
}

/**
 * What a worker may have open under a configuration.
 *
 * @param openSockets connections that are open now, of all workers
 * @param workers how many share the process's open files
 */
export function connectionLimits(
  { main, http }: Configuration,
  openSockets: number,
  workers = 1,
): ConnectionLimits {
  const openFiles = Math.min(openFilesLimit(), main.workerRlimitNofile ?? Infinity);
  const spare = Math.min(spareMax, spareMin + Math.floor(openFiles * sparePart));
  const sockets = Math.floor((openFiles - (openDescriptors() - openSockets) - spare) / workers);
  const listening = http?.sockets.length ?? 0;
  return { connections: main.workerConnections, listening, openFiles, sockets: Math.max(2, sockets) };
}

function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return usedByDefault;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
