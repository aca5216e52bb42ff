import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Backend } from "./backend.ts";
import { parseBehaviour } from "./backend-script.ts";
import type { BackendSpec, Case, CaseFile } from "./case-file.ts";
import { NameServer } from "../../src/net/name-server.fixture.ts";
import { freePort } from "../support/ports.ts";
import { forNginx122 } from "./http2-config.ts";
import {
  listenEndpoints,
  startProgram,
  type ProgramName,
  type RunningProgram,
  type Runtime,
} from "./program.ts";
import { Placeholders } from "./text.ts";
import { wires } from "./wires.ts";
import { World } from "./world.ts";
import { asWhoeverTests } from "../support/user.ts";

/** The program a case runs against. */
export interface Against {
  readonly program: ProgramName;
  /** The runtime for longhaul; nginx has none. */
  readonly runtime: Runtime;
}

export type Outcome =
  | { readonly kind: "pass" }
  | { readonly kind: "skip"; readonly why: string }
  | { readonly kind: "fail"; readonly why: string };

/** Hears of each case as soon as it has ended. */
export type Report = (testCase: Case, outcome: Outcome) => void;

const CERTIFICATES = new URL("certificates/", import.meta.url).pathname;
const CERTIFICATE_NAMES = ["localhost", "a.example", "b.example"];
/** Starting again helps when somebody took a port in between. */
const START_TRIES = 3;

/** Runs all cases of a file, in order, against one process of the program. Never rejects. */
export async function runCaseFile(file: CaseFile, against: Against, report: Report): Promise<void> {
  const open = file.cases.filter((testCase) => {
    const why = reasonToSkip(file, testCase, against);
    if (why !== null) report(testCase, { kind: "skip", why });
    return why === null;
  });
  if (open.length === 0) return;
  const directory = mkdtempSync(join(tmpdir(), "longhaul-case-"));
  const placeholders = new Placeholders();
  const backends = new Map<string, Backend>();
  const nameServers: NameServer[] = [];
  let program: RunningProgram | null = null;
  try {
    await startBackends(file.backends, directory, placeholders, backends);
    for (const [index, names] of file.names.entries()) {
      const nameServer = new NameServer(placeholders.fill(names));
      nameServers.push(nameServer);
      placeholders.set(index === 0 ? "DNS" : `DNS${index + 1}`, `127.0.0.1:${await nameServer.listen()}`);
    }
    program = await start(file, against, directory, placeholders);
    for (const testCase of open) {
      report(
        testCase,
        await runCase(testCase, program, new World(directory, placeholders, backends, file.clients)),
      );
    }
  } catch (error) {
    const why = messageOf(error);
    const lacks = directiveLacking(file, why);
    for (const testCase of open) {
      report(
        testCase,
        lacks === null ? { kind: "fail", why } : { kind: "skip", why: `longhaul lacks ${lacks}` },
      );
    }
  } finally {
    await program?.stop();
    for (const backend of backends.values()) backend.close();
    for (const nameServer of nameServers) nameServer.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function reasonToSkip(file: CaseFile, testCase: Case, against: Against): string | null {
  if (against.program === "nginx" && testCase.oracleDiffers !== null) {
    return `nginx 1.22 differs: ${testCase.oracleDiffers}`;
  }
  const needs = [...file.needs, ...testCase.needs];
  if (needs.includes("ipv6") && !hasIpv6()) return "needs IPv6 on the loopback interface";
  if (needs.includes("unix") && process.platform === "win32") return "needs unix sockets";
  return null;
}

/** The directive by which the program refused to start, when the case file foresees that. */
function directiveLacking(file: CaseFile, why: string): string | null {
  const refused = /directive "(\w+)" of \w+ is not supported by longhaul/.exec(why)?.[1] ?? "";
  return file.mayLack.includes(refused) ? refused : null;
}

function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === "::1"));
}

async function startBackends(
  specs: readonly BackendSpec[],
  directory: string,
  placeholders: Placeholders,
  backends: Map<string, Backend>,
): Promise<void> {
  for (const spec of specs) {
    const behaviour = parseBehaviour(spec.behaviour);
    if (behaviour === null) throw new Error(`line ${spec.behaviour.number}: bad behaviour of ${spec.name}`);
    const backend = new Backend(spec.name, wires[spec.wire]!, behaviour, placeholders);
    const path = spec.unix ? join(directory, `${spec.name}.sock`) : null;
    const port = behaviour.refuses ? await freePort() : await backend.listen(path);
    if (!behaviour.refuses) backends.set(spec.name, backend);
    placeholders.set(spec.name, path === null ? `127.0.0.1:${port}` : `unix:${path}`);
    placeholders.set(`${spec.name}.PORT`, String(port));
  }
}

async function start(
  file: CaseFile,
  against: Against,
  directory: string,
  placeholders: Placeholders,
): Promise<RunningProgram> {
  layDown(file, directory, placeholders);
  for (let left = START_TRIES; ; left--) {
    const source = `${file.main}\n${file.config}`;
    for (const [, name = ""] of source.matchAll(/%(PORT\d)%/g))
      placeholders.set(name, String(await freePort()));
    const config = placeholders.fill(wholeConfig(file, against.program));
    writeFileSync(join(directory, "nginx.conf"), config, "latin1");
    try {
      return await startProgram(against.program, against.runtime, directory, listenEndpoints(config));
    } catch (error) {
      if (left === 1 || !/in use/i.test(messageOf(error))) throw error;
    }
  }
}

function layDown(file: CaseFile, directory: string, placeholders: Placeholders): void {
  placeholders.set("DIR", directory);
  for (const name of CERTIFICATE_NAMES) {
    placeholders.set(`CERT:${name}`, join(CERTIFICATES, `${name}.crt`));
    placeholders.set(`KEY:${name}`, join(CERTIFICATES, `${name}.key`));
  }
  placeholders.set("CERTS", CERTIFICATES.replace(/\/$/, ""));
  placeholders.set("CERT", placeholders.get("CERT:localhost"));
  placeholders.set("KEY", placeholders.get("KEY:localhost"));
  for (const name of ["logs", "tmp"]) mkdirSync(join(directory, name));
  for (const { path, content } of file.files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), placeholders.fill(content), "latin1");
  }
  for (const { path, target } of file.links) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    symlinkSync(placeholders.fill(target), join(directory, path));
  }
}

/** The case's own text in the frame that every case shares. */
function wholeConfig(file: CaseFile, program: ProgramName): string {
  const alone = program === "nginx" ? "master_process off;\n" : asWhoeverTests;
  return `daemon off;
${alone}worker_processes 1;
pid %DIR%/nginx.pid;
error_log logs/error.log info;
${file.main}
events { worker_connections 256; }
http {
access_log logs/access.log;
client_body_temp_path tmp/body;
proxy_temp_path tmp/proxy;
fastcgi_temp_path tmp/fastcgi;
scgi_temp_path tmp/scgi;
uwsgi_temp_path tmp/uwsgi;
${configFor(file.config, program)}
}
`;
}

/** "longhaul only: directive;" is left out for nginx, which does not know it. */
function configFor(config: string, program: ProgramName): string {
  const own = config.replaceAll(/^ *longhaul only: (.*)$/gm, program === "nginx" ? "" : "$1");
  return program === "nginx" ? forNginx122(own) : own;
}

async function runCase(testCase: Case, program: RunningProgram, world: World): Promise<Outcome> {
  for (const backend of world.backends.values()) backend.reset();
  world.beginLogs(readdirSync(join(world.directory, "logs")));
  let at = "";
  try {
    for (const step of testCase.steps) {
      at = `line ${step.line}: ${step.text}\n`;
      await step.run(world);
    }
    at = "at the end: ";
    world.finish();
    return { kind: "pass" };
  } catch (error) {
    const gone = program.gone() ? `\nthe program has gone: ${program.output()}` : "";
    return { kind: "fail", why: `${at}${messageOf(error)}${gone}` };
  } finally {
    world.dispose();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
