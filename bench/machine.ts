/** Where figures were taken, and of which versions. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release } from "node:os";
import { findProgram, installed } from "./contestants.ts";

/** What must be equal for figures to stand in one table. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
}

/** To be asked before the process pins itself to a core. */
export function thisMachine(): Machine {
  return { cpu: cpus()[0]?.model ?? "unknown CPU", cores: availableParallelism(), kernel: release() };
}

const programs: readonly (readonly [string, string])[] = [
  ["nginx", "-v"],
  ["bun", "--version"],
  ["node", "--version"],
  ["haproxy", "-v"],
  ["caddy", "version"],
];
const packages: readonly string[] = ["http-proxy-3", "@fastify/http-proxy"];

/** Name and version of every program and package in the comparison that is here. */
export function versions(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, argument] of programs) {
    const path = findProgram(name);
    if (path === null) continue;
    const { stdout, stderr } = spawnSync(path, [argument], { encoding: "utf8" });
    const version = /\d+\.\d+(\.\d+)?/.exec(stdout + stderr)?.[0];
    if (version !== undefined) found[name] = version;
  }
  for (const name of packages) {
    try {
      const { version } = JSON.parse(readFileSync(`${installed(name)}/package.json`, "utf8")) as {
        version: string;
      };
      found[name] = version;
    } catch {
      continue;
    }
  }
  return found;
}
