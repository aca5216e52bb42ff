import assert from "node:assert/strict";
import {
  closeSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openFile, statFile } from "./open-file.ts";
import type { SymlinkRule } from "../serve/settings.ts";
import type { Request } from "../request/request.ts";

const root = mkdtempSync(join(tmpdir(), "longhaul-open-file-"));
after(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, "dir"));
writeFileSync(join(root, "dir/file"), "text");
symlinkSync("dir", join(root, "link"));
symlinkSync("file", join(root, "dir/link"));
symlinkSync("/etc/hostname", join(root, "dir/away"));

const linux = process.platform === "linux" ? false : "it takes Linux's /proc";
const isRoot = process.getuid?.() === 0 ? false : "only root may give files away";

function requestWith(symlinks: SymlinkRule | null): Request {
  return { location: { core: { symlinks } } } as unknown as Request;
}

const strict = requestWith({ mode: "on", from: null });
const owned = requestWith({ mode: "if_not_owner", from: null });

function textOf(request: Request, path: string): string {
  const descriptor = openFile(request, join(root, path));
  try {
    return readFileSync(descriptor, "latin1");
  } finally {
    closeSync(descriptor);
  }
}

test("without a rule links are followed", () => {
  assert.equal(textOf(requestWith(null), "link/link"), "text");
  assert.equal(statFile(requestWith(null), join(root, "link/link")).size, 4);
});

test("a link is refused wherever it stands", { skip: linux }, () => {
  assert.equal(textOf(strict, "dir/file"), "text");
  assert.throws(() => textOf(strict, "dir/link"), { code: "ELOOP" });
  assert.throws(() => textOf(strict, "link/file"), { code: "ENOTDIR" });
  assert.throws(() => statFile(strict, join(root, "dir/link")), { code: "ELOOP" });
  assert.equal(statFile(strict, join(root, "dir/")).isDirectory(), true);
  assert.throws(() => statFile(strict, join(root, "dir/file/")), { code: "ENOTDIR" });
});

test("a link to what another user owns is refused", { skip: linux || isRoot }, () => {
  assert.equal(textOf(owned, "link/link"), "text");
  lchownSync(join(root, "dir/away"), 65_534, 65_534);
  assert.throws(() => textOf(owned, "dir/away"), { code: "ELOOP" });
  lchownSync(join(root, "link"), 65_534, 65_534);
  assert.throws(() => statFile(owned, join(root, "link/file")), { code: "ELOOP" });
});

test("no descriptor stays open", { skip: linux }, () => {
  const count = (): number => readdirSync("/proc/self/fd").length;
  const before = count();
  for (const request of [strict, owned]) {
    for (const path of ["dir/file", "dir/link", "link/file", "dir/away", "missing/file", "dir/file/x"]) {
      try {
        textOf(request, path);
        statFile(request, join(root, path));
      } catch (error) {
        assert.ok((error as NodeJS.ErrnoException).code !== undefined);
      }
    }
  }
  assert.equal(count(), before);
});
