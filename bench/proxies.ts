/** Proxies that run: started, pinned and asked until they answer. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Setting } from "./configurations.ts";
import { programOf } from "./contestants.ts";
import { ask } from "./ports.ts";
import { bothCpus, Child, proxyCpu } from "./process.ts";

const startPatienceMs = 10_000;

/** A proxy that runs and answers. */
export interface Proxy {
  readonly name: string;
  readonly setting: Setting;
  readonly plainPort: number;
  readonly tlsPort: number;
  readonly h2cPort: number;
  readonly h2Port: number;
  readonly backendPort: number;
  readonly child: Child;
  /** Which version of its configuration it has been given. */
  generation: number;
  /** From the start of the process to its first proxied answer. */
  readonly startMs: number;
}

/**
 * Starts a proxy and waits for its first answer.
 * @throws Error when it is not to be had or does not answer in time, with the end of its log.
 */
export async function startProxy(name: string, setting: Setting): Promise<Proxy> {
  const found = programOf(name);
  if (found === null) throw new Error(`${name} is not available`);
  const [contestant, program] = found;
  const { file } = contestant;
  mkdirSync(setting.directory, { recursive: true });
  if (file !== undefined) writeFileSync(join(setting.directory, file.name), file.text(setting));
  const begin = performance.now();
  const child = new Child([program, ...contestant.args(setting)], {
    cpu: setting.workers > 1 ? bothCpus : proxyCpu,
    cwd: setting.directory,
    env: contestant.env?.(setting) ?? {},
    logFile: join(setting.directory, "output.log"),
    talks: false,
  });
  while ((await ask(setting.plainPort, "/small")) === null) {
    const waited = performance.now() - begin;
    if (child.isOver || waited > startPatienceMs) {
      await child.stop();
      throw new Error(`${name} does not answer: ${child.lastWords()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { name, setting, child, startMs: performance.now() - begin, ...setting };
}
