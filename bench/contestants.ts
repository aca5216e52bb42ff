/** The contestants: how each is found and configured, and what it can do. */
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  caddyConfiguration,
  haproxyConfiguration,
  longhaulConfiguration,
  nginxConfiguration,
  type Setting,
} from "./configurations.ts";

const benchDirectory = fileURLToPath(new URL(".", import.meta.url));
const projectDirectory = fileURLToPath(new URL("..", import.meta.url));

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

/** Where npm puts a package of this project. */
export function installed(name: string): string {
  return join(projectDirectory, "node_modules", name);
}

/** What only some of the contestants do. */
export type Ability =
  /** Serves files itself. */
  | "files"
  /** Has the locations, rewrites and conditions of `expressions.ts`. */
  | "expressions"
  /** Takes a changed file at a SIGHUP and tells at /generation which one is in force. */
  | "reload"
  /** Speaks HTTP/2 with clients, over TLS and with prior knowledge. */
  | "http2"
  /** Takes WebSockets over HTTP/2 (RFC 8441). */
  | "http2-websocket"
  /** Shares its work between as many workers as it is told. */
  | "workers";

/** One kind of proxy. */
export interface Contestant {
  readonly name: string;
  readonly program: string;
  readonly abilities?: readonly Ability[];
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
    abilities: ["files", "expressions", "reload", "workers", "http2", "http2-websocket"],
    needs: main,
    file: { name: "nginx.conf", text: longhaulConfiguration },
    args: ({ directory }) => [main, "-c", `${directory}/nginx.conf`, "-p", `${directory}/`],
  };
}

const contestants: readonly Contestant[] = [
  {
    name: "nginx",
    program: "nginx",
    abilities: ["files", "expressions", "reload", "workers", "http2"],
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
    abilities: ["workers", "http2", "http2-websocket"],
    file: { name: "haproxy.cfg", text: haproxyConfiguration },
    args: ({ directory }) => ["-db", "-f", `${directory}/haproxy.cfg`],
  },
  {
    name: "caddy",
    program: "caddy",
    // It takes as many threads as there are cores that it may run on.
    abilities: ["files", "workers"],
    file: { name: "Caddyfile", text: caddyConfiguration },
    env: ({ directory }) => ({ HOME: directory, XDG_CONFIG_HOME: directory, XDG_DATA_HOME: directory }),
    args: ({ directory }) => ["run", "--adapter", "caddyfile", "--config", `${directory}/Caddyfile`],
  },
  script("http-proxy-3", "node", "http-proxy.ts", installed("http-proxy-3")),
  script("fastify-http-proxy", "node", "fastify-proxy.ts", installed("@fastify/http-proxy")),
];

/** Every name that `--proxies` knows, in the order of the table's columns. */
export const proxyNames: readonly string[] = contestants.map((contestant) => contestant.name);

/** The path of the contestant's program, or null when something that it needs is not on this machine. */
export function programOf(name: string): [Contestant, string] | null {
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

/** True when the contestant does what the row asks for; everyone does what needs no ability. */
export function isAble(name: string, ability: Ability | undefined): boolean {
  if (ability === undefined) return true;
  return contestants.find((one) => one.name === name)?.abilities?.includes(ability) ?? false;
}
