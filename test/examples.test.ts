import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { certificateFiles } from "./support/certificate.ts";
import { products, repository } from "./support/gateway.ts";
import { runProgram } from "./support/program.ts";

/** What nginx, or the one that is in Debian, has no directives for. */
const ofLonghaulAlone = new Set([
  "websocket-http2.conf",
  "grpc.conf",
  "socketio-recovery.conf",
  "heartbeats.conf",
  "chat-limits.conf",
]);

test("every example, the README's and the quick start's included, is a configuration that can be used", async (t) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-examples-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await cp(path.join(repository, "examples"), directory, { recursive: true });
  await cp(path.join(repository, "quickstart/nginx.conf"), path.join(directory, "quickstart.conf"));
  const readme = await readFile(path.join(repository, "README.md"), "utf8");
  await writeFile(path.join(directory, "readme.conf"), /```nginx\n([^]*?)```/.exec(readme)?.[1] ?? "");
  for (const [name, text] of Object.entries(await certificateFiles())) {
    await writeFile(path.join(directory, name), text);
  }
  const files = (await readdir(directory)).filter((name) => name.endsWith(".conf"));
  assert.equal(files.length, 11);
  for (const product of products()) {
    for (const file of files) {
      if (product.name === "nginx" && ofLonghaulAlone.has(file)) continue;
      const flags = ["-t", "-p", `${directory}/`, "-c", path.join(directory, file), "-e", "stderr"];
      // Some name no pid file of their own; a second one would be an error.
      if (["quickstart.conf", "readme.conf"].includes(file)) flags.push("-g", "pid longhaul.pid;");
      const { code, output } = await runProgram([...product.command, ...flags], { cwd: directory });
      assert.equal(code, 0, `${product.name} ${file}\n${output}`);
      assert.doesNotMatch(output, /\[(warn|emerg)\]/);
    }
  }
});
