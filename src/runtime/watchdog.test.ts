import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { ErrorLog } from "../gateway/log/error-log.ts";
import { Heartbeat } from "../gateway/zones/heartbeat.ts";
import type { HeartbeatSubject } from "../gateway/zones/heartbeat.ts";
import type { Clock } from "../net/clock.ts";
import { Watchdog } from "./watchdog.ts";

const requestOf = (requestLine: string): HeartbeatSubject => ({ head: { requestLine }, heartbeatSerial: 0 });

const patience = { beatMs: 1000, tellMs: 5000, endMs: 15_000 };

describe("a watchdog", () => {
  let lines: string[];
  let endings: number;
  let heartbeat: Heartbeat;
  /** What the system tells of the thread. */
  let times: { workedMs: number; queuedMs: number } | null;
  let debugged: boolean;
  let nowMs: number;
  let look: () => void;

  beforeEach(() => {
    lines = [];
    endings = 0;
    heartbeat = new Heartbeat();
    times = { workedMs: 0, queuedMs: 0 };
    debugged = false;
    nowMs = 1000;
    const clock: Clock = {
      now: () => nowMs,
      wall: () => nowMs,
      timer: (_, fire) => {
        look = fire;
        return { cancel: () => undefined };
      },
      soon: (run) => run(),
    };
    const log = new ErrorLog([], clock);
    log.write = (level, text) => void lines.push(`${level}: ${text}`);
    const threads = [{ id: 3, heartbeat, end: () => void (endings += 1) }];
    const watchdog = new Watchdog({
      clock,
      log,
      patience,
      threads,
      timesOf: () => times,
      isDebugged: () => debugged,
    });
    watchdog.start();
    heartbeat.beat();
    look();
  });

  /** So many seconds pass, of which the thread works and waits for a processor so much each. */
  const pass = (count: number, worked: number, queued = 0): void => {
    for (let second = 0; second < count; second++) {
      nowMs += 1000;
      if (times !== null) {
        times = { workedMs: times.workedMs + 1000 * worked, queuedMs: times.queuedMs + 1000 * queued };
      }
      look();
    }
  };

  test("tells of a thread that works for 5 s, once, with the request, and ends it after 15 s", () => {
    heartbeat.enter(requestOf("GET /a HTTP/1.1"));
    pass(4, 1);
    assert.deepEqual(lines, []);
    pass(10, 1);
    const request = 'request: "GET /a HTTP/1.1"';
    assert.deepEqual(lines, [`alert: worker thread 3 is stuck for 5 s, ${request}`]);
    assert.equal(endings, 0);
    pass(5, 1);
    assert.deepEqual(lines.slice(1), [`alert: worker thread 3 is stuck for 15 s and is ended, ${request}`]);
    assert.equal(endings, 1);
  });

  test("names the request that it works on, not the one that began last", () => {
    const [first, second] = [requestOf("GET /first HTTP/1.1"), requestOf("GET /second HTTP/1.1")];
    heartbeat.leave(heartbeat.enter(first));
    heartbeat.leave(heartbeat.enter(second));
    const before = heartbeat.enter(first);
    heartbeat.leave(heartbeat.enter(second));
    pass(5, 1);
    assert.match(String(lines), /, request: "GET \/first HTTP\/1\.1"$/);
    heartbeat.leave(before);
    pass(10, 1);
    assert.match(lines[1]!, /, last request: "GET \/first HTTP\/1\.1"$/);
  });

  test("names it although hundreds have begun meanwhile, and cuts its line", () => {
    const first = requestOf(`GET /${"a".repeat(5000)} HTTP/1.1`);
    heartbeat.leave(heartbeat.enter(first));
    for (let count = 0; count < 100; count++)
      heartbeat.leave(heartbeat.enter(requestOf(`GET /${count} HTTP/1.1`)));
    heartbeat.enter(first);
    pass(5, 1);
    assert.ok(lines[0]!.endsWith(`, request: "GET /${"a".repeat(1019)}"`));
  });

  test("says nothing of one that beats, however hard it works", () => {
    for (let second = 0; second < 60; second++) {
      heartbeat.beat();
      pass(1, 1);
    }
    assert.deepEqual(lines, []);
  });

  test("tells when it goes on", () => {
    pass(7, 1);
    heartbeat.beat();
    pass(20, 0);
    heartbeat.beat();
    pass(1, 0);
    assert.deepEqual(lines.slice(1, 2), ["notice: worker thread 3 goes on after 7 s"]);
  });

  test("does not count time in which the process stood still", () => {
    nowMs += 3_600_000;
    look();
    pass(2, 0);
    assert.deepEqual(lines, []);
  });

  test("does not count time in which the thread waits for a processor", () => {
    pass(40, 0.1, 0.9);
    assert.deepEqual(lines, []);
    pass(12, 0.1, 0.9);
    assert.match(String(lines), /^alert: worker thread 3 is stuck for 5 s$/);
    pass(200, 0.1, 0.9);
    assert.equal(endings, 1);
  });

  test("tells of one that the system holds, but does not end it", () => {
    pass(100, 0);
    assert.deepEqual(lines, ["alert: worker thread 3 is held up by the system for 5 s"]);
    assert.equal(endings, 0);
  });

  test("does not end one under a debugger", () => {
    debugged = true;
    pass(100, 1);
    assert.match(String(lines[1]), /is not ended because of a debugger$/);
    assert.equal(lines.length, 2);
    assert.equal(endings, 0);
  });

  test("goes by the clock where the system tells nothing", () => {
    times = null;
    heartbeat.beat();
    pass(16, 1);
    assert.equal(endings, 1);
  });
});
