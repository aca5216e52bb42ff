import { rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { CommandLine } from "../config/command-line.ts";
import { systemNetwork } from "../net/choose.ts";
import type { Network } from "../net/network.ts";
import { tell } from "./console.ts";
import { accepts, announcement, type Places } from "./quickstart-announce.ts";
import { startBackend, type QuickstartBackend } from "./quickstart-backend.ts";
import { ensureCertificate } from "./quickstart-certificate.ts";
import { findFreePort, onFreePort } from "./quickstart-ports.ts";
import { quickstartFolder } from "./quickstart-files.ts";
import { stateDirectory, userName } from "./quickstart-state.ts";

/** The ports that the configuration names. */
const wished = { plain: 8080, tls: 8443, backends: [9001, 9002] } as const;

/**
 * Runs the demonstration until a signal ends it: two WebSocket backends, and the gateway before them
 * with `quickstart/nginx.conf`, a certificate of its own and a page to try it.
 *
 * @returns the process's exit code.
 */
export async function quickstart(args: readonly string[]): Promise<number> {
  if (args.length > 0) {
    tell(`invalid option: "${args[0]}"`);
    return 1;
  }
  const state = await stateDirectory(process.env);
  await ensureCertificate(state, ["localhost", "127.0.0.1", "::1"]);
  const network = systemNetwork();
  const backends = await startBackends(network);
  const plain = await findFreePort(network, wished.plain);
  const tls = await findFreePort(network, wished.tls);
  const name = path.join(state, `quickstart-${plain}`);
  const places = placesOf(plain, tls, backends, `${name}.conf`);
  const folder = await quickstartFolder(state);
  await writeConfiguration(places, folder);
  process.once("exit", () => rmSync(places.configFile, { force: true }));

  const ending = new AbortController();
  void accepts(network, plain, ending.signal).then((isUp) => {
    if (isUp) process.stdout.write(announcement(places));
  });
  try {
    const { run } = await import("../runtime/start.ts");
    return await run(gatewayCommandLine(name, folder));
  } finally {
    ending.abort();
    await Promise.all(backends.map((backend) => backend.stop()));
  }
}

async function startBackends(network: Network): Promise<QuickstartBackend[]> {
  const backends: QuickstartBackend[] = [];
  for (const port of wished.backends) {
    backends.push(await onFreePort(port, (candidate) => startBackend(network, candidate)));
  }
  return backends;
}

function placesOf(
  plain: number,
  tls: number,
  backends: readonly QuickstartBackend[],
  configFile: string,
): Places {
  const used = backends.map(({ port }) => port);
  const pairs = [
    [wished.plain, plain],
    [wished.tls, tls],
    ...wished.backends.map((port, index) => [port, used[index] ?? port] as const),
  ] as const;
  return {
    plain,
    tls,
    backends: used,
    configFile,
    user: userName(),
    moved: pairs.filter(([taken, port]) => taken !== port),
  };
}

/** Copies the configuration to where the certificate is, with the ports that were free. */
async function writeConfiguration({ configFile, moved }: Places, folder: string): Promise<void> {
  const text = await readFile(path.join(folder, "nginx.conf"), "latin1");
  const ports = new Map(moved.map(([taken, used]) => [String(taken), String(used)]));
  const placed = text.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, (port) => ports.get(port) ?? port);
  await writeFile(configFile, ownerText() + placed, "latin1");
}

/**
 * What root may read and nobody else (a checkout in its home, its state directory) is all that there is to
 * serve: so a demonstration that root starts stays root, and its configuration says so.
 */
function ownerText(): string {
  if (process.geteuid?.() !== 0) return "";
  return "# Root has started this demonstration, from files that may be root's alone: it stays root.\nuser root;\n\n";
}

function gatewayCommandLine(name: string, folder: string): CommandLine {
  return {
    configFile: toLatin1(`${name}.conf`),
    configFileGiven: true,
    prefix: toLatin1(folder),
    globals: toLatin1(`daemon off; pid "${name}.pid";`),
    errorLog: "stderr",
    testOnly: false,
    dump: false,
    quiet: false,
    signal: null,
  };
}

/** Configuration text and paths are held with one character per byte. */
function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
