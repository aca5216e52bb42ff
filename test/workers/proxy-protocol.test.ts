import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { test } from "node:test";
import tls from "node:tls";
import { certificateFiles } from "../support/certificate.ts";
import { startGateway } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";
import { program, until } from "./scene.ts";

const header = "PROXY TCP4 192.0.2.1 198.51.100.2 51234 443\r\n";
const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

type Where = { readonly port: number } | { readonly path: string };

/** The body that is answered behind `first`; "" when the connection was closed instead. */
async function ask(where: Where, first: string, secure: boolean): Promise<string> {
  const raw = net.connect({ ...where, ...("port" in where ? { host: "127.0.0.1" } : {}) });
  await once(raw, "connect");
  if (first !== "") raw.write(first);
  const socket = secure ? tls.connect({ socket: raw, rejectUnauthorized: false }) : raw;
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  socket.on("error", () => undefined);
  const closed = new Promise((resolve) => void socket.once("close", resolve));
  socket.write(request);
  await closed;
  return text.slice(text.indexOf("\r\n\r\n") + 4);
}

for (const workers of [1, 2]) {
  test(`PROXY protocol headers are read by ${workers} worker(s), with TLS and without, until a reload`, async (t) => {
    const [plain, secure] = [await freePort(), await freePort()];
    const told = 'return 200 "$worker_thread $proxy_protocol_addr $remote_addr";';
    const config = (option: string): string => `worker_processes ${workers}; events {} http {
      access_log off; set_real_ip_from 127.0.0.1; set_real_ip_from unix:; real_ip_header proxy_protocol;
      server { listen 127.0.0.1:${plain} ${option}; listen unix:PREFIX/gate.sock ${option}; ${told} }
      server { listen 127.0.0.1:${secure} ssl ${option}; ${told}
        ssl_certificate certificate.pem; ssl_certificate_key certificate.key; } }`;
    const gateway = await startGateway(program, {
      config: config("proxy_protocol"),
      port: plain,
      files: await certificateFiles(),
    });
    t.after(() => gateway.stop());
    const socketFile: Where = { path: path.join(gateway.directory, "gate.sock") };
    for (const [where, isSecure] of [
      [{ port: plain }, false],
      [{ port: secure }, true],
    ] as const) {
      const threads = new Set<string>();
      await until(async () => {
        const [thread = "", ...rest] = (await ask(where, header, isSecure)).split(" ");
        assert.deepEqual(rest, ["192.0.2.1", "192.0.2.1"]);
        return threads.add(thread).size === workers;
      });
      assert.equal(await ask(where, "", isSecure), "");
    }
    assert.match(await ask(socketFile, header, false), /^\d+ 192\.0\.2\.1 192\.0\.2\.1$/);

    const text = config("").replaceAll("PREFIX", gateway.directory);
    writeFileSync(path.join(gateway.directory, "nginx.conf"), text, "latin1");
    process.kill(gateway.pid, "SIGHUP");
    for (const [where, isSecure] of [
      [{ port: plain }, false],
      [{ port: secure }, true],
      [socketFile, false],
    ] as const) {
      await until(async () => /^\d+ {2}(?:127\.0\.0\.1|unix:)$/.test(await ask(where, "", isSecure)));
    }
  });
}
