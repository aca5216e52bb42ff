import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { VirtualClock } from "../../net/memory/clock.ts";
import { LogFileCache } from "./log-file-cache.ts";
import type { LogFileCaching } from "./log-file-cache.ts";

interface Scene {
  readonly clock: VirtualClock;
  readonly cache: LogFileCache;
  readonly directory: string;
}

function scene(t: TestContext, caching: Partial<LogFileCaching>): Scene {
  const directory = mkdtempSync(join(tmpdir(), "longhaul-logs-"));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "sub"));
  const clock = new VirtualClock(0, (error) => assert.fail(String(error)));
  const all = { max: 3, inactiveMs: 10_000, minUses: 1, validMs: 60_000, ...caching };
  return { clock, cache: new LogFileCache(all, clock), directory };
}

function advance(clock: VirtualClock, ms: number): void {
  let due = false;
  clock.timer(ms, () => (due = true));
  while (!due) clock.step();
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
const text = (...names: string[]): string => readFileSync(join(...names), "latin1");

test("a file stays open while its directory is renamed, until it is looked at again", (t) => {
  const { cache, clock, directory } = scene(t, { inactiveMs: 100_000 });
  const path = join(directory, "sub/a");
  assert.equal(cache.append(path, "1\n"), null);
  assert.equal(cache.append(path, "2\n"), null);
  renameSync(join(directory, "sub"), join(directory, "other"));
  assert.equal(cache.append(path, "3\n"), null);
  assert.equal(text(directory, "other/a"), "1\n2\n3\n");
  advance(clock, 60_000);
  assert.match(cache.append(path, "4\n")!, /^open\(\) ".*sub\/a" failed \(2: /);
  mkdirSync(join(directory, "sub"));
  assert.equal(cache.append(path, "5\n"), null);
  assert.equal(text(path), "5\n");
  advance(clock, 200_001);
});

test("so many files are open at most, none for long without a line, and seldom used ones not at all", (t) => {
  const before = openDescriptors();
  const { cache, clock, directory } = scene(t, { max: 2, minUses: 2 });
  for (const name of ["a", "b", "c", "a", "b", "c"]) cache.append(join(directory, name), "x\n");
  // Each was forgotten before it came again.
  assert.equal(openDescriptors(), before);
  for (const name of ["b", "b", "c", "c"]) cache.append(join(directory, name), "y\n");
  assert.equal(openDescriptors(), before + 2);
  advance(clock, 20_001);
  assert.equal(openDescriptors(), before);
  assert.equal(text(directory, "b"), "x\nx\ny\ny\n");
});
