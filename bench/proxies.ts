/** The contestants: how each is found, configured and started. */
import { accessSync, constants, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  caddyConfiguration,
  haproxyConfiguration,
  nginxConfiguration,
  type Setting,
} from "./configurations.ts";
import { ask } from "./ports.ts";
import { Child, proxyCpu } from "./process.ts";

const benchDirectory = fileURLToPath(new URL(".", import.meta.url));
const projectDirectory = fileURLToPath(new URL("..", import.meta.url));
const startPatienceMs = 10_000;

/** A program's path: among the project's dependencies, else in PATH or a system directory; null when absent. */
export function findProgram(name: string): string | null {
  const own = join(projectDirectory, "node_modules/.bin");
  const directories = [own, ...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  for (const directory of directories) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

function installed(name: string): string {
  return join(projectDirectory, "node_modules", name);
}

/** One kind of proxy. */
interface Contestant {
  readonly name: string;
  readonly program: string;
  /** A path that must exist besides the program. */
  readonly needs?: string;
  /** Its configuration file, written into its directory. */
  readonly file?: { readonly name: string; readonly text: (setting: Setting) => string };
  readonly env?: (setting: Setting) => Record<string, string>;
  args(setting: Setting): string[];
}

function script(name: string, runtime: string, file: string, needs = benchDirectory): Contestant {
  const path = join(benchDirectory, file);
  return { name, program: runtime, needs, args: (setting) => [path, JSON.stringify(setting)] };
}

function longhaul(runtime: string): Contestant {
  const main = join(projectDirectory, "src/cli/main.ts");
  return {
    name: `longhaul-${runtime}`,
    program: runtime,
    needs: main,
    file: { name: "nginx.conf", text: nginxConfiguration },
    args: ({ directory }) => [main, "-c", `${directory}/nginx.conf`, "-p", `${directory}/`],
  };
}

const contestants: readonly Contestant[] = [
  {
    name: "nginx",
    program: "nginx",
    file: { name: "nginx.conf", text: nginxConfiguration },
    args: ({ directory }) => [
      "-p",
      `${directory}/`,
      "-c",
      `${directory}/nginx.conf`,
      "-e",
      `${directory}/error.log`,
    ],
  },
  longhaul("bun"),
  longhaul("node"),
  script("relay-bun", "bun", "relay-bun.ts"),
  script("relay-node", "node", "relay-node.ts"),
  {
    name: "haproxy",
    program: "haproxy",
    file: { name: "haproxy.cfg", text: haproxyConfiguration },
    args: ({ directory }) => ["-db", "-f", `${directory}/haproxy.cfg`],
  },
  {
    name: "caddy",
    program: "caddy",
    file: { name: "Caddyfile", text: caddyConfiguration },
    env: ({ directory }) => ({ HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory }),
    args: ({ directory }) => ["run", "--adapter", "caddyfile", "--config", `${directory}/Caddyfile`],
  },
  script("http-proxy-3", "node", "http-proxy.ts", installed("http-proxy-3")),
  script("fastify-http-proxy", "node", "fastify-proxy.ts", installed("@fastify/http-proxy")),
];

/** Every name that `--proxies` knows, in the order of the table's columns. */
export const proxyNames: readonly string[] = contestants.map((contestant) => contestant.name);

/** A proxy that runs and answers. */
export interface Proxy {
  readonly name: string;
  readonly setting: Setting;
  readonly plainPort: number;
  readonly tlsPort: number;
  readonly backendPort: number;
  readonly child: Child;
  /** Which version of its configuration it has been given. */
  generation: number;
  /** From the start of the process to its first proxied answer. */
  readonly startMs: number;
}

/** The path of the contestant's program, or null when something that it needs is not on this machine. */
function programOf(name: string): [Contestant, string] | null {
  const contestant = contestants.find((one) => one.name === name);
  if (contestant === undefined || (contestant.needs !== undefined && !existsSync(contestant.needs)))
    return null;
  const program = findProgram(contestant.program);
  return program === null ? null : [contestant, program];
}

/** True when `name` can be started on this machine. */
export function isAvailable(name: string): boolean {
  return programOf(name) !== null;
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
    cpu: proxyCpu,
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

/** True for those who take a changed file at a SIGHUP and tell at /generation which one is in force. */
export function isReloadable(name: string): boolean {
  return programOf(name)?.[0].file?.text === nginxConfiguration;
}

/**
 * Changes the configuration, sends SIGHUP, and waits until the new one answers; in milliseconds.
 * @throws Error when it does not come.
 */
export async function timeReload(proxy: Proxy): Promise<number> {
  proxy.generation += 1;
  const text = nginxConfiguration({ ...proxy.setting, generation: proxy.generation });
  writeFileSync(join(proxy.setting.directory, "nginx.conf"), text);
  const begin = performance.now();
  process.kill(proxy.child.pid, "SIGHUP");
  while ((await ask(proxy.plainPort, "/generation")) !== String(proxy.generation)) {
    if (performance.now() - begin > startPatienceMs) throw new Error("the new configuration does not come");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return performance.now() - begin;
}
