import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { hostname } from "node:os";
import { test } from "node:test";
import { systemNetwork } from "../../net/choose.ts";
import type { Scope } from "../../config/scope.ts";
import { SyslogSink, readSyslog } from "./syslog.ts";

async function receive(send: (port: number) => void): Promise<string> {
  const server = createSocket("udp4");
  server.bind(0, "127.0.0.1");
  await once(server, "listening");
  const message = once(server, "message") as Promise<[Buffer]>;
  send(server.address().port);
  const [bytes] = await message;
  server.close();
  return bytes.toString("latin1");
}

const options = { host: "127.0.0.1", facility: 23, severity: 6, tag: "gate", withHostname: true };

test("a line becomes a datagram with priority, time, host and tag", async () => {
  const text = await receive((port) => {
    new SyslogSink({ ...options, port }, systemNetwork().clock).write("GET / 200\n");
  });
  const [, priority, host, rest] =
    /^<(\d+)>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+) (.*)$/s.exec(text) ?? [];
  assert.deepEqual([priority, host, rest], ["190", hostname(), "gate: GET / 200"]);
});

test("lines of error logs have the severity of their level; the host may be left out", async () => {
  const text = await receive((port) => {
    const sink = new SyslogSink({ ...options, withHostname: false, port }, systemNetwork().clock);
    sink.write("something broke\n", "error");
  });
  assert.match(text, /^<187>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d gate: something broke$/);
});

test("what is too long is cut", async () => {
  const text = await receive((port) => {
    new SyslogSink({ ...options, port }, systemNetwork().clock).write("x".repeat(5000));
  });
  assert.equal(text.length, 2048);
});

test("unix sockets are refused, and UDP is named as the way out", () => {
  const scope = {
    fail(message: string): never {
      throw new Error(message);
    },
  } as unknown as Scope;
  assert.throws(
    () => readSyslog(scope, "syslog:server=unix:/dev/log"),
    /^Error: syslog server "unix:\/dev\/log" is not supported by longhaul: .* UDP$/,
  );
});
