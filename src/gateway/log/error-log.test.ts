import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../net/clock.ts";
import { ErrorLog } from "./error-log.ts";

const clock: Clock = {
  now: () => 0,
  wall: () => 0,
  timer: () => ({ cancel: () => undefined }),
  soon: (run) => run(),
};

/** What a log writes of a message. */
function lineOf(message: string): string {
  const lines: string[] = [];
  new ErrorLog([{ sink: { write: (line) => void lines.push(line) }, level: "error" }], clock).write(
    "error",
    message,
    7,
  );
  assert.equal(lines.length, 1);
  return lines[0]!;
}

test("a line is no longer than nginx's, whatever a client puts into it", () => {
  const head = lineOf("").length;
  const fits = "x".repeat(2048 - head);
  assert.equal(lineOf(fits).length, 2048);
  assert.ok(lineOf(fits).endsWith(`*7 ${fits}\n`));
  assert.equal(lineOf(`${fits}y`), lineOf(fits));
  assert.equal(lineOf("x".repeat(100_000)), lineOf(fits));
});
