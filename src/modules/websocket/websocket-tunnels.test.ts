import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { outcome, testReading } from "../../config/test-reading.ts";
import { websocketTunnels } from "./websocket-tunnels.ts";

/** What a directive sets, or the error. */
function reading(text: string): unknown {
  const [name = "", ...args] = text.split(" ");
  const spec = websocketTunnels.directives.find((one) => one.name === name)!;
  const { scope } = testReading([]);
  const settings = {};
  Object.defineProperty(scope, "location", { value: () => settings });
  const directive = { name, args, block: null, file: "f", line: 1, startLine: 1 };
  const error = outcome(() => void spec.set(scope, directive));
  return error === "ok" ? Object.values(settings)[0] : error;
}

const client = { client: true, upstream: false };
const both = { client: true, upstream: true };

describe("directives for open WebSockets", () => {
  const taken: readonly (readonly [text: string, value: unknown])[] = [
    ["websocket_ping 25s", { intervalMs: 25_000, timeoutMs: 10_000, jitterMs: 2_500, to: client }],
    [
      "websocket_ping 1m to=both jitter=0 timeout=1500ms",
      { intervalMs: 60_000, timeoutMs: 1_500, jitterMs: 0, to: both },
    ],
    ["websocket_ping off", null],
    ["websocket_idle_timeout 1h", 3_600_000],
    ["websocket_idle_timeout off", 0],
    ["websocket_max_age 1h", { ms: 3_600_000, jitterMs: 0, code: 1001 }],
    ["websocket_max_age 1h code=4000 jitter=5m", { ms: 3_600_000, jitterMs: 300_000, code: 4000 }],
    ["websocket_max_age off", null],
    ["websocket_max_message_size 64k", { bytes: 65_536, from: both }],
    ["websocket_max_message_size 1m from=client", { bytes: 1_048_576, from: client }],
    ["websocket_max_message_size 0", null],
    ["websocket_limit_rate off", null],
  ];
  for (const [text, value] of taken) {
    test(`take "${text}"`, () => {
      assert.deepEqual(reading(text), value);
    });
  }

  const refused: readonly (readonly [text: string, complaint: RegExp])[] = [
    ["websocket_ping 0", /invalid value/],
    ["websocket_ping soon", /invalid value/],
    ["websocket_ping 5s timeout", /invalid parameter "timeout"/],
    ["websocket_ping 5s timeout=0", /invalid parameter "timeout=0"/],
    ["websocket_ping 5s to=server", /invalid parameter "to=server"/],
    ["websocket_ping 5s jitter=5s", /"jitter" of "websocket_ping" must be less than its interval/],
    ["websocket_ping 5s to=both to=client", /invalid parameter "to=client"/],
    ["websocket_ping 5s =1", /invalid parameter "=1"/],
    ["websocket_idle_timeout 0", /invalid value/],
    ["websocket_max_age 1h code=1006", /invalid parameter "code=1006"/],
    ["websocket_max_age 1h grace=1", /invalid parameter "grace=1"/],
    ["websocket_max_message_size big", /invalid value/],
    ["websocket_limit_rate burst=3", /needs "messages=" or "bytes="/],
    ["websocket_limit_rate messages=0/s", /invalid parameter "messages=0\/s"/],
    ["websocket_limit_rate messages=3", /invalid parameter "messages=3"/],
    ["websocket_limit_rate bytes=1q/s", /invalid parameter "bytes=1q\/s"/],
    ["websocket_limit_rate messages=3/s action=drop", /invalid parameter "action=drop"/],
  ];
  for (const [text, complaint] of refused) {
    test(`refuse "${text}"`, () => {
      assert.match(String(reading(text)), complaint);
    });
  }
});
