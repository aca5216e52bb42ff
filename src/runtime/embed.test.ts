import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { LogFiles } from "../gateway/log/log-files.ts";
import { connect } from "../net/contract-peer.ts";
import { contextOptions } from "../net/contract-tls.ts";
import { createMemoryNetwork } from "../net/memory/network.ts";
import { startGateway } from "./embed.ts";

test("a gateway runs on a given network and writes to given logs", async () => {
  const network = createMemoryNetwork({ seed: 1 });
  const lines: string[] = [];
  const logs: LogFiles = {
    open: (path) => ({ write: (line) => lines.push(`${path.slice(path.lastIndexOf("/") + 1)}: ${line}`) }),
    syslog: () => assert.fail("nothing is sent"),
    stderr: { write: (line) => lines.push(`stderr: ${line}`) },
    reopen() {},
    flush() {},
  };
  const config = `
    events {}
    http {
      log_format short '$request_method $uri $status';
      access_log access.log short;
      server { listen 10.0.0.1:80; location / { return 200 "hello"; } }
    }`;
  const gateway = await startGateway({ config, network, logs });
  assert.deepEqual(gateway.addresses, [{ family: "ipv4", address: "10.0.0.1", port: 80 }]);
  const dialing = connect(network, { endpoint: { kind: "tcp", address: "10.0.0.1", port: 80 }, tls: null });
  await network.advance(100);
  const client = await dialing;
  client.connection.send(Buffer.from("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  await network.advance(100);
  assert.match(client.text, /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nhello$/);
  const stopping = gateway.stop();
  await network.advance(100);
  await stopping;
  assert.deepEqual(lines, ["access.log: GET /x 200\n"]);
});

const noLogs: LogFiles = {
  open: () => ({ write() {} }),
  syslog: () => ({ write() {} }),
  stderr: { write() {} },
  reopen() {},
  flush() {},
};

test("a reload takes a listening socket over to TLS, to the PROXY protocol, and back", async () => {
  const network = createMemoryNetwork({ seed: 1 });
  const file = (name: string): string => fileURLToPath(new URL(`../net/fixtures/${name}`, import.meta.url));
  const configOf = (options: string): string => `events {} http {
    ssl_certificate ${file("a.test.crt")}; ssl_certificate_key ${file("a.test.key")};
    server { listen 10.0.0.1:80 ${options}; return 200 "[${options}] $scheme"; } }`;
  const gateway = await startGateway({ config: configOf(""), network, logs: noLogs });
  const context = network.tlsContext(contextOptions([]));
  const tls = { context, serverName: "a.test", verifyName: null, alpn: [] };
  for (const options of ["ssl", "proxy_protocol", "ssl proxy_protocol", "ssl", ""]) {
    const reloading = gateway.reload(configOf(options));
    await network.advance(5000);
    await reloading;
    const isSecure = options === "ssl";
    const endpoint = { kind: "tcp", address: "10.0.0.1", port: 80 } as const;
    const dialing = connect(network, { endpoint, tls: isSecure ? tls : null });
    await network.advance(100);
    const client = await dialing;
    const header = options.includes("proxy") ? "PROXY UNKNOWN\r\n" : "";
    client.connection.send(Buffer.from(`${header}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`));
    await network.advance(100);
    if (options === "ssl proxy_protocol") assert.match(client.text, /sent to HTTPS port/);
    else assert.ok(client.text.endsWith(`[${options}] ${isSecure ? "https" : "http"}`), client.text);
  }
  const stopping = gateway.stop();
  await network.advance(100);
  await stopping;
});

test("the port may be left to the system, and no folder is made", async (t) => {
  const prefix = mkdtempSync(path.join(tmpdir(), "longhaul-embed-"));
  t.after(() => rmSync(prefix, { recursive: true }));
  const config = "events {} http { server { listen 127.0.0.1:0; return 200 here; } }";
  const gateway = await startGateway({ config, prefix });
  const [{ address, port } = { address: "", port: 0 }] = gateway.addresses;
  assert.equal(address, "127.0.0.1");
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "here");
  await gateway.reload(config.replace("here", "there"));
  assert.equal(gateway.addresses[0]?.port, port);
  await gateway.stop();
  assert.deepEqual(readdirSync(prefix), []);
});

test("what belongs to the process is not honoured, which is told", async () => {
  const config = `user nobody; worker_processes 4; daemon on; pid some.pid;
    events {} http { server { listen 10.0.0.1:80; } }`;
  const network = createMemoryNetwork({ seed: 1 });
  const gateway = await startGateway({ config, network, logs: noLogs, configFile: "/etc/some.conf" });
  const told = gateway.remarks.map(({ level, text }) => `${level}: ${text}`);
  const place = "in /etc/some.conf:1";
  assert.deepEqual(told, [
    `warn: the "user" directive has no effect in an embedded gateway: it never changes the user of its process ${place}`,
    `notice: the "worker_processes" directive has no effect in an embedded gateway: it serves in the thread that started it ${place}`,
    `notice: the "daemon" directive has no effect in an embedded gateway: it has no background ${place}`,
    `notice: the "pid" directive has no effect in an embedded gateway: no signals are sent to it ${place}`,
  ]);
  const stopping = gateway.stop();
  await network.advance(100);
  await stopping;
});

test("an error names its place, and a gateway that was told to end cannot be reloaded", async () => {
  const network = createMemoryNetwork({ seed: 1 });
  const failing = startGateway({
    config: "events {}\nhttp { nonsense; }",
    network,
    logs: noLogs,
    configFile: "/a.conf",
  });
  await assert.rejects(failing, {
    name: "ConfigError",
    message: 'unknown directive "nonsense" in /a.conf:2',
    file: "/a.conf",
    line: 2,
  });
  const gateway = await startGateway({ config: "events {}", network, logs: noLogs });
  await gateway.quit();
  await assert.rejects(gateway.reload(), /was told to end/);
});
