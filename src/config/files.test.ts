import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { dumpSources } from "./dump.ts";
import { DiskFiles } from "./files.ts";
import { outcome } from "./test-reading.ts";

const root = mkdtempSync(join(tmpdir(), "longhaul-files-"));
after(() => rmSync(root, { recursive: true }));

for (const name of [
  "b.conf",
  "a.conf",
  "A.conf",
  ".hidden.conf",
  "c.txt",
  "x[1].conf",
  "d1/e.conf",
  "d2/e.conf",
]) {
  const path = join(root, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `# ${name}`);
}

const PATTERNS: readonly [string, string[]][] = [
  ["*.conf", ["A.conf", "a.conf", "b.conf", "x[1].conf"]],
  ["?.conf", ["A.conf", "a.conf", "b.conf"]],
  ["[ab].conf", ["a.conf", "b.conf"]],
  ["[!a].conf", ["A.conf", "b.conf"]],
  ["[^a].conf", ["A.conf", "b.conf"]],
  ["[a-c].*", ["a.conf", "b.conf", "c.txt"]],
  [".*.conf", [".hidden.conf"]],
  ["*/e.conf", ["d1/e.conf", "d2/e.conf"]],
  ["d[2-9]/*", ["d2/e.conf"]],
  ["x\\[?].conf", ["x[1].conf"]],
  ["none/*.conf", []],
  ["*.nothing", []],
];

describe("patterns are those of glob(3)", () => {
  for (const [pattern, expected] of PATTERNS) {
    test(pattern, () => {
      const found = new DiskFiles().glob(`${root}/${pattern}`);
      assert.deepEqual(
        found,
        expected.map((name) => `${root}/${name}`),
      );
    });
  }
});

test("a file that cannot be read is told in nginx's words", () => {
  const read = (name: string): string => outcome(() => new DiskFiles().read(`${root}/${name}`));
  assert.equal(read("none"), `open() "${root}/none" failed (2: No such file or directory)`);
  assert.equal(read("c.txt/x"), `open() "${root}/c.txt/x" failed (20: Not a directory)`);
  assert.equal(read("d1"), `pread() "${root}/d1" failed (21: Is a directory)`);
});

test("names and texts are bytes, not characters", () => {
  const name = "\xc3\xa9.bin";
  writeFileSync(Buffer.from(`${root}/${name}`, "latin1"), Buffer.from([0xff, 0x0a]));
  assert.equal(new DiskFiles().read(`${root}/${name}`), "\xff\n");
  assert.deepEqual(new DiskFiles().glob(`${root}/*.bin`), [`${root}/${name}`]);
});

test("what was read can be dumped, each file once and in order", () => {
  const files = new DiskFiles();
  for (const name of ["b.conf", "a.conf", "b.conf"]) files.read(`${root}/${name}`);
  const expected = ["b.conf", "a.conf"].map((name) => `# configuration file ${root}/${name}:\n# ${name}\n`);
  assert.equal(dumpSources(files.sources), expected.join(""));
});

test("a file that a directive names is read once", () => {
  const path = join(root, "once.pem");
  writeFileSync(path, "first");
  const files = new DiskFiles();
  assert.equal(files.readBytes(path).toString(), "first");
  writeFileSync(path, "second");
  assert.equal(files.readBytes(path).toString(), "first");
  assert.equal(new DiskFiles().readBytes(path).toString(), "second");
});
