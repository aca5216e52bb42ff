import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { repository } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { Program, runProgram } from "./support/program.ts";
import { upgradeByUsr2 } from "./support/successor.ts";

/** What npm takes into the package; `dist` is compiled for the test. */
const packed = [
  "bin",
  "quickstart",
  "docs",
  "examples",
  "CONTRIBUTING.md",
  "README.md",
  "LICENSE",
  "package.json",
];

const isBun = process.versions.bun !== undefined;

describe("the package as npm delivers it", () => {
  let directory: string;
  let project: string;

  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-package-"));
    project = path.join(directory, "project");
    await installPackage(directory, project);
  });

  after(() => rm(directory, { recursive: true, force: true }));

  test("what README links to is there; fixtures, tests and executables are not", async () => {
    const content = await readdir(path.join(project, "node_modules/longhaul"), { recursive: true });
    const readme = await readFile(path.join(repository, "README.md"), "utf8");
    for (const [, link = ""] of readme.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      assert.ok(content.includes(link.replace(/\/$/, "")), link);
    }
    const unwanted = content.filter((name) =>
      /fixture|\.test\.|\/cases\/|^dist\/(longhaul|\.binary)/.test(name),
    );
    assert.deepEqual(unwanted, []);
  });

  test("its types need nothing that it does not bring", async () => {
    const own = path.join(project, "types");
    await mkdir(own);
    const text = `import { startGateway, ConfigError, createMemoryNetwork } from "longhaul";
      import type { RunningGateway, LogFiles, Network } from "longhaul";
      export const start = async (logs: LogFiles, network: Network): Promise<RunningGateway> =>
        await startGateway({ config: "events {}", logs, network });
      export const isOurs = (error: unknown): boolean => error instanceof ConfigError;
      export const memory = createMemoryNetwork({ seed: 1 });`;
    await writeFile(path.join(own, "use.ts"), text);
    const options = { strict: true, module: "nodenext", target: "es2024", noEmit: true, skipLibCheck: false };
    const config = { compilerOptions: options, files: ["use.ts"] };
    await writeFile(path.join(own, "tsconfig.json"), JSON.stringify(config));
    await writeFile(path.join(own, "package.json"), JSON.stringify({ type: "module" }));
    await succeed([path.join(repository, "node_modules/.bin/tsc"), "-p", own], own);
  });

  test("npx longhaul -t tests a configuration", async () => {
    const configured = await writeConfiguration(project, await freePort());
    const { code, output } = await runProgram(launch("-t", "-c", configured), {
      cwd: project,
      env: environment(),
    });
    assert.match(output, /^longhaul: configuration file .*nginx\.conf test is successful$/m);
    assert.equal(code, 0);
  });

  test("npx longhaul -c nginx.conf serves requests, and ends on SIGTERM", async (t) => {
    const port = await freePort();
    const configured = await writeConfiguration(project, port);
    const flags = ["-p", project, "-c", configured, "-g", "daemon off;"];
    const program = new Program(launch(...flags), { cwd: project, env: environment() });
    t.after(() => program.signal("SIGKILL"));
    assert.equal(await fetchOnceUp(`http://127.0.0.1:${port}/`, program), "served by the package");
    program.signal("SIGTERM");
    await program.exited;
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });

  test("npx longhaul starts itself anew on USR2", async () => {
    const own = path.join(project, "upgrade");
    await mkdir(own);
    const command = (...flags: string[]): string[] => {
      const [program, ...args] = launch(...flags);
      return isBun ? [program!, path.join(project, args[0]!), ...flags] : [program!, ...args];
    };
    assert.equal(await upgradeByUsr2({ directory: own, command }), await realpath(process.execPath));
  });

  test("npx longhaul quickstart serves its page", async (t) => {
    const env = { ...environment(), XDG_STATE_HOME: directory };
    const program = new Program(launch("quickstart"), { cwd: project, env });
    t.after(() => program.signal("SIGKILL"));
    const [, origin] = await program.printed(/(http:\/\/\S+)\//);
    assert.match(await (await fetch(`${origin}/`)).text(), /<title>Longhaul quick start<\/title>/);
    program.signal("SIGINT");
    await program.exited;
  });
});

/** Compiles, packs, and installs the tarball into an empty project. */
async function installPackage(directory: string, project: string): Promise<void> {
  const content = path.join(directory, "content");
  for (const name of packed)
    await cp(path.join(repository, name), path.join(content, name), { recursive: true });
  const tsc = path.join(repository, "node_modules/.bin/tsc");
  await succeed([tsc, "-p", "tsconfig.build.json", "--outDir", path.join(content, "dist")], repository);
  // As `npm run build:binary` leaves them.
  await writeFile(path.join(content, "dist/longhaul"), "an executable");
  await mkdir(path.join(content, "dist/.binary-1"));
  await writeFile(path.join(content, "dist/.binary-1/longhaul.ts"), "");
  await succeed(["npm", "pack", "--ignore-scripts", "--pack-destination", directory], content);
  await mkdir(project);
  await writeFile(path.join(project, "package.json"), JSON.stringify({ name: "project", private: true }));
  const tarball = path.join(directory, "longhaul.tgz");
  const [made] = (await readdir(directory)).filter((name) => name.endsWith(".tgz"));
  await rename(path.join(directory, made as string), tarball);
  await succeed(["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", tarball], project);
}

async function succeed(command: readonly string[], cwd: string): Promise<void> {
  const { code, output } = await runProgram(command, { cwd });
  assert.equal(code, 0, `${command.join(" ")}\n${output}`);
}

/** On Node by npx; Bun is given the launcher's path, since npx would start it on Node. */
function launch(...args: string[]): string[] {
  if (isBun) return [process.execPath, "node_modules/longhaul/bin/longhaul.js", ...args];
  return ["npx", "--no-install", "longhaul", ...args];
}

/** The launcher's first line finds the Node that runs this test. */
function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env["PATH"] ?? ""}`,
  };
}

async function writeConfiguration(project: string, port: number): Promise<string> {
  const file = path.join(project, "nginx.conf");
  await writeFile(
    file,
    `pid longhaul.pid;
     error_log stderr;
     events {}
     http {
       access_log off;
       server {
         listen 127.0.0.1:${port};
         location / { return 200 "served by the package"; }
       }
     }`,
  );
  return file;
}

async function fetchOnceUp(url: string, program: Program): Promise<string> {
  let ended = false;
  void program.exited.then(() => (ended = true));
  while (!ended) {
    try {
      return await (await fetch(url)).text();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error(`longhaul ended:\n${program.output}`);
}
