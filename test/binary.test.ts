import assert from "node:assert/strict";
import { copyFileSync, existsSync, renameSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { repository } from "./support/gateway.ts";
import { freePorts } from "./support/ports.ts";
import { Program, runProgram } from "./support/program.ts";
import { upgradeByUsr2 } from "./support/successor.ts";
import { asWhoeverTests } from "./support/user.ts";

const bun = path.join(repository, "node_modules", ".bin", "bun");
const skip = existsSync(bun) ? false : "bun is not installed: the single-file executable was not tested";

describe("the single-file executable", { skip }, () => {
  let folder: string;
  let binary: string;

  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "longhaul-binary-"));
    binary = path.join(folder, "longhaul");
    const built = await runProgram([bun, path.join(repository, "tools/build-binary.ts"), binary], {
      cwd: repository,
      env: { ...process.env, PATH: `${path.dirname(bun)}:${process.env["PATH"]}` },
    });
    assert.equal(built.code, 0, built.output);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  test("tells its version", async () => {
    const { output } = await runProgram([binary, "-v"], { cwd: folder, env: process.env });
    assert.match(output, /^longhaul version: longhaul\/\d/);
  });

  test("serves a configuration", async () => {
    const [port] = await freePorts(1);
    const text = `${asWhoeverTests} daemon off; pid p; events {} http { access_log off; server { listen 127.0.0.1:${port}; return 200 "here\\n"; } }`;
    await writeFile(path.join(folder, "nginx.conf"), text);
    const program = new Program([binary, "-p", folder, "-e", "stderr"], { cwd: folder, env: process.env });
    try {
      assert.equal(await answerOf(`http://127.0.0.1:${port}/`), "here\n");
    } finally {
      program.signal("SIGKILL");
    }
  });

  test("starts what is in its place now on USR2", async () => {
    const own = path.join(folder, "replaced");
    await mkdir(own);
    const program = path.join(own, "longhaul");
    await copyFile(binary, program);
    const beforehand = (): void => {
      renameSync(program, `${program}.old`);
      copyFileSync(binary, program);
    };
    const command = (...flags: string[]): string[] => [program, ...flags];
    assert.equal(await upgradeByUsr2({ directory: own, command, beforehand }), program);
  });

  test("carries the quick start's page", async () => {
    const program = new Program([binary, "quickstart"], {
      cwd: folder,
      env: { ...process.env, XDG_STATE_HOME: folder },
    });
    try {
      const [, plain] = await program.printed(/http:\/\/(\S+)\/[^]*Ctrl-C/);
      assert.match(await answerOf(`http://${plain}/`), /<title>Longhaul quick start<\/title>/);
    } finally {
      program.signal("SIGKILL");
    }
  });
});

/** Asks until somebody answers: the process has only just been started. */
async function answerOf(url: string): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await (await fetch(url)).text();
    } catch (error) {
      if (attempt === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
