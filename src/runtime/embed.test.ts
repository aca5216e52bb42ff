import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { LogFiles } from "../gateway/log-files.ts";
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
