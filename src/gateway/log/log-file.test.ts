import assert from "node:assert/strict";
import dgram from "node:dgram";
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { ConfigError } from "../../config/errors.ts";
import type { Clock } from "../../net/clock.ts";
import { DiskLogFiles } from "./disk-log-files.ts";
import { ErrorLog } from "./error-log.ts";
import { LogDraft } from "./log-draft.ts";
import { appendOnce } from "./log-file.ts";

/** A clock whose timers fire when the test says so. */
class HandClock implements Clock {
  readonly timers: { delayMs: number; fire: () => void }[] = [];
  now(): number {
    return 0;
  }
  wall(): number {
    return 0;
  }
  timer(delayMs: number, fire: () => void): { cancel(): void } {
    const entry = { delayMs, fire };
    this.timers.push(entry);
    return { cancel: () => void this.timers.splice(this.timers.indexOf(entry), 1) };
  }
  soon(run: () => void): void {
    queueMicrotask(run);
  }
}

function scene(t: TestContext): { clock: HandClock; logs: DiskLogFiles; path: string } {
  const directory = mkdtempSync(join(tmpdir(), "longhaul-log-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const clock = new HandClock();
  return { clock, logs: new DiskLogFiles(clock), path: join(directory, "a.log") };
}

const openDescriptors = (): number => readdirSync("/proc/self/fd").length;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const text = (path: string): string => readFileSync(path, "latin1");

test("lines are written by the end of the turn, in their order, behind what was there", async (t) => {
  const { logs, path } = scene(t);
  const sink = logs.open(path);
  assert.equal(text(path), "");
  sink.write("one \xe4\n");
  logs.open(path).write("two\n");
  await turn();
  assert.equal(text(path), "one \xe4\ntwo\n");
  sink.write("three\n");
  await turn();
  assert.equal(text(path), "one \xe4\ntwo\nthree\n");
});

test("a line of an error log is written at once, behind what waited before it", (t) => {
  const { logs, path } = scene(t);
  const sink = logs.open(path);
  sink.write("request\n");
  sink.write("[error] line\n", "error");
  assert.equal(text(path), "request\n[error] line\n");
});

test("lines are settled before the end of the turn for who asks, but not those that are buffered", (t) => {
  const { logs, path } = scene(t);
  const buffered = logs.open(path, { bytes: 100, flushMs: 0, gzipLevel: 0 });
  const sink = logs.open(path);
  sink.write("line\n");
  buffered.write("later\n");
  sink.settle?.();
  buffered.settle?.();
  assert.equal(text(path), "line\n");
});

test("a full disk is told of once a minute, and stops nothing", async (t) => {
  const { clock, logs } = scene(t);
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  logs.reportTo(new ErrorLog([{ sink, level: "alert" }], clock));
  for (const nowMs of [0, 59_999, 60_000]) {
    clock.now = () => nowMs;
    logs.open("/dev/full").write("line\n");
    await turn();
  }
  assert.equal(lines.length, 2);
  assert.match(
    lines[0]!,
    /\[alert\] \S+: write\(\) to "\/dev\/full" failed \(28: No space left on device\)\n$/,
  );
});

test("flush writes at once", (t) => {
  const { logs, path } = scene(t);
  logs.open(path).write("line\n");
  logs.flush();
  assert.equal(text(path), "line\n");
});

test("a great many lines are written in between", (t) => {
  const { logs, path } = scene(t);
  const sink = logs.open(path);
  for (let count = 0; count < 2000; count++) sink.write(`${"x".repeat(99)}\n`);
  assert.ok(text(path).length >= 131_072);
  logs.flush();
  assert.equal(text(path).length, 200_000);
});

test("a buffered log waits for its size", (t) => {
  const { logs, path } = scene(t);
  const sink = logs.open(path, { bytes: 10, flushMs: 0, gzipLevel: 0 });
  sink.write("1234\n");
  sink.write("5678\n");
  assert.equal(text(path), "");
  sink.write("9\n");
  logs.open(path).write("");
  logs.flush();
  assert.equal(text(path), "1234\n5678\n9\n");
});

test("a buffered log waits no longer than its time", async (t) => {
  const { clock, logs, path } = scene(t);
  const sink = logs.open(path, { bytes: 1000, flushMs: 5000, gzipLevel: 0 });
  sink.write("one\n");
  sink.write("two\n");
  assert.deepEqual(
    clock.timers.map(({ delayMs }) => delayMs),
    [5000],
  );
  clock.timers[0]!.fire();
  await turn();
  assert.equal(text(path), "one\ntwo\n");
});

test("gzip writes members that read as one file", (t) => {
  const { logs, path } = scene(t);
  const sink = logs.open(path, { bytes: 8, flushMs: 0, gzipLevel: 1 });
  for (const line of ["first\n", "second\n", "third \xe4\n"]) sink.write(line);
  logs.flush();
  assert.equal(gunzipSync(readFileSync(path)).toString("latin1"), "first\nsecond\nthird \xe4\n");
});

test("after reopen lines go to a new file of the same name", (t) => {
  const { logs, path } = scene(t);
  const sink = logs.open(path);
  sink.write("old\n");
  renameSync(path, `${path}.1`);
  logs.reopen();
  sink.write("new\n");
  logs.flush();
  assert.equal(text(`${path}.1`), "old\n");
  assert.equal(text(path), "new\n");
});

describe("a configuration that takes over", () => {
  test("closes what it does not name, where late lines arrive all the same", (t) => {
    const { logs, path } = scene(t);
    const before = openDescriptors();
    logs.begin();
    const kept = logs.open(path);
    const left = logs.open(`${path}.left`);
    const buffered = logs.open(`${path}.buffered`, { bytes: 1000, flushMs: 0, gzipLevel: 0 });
    logs.adopt();
    for (const sink of [left, buffered]) sink.write("early\n");
    logs.begin();
    assert.equal(logs.open(path), kept);
    logs.adopt();
    assert.equal(openDescriptors(), before + 1);
    for (const sink of [kept, left, buffered]) sink.write("late\n");
    logs.flush();
    assert.equal(text(path), "late\n");
    for (const name of ["left", "buffered"]) assert.equal(text(`${path}.${name}`), "early\nlate\n");
    assert.equal(openDescriptors(), before + 1);
    logs.begin();
    logs.adopt();
  });

  test("and is not used after all leaves what there was", (t) => {
    const { logs, path } = scene(t);
    const before = openDescriptors();
    logs.begin();
    const kept = logs.open(path);
    logs.adopt();
    logs.begin();
    logs.open(`${path}.new`);
    logs.discard();
    assert.equal(openDescriptors(), before + 1);
    assert.equal(logs.open(path), kept);
    kept.write("line\n");
    logs.flush();
    assert.equal(text(path), "line\n");
    logs.begin();
    logs.adopt();
  });

  test("and is not used leaves the main error log with its file, also in an embedder's hands", (t) => {
    const { clock, logs, path } = scene(t);
    for (const files of [logs, null]) {
      const old = logs.open(path);
      const errorLog = new ErrorLog([{ sink: old, level: "notice" }], clock);
      const first = new LogDraft(errorLog, files);
      logs.open(path);
      first.adopt();
      const draft = new LogDraft(errorLog, files);
      errorLog.retarget([{ sink: logs.open(`${path}.new`), level: "notice" }]);
      draft.discard();
      assert.deepEqual(errorLog.sinks, [old]);
    }
  });

  test("gives back the sockets to syslog servers", async (t) => {
    const { logs } = scene(t);
    const server = dgram.createSocket("udp4");
    t.after(() => server.close());
    const lines: string[] = [];
    server.on("message", (message) => lines.push(message.toString("latin1")));
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    const { port } = server.address();
    const options = { host: "127.0.0.1", port, facility: 1, severity: 6, tag: "a", withHostname: false };
    logs.begin();
    const sink = logs.syslog(options);
    logs.adopt();
    sink.write("early\n");
    logs.begin();
    logs.adopt();
    sink.write("late\n");
    while (lines.length < 2) await turn();
    assert.deepEqual(lines.map((line) => line.slice(line.indexOf("a: "))).toSorted(), [
      "a: early",
      "a: late",
    ]);
    const again = logs.syslog(options);
    assert.notEqual(again, sink);
    logs.discard();
  });
});

test("a path that cannot be opened is told in nginx's words", (t) => {
  const { logs, path } = scene(t);
  const bad = `${path}/x`;
  logs.open(path);
  assert.throws(
    () => logs.open(bad),
    (error) =>
      error instanceof ConfigError && error.message === `open() "${bad}" failed (20: Not a directory)`,
  );
  assert.equal(appendOnce(bad, "line\n"), `open() "${bad}" failed (20: Not a directory)`);
});

test("a single line is appended to a file that is opened for it", (t) => {
  const { path } = scene(t);
  assert.equal(appendOnce(path, "one\n"), null);
  assert.equal(appendOnce(path, "two\n"), null);
  assert.equal(text(path), "one\ntwo\n");
});
