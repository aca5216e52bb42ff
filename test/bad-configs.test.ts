/**
 * Configurations that cannot be used: each file of `bad-configs/` begins with the message that nginx
 * prints for it. The nginx binary is held to it as well, so that the files stay true. Where longhaul
 * answers differently on purpose, the file ends with `# longhaul:` and its message.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseOptions } from "../src/cli/options.ts";
import { checkConfiguration } from "../src/runtime/check.ts";

const directory = fileURLToPath(new URL("./bad-configs/", import.meta.url));
const files = readdirSync(directory).filter((name) => name.endsWith(".conf"));

/** Where the default access log goes. */
const prefix = mkdtempSync(join(tmpdir(), "longhaul-bad-configs-"));
mkdirSync(join(prefix, "logs"));
after(() => rmSync(prefix, { recursive: true }));

/** The message that a file's first line announces. */
function expectedMessage(name: string): string {
  const [first = ""] = readFileSync(directory + name, "latin1").split("\n", 1);
  assert.match(first, /^# \[emerg\] /, `${name} does not announce its message`);
  return first.slice("# [emerg] ".length);
}

/** What longhaul says instead, when a file's last line announces that. */
function longhaulsOwn(name: string): string | null {
  return /^# longhaul: (.*)$/m.exec(readFileSync(directory + name, "latin1"))?.[1] ?? null;
}

/** Files are named without their directory, so that the announced messages hold everywhere. */
function withoutDirectory(message: string): string {
  return message.replaceAll(directory, "");
}

function nginxMessage(name: string): string {
  const args = ["-t", "-q", "-e", "/dev/null", "-c", directory + name];
  const { stderr } = spawnSync("nginx", args, { encoding: "latin1" });
  return withoutDirectory(/^nginx: \[emerg\] (.*)$/m.exec(stderr)?.[1] ?? stderr);
}

async function longhaulMessage(name: string): Promise<string> {
  const { commandLine } = parseOptions(["-t", "-e", "/dev/null", "-c", directory + name], prefix);
  const { ok, remarks } = await checkConfiguration(commandLine);
  return ok ? "ok" : withoutDirectory(remarks.at(-1)?.text ?? "");
}

const noNginx = spawnSync("nginx", ["-v"]).error === undefined ? false : "nginx is not installed here";

test("there are enough of them", () => assert.ok(files.length >= 200));

describe("nginx refuses it with the announced message", { skip: noNginx }, () => {
  for (const name of files) test(name, () => assert.equal(nginxMessage(name), expectedMessage(name)));
});

describe("longhaul refuses it with the same message, or its own", () => {
  for (const name of files) {
    test(name, async () =>
      assert.equal(await longhaulMessage(name), longhaulsOwn(name) ?? expectedMessage(name)),
    );
  }
});
