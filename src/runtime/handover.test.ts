import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { giveFolders } from "./handover.ts";

const root = mkdtempSync(join(tmpdir(), "longhaul-handover-"));
after(() => rmSync(root, { recursive: true }));
const user = { name: "nobody", uid: 65_534, gid: 65_534 };

/** Owner and rights. */
function stateOf(path: string): readonly [uid: number, rights: string] {
  const { uid, mode } = statSync(path);
  return [uid, (mode & 0o777).toString(8)];
}

describe("folders of temporary files", { skip: process.getuid?.() === 0 ? false : "only root gives" }, () => {
  test("are made where they are missing, with those above them", () => {
    giveFolders([join(root, "a/b/c")], user);
    assert.deepEqual(stateOf(join(root, "a/b/c")), [user.uid, "700"]);
    assert.deepEqual(stateOf(join(root, "a/b")), [0, "755"]);
  });

  test("become the user's, who may do all with them", () => {
    const folder = join(root, "there");
    mkdirSync(folder);
    chmodSync(folder, 0o055);
    giveFolders([folder], user);
    assert.deepEqual(stateOf(folder), [user.uid, "755"]);
  });

  test("stay root's where a link leads to them", () => {
    const folder = join(root, "elsewhere");
    mkdirSync(folder);
    chmodSync(folder, 0o055);
    symlinkSync(folder, join(root, "link"));
    giveFolders([join(root, "link")], user);
    assert.deepEqual(stateOf(folder), [0, "55"]);
  });
});
