import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { stateDirectory, userName } from "./quickstart-state.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "longhaul-state-"));
after(() => rmSync(root, { recursive: true }));
const nowhere = "/dev/null/nowhere";

/** The directory that is chosen where the home takes none, among those of `temporary`. */
async function chosenIn(temporary: string): Promise<string> {
  const before = process.env["TMPDIR"];
  process.env["TMPDIR"] = temporary;
  try {
    return await stateDirectory({ XDG_STATE_HOME: nowhere });
  } finally {
    if (before === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = before;
  }
}

function folder(name: string): string {
  const made = path.join(root, name);
  mkdirSync(made);
  return made;
}

describe("the quick start's directory among temporary files", () => {
  test("is this user's alone, and is found again", async () => {
    const temporary = folder("empty");
    const expected = path.join(temporary, `longhaul-${userName()}`);
    assert.equal(await chosenIn(temporary), expected);
    assert.equal(await chosenIn(temporary), expected);
  });

  test("is not one that others may write to", async () => {
    const temporary = folder("open");
    const own = path.join(temporary, `longhaul-${userName()}`);
    mkdirSync(own);
    chmodSync(own, 0o777);
    await assert.rejects(chosenIn(temporary), /is there already/);
  });

  test("is not where a link leads", async () => {
    const temporary = folder("linked");
    symlinkSync(folder("elsewhere"), path.join(temporary, `longhaul-${userName()}`));
    await assert.rejects(chosenIn(temporary), /is there already/);
  });
});

test("a user without a name has a number", { skip: process.getuid?.() !== 0 }, () => {
  const module = JSON.stringify(new URL("./quickstart-state.ts", import.meta.url).href);
  const { stdout } = spawnSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      // The files of this checkout may be root's alone, so the process becomes that user once it has them.
      `const { userName } = await import(${module}); process.setuid(54321); process.stdout.write(userName());`,
    ],
    { encoding: "utf8" },
  );
  assert.match(stdout, /^(54321|unknown)$/);
});
