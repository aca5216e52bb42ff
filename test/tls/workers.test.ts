/** Sessions that one worker keeps are good for the others, and outlive a reload. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Gateway, longhaul, startGateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { certificates, noOpenssl, request } from "./openssl.ts";

const onBun = process.versions["bun"] !== undefined;
const directory = mkdtempSync(join(tmpdir(), "longhaul-tls-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const skip = onBun ? "Bun's workers have keys of their own, see docs/tls.md" : noOpenssl;
const client = join(certificates, "client-plain");

describe("sessions of TLS with two workers", { skip }, () => {
  let gateway: Gateway;
  let ports: number[] = [];
  const answer = `location / { return 200 "$ssl_session_reused $ssl_client_verify"; }`;
  before(async () => {
    ports = await freePorts(3);
    const config = `
      worker_processes 2;
      events {}
      http {
        ssl_certificate ${certificates}/localhost.crt;
        ssl_certificate_key ${certificates}/localhost.key;
        server { listen 127.0.0.1:${ports[0]} ssl; ${answer} }
        server { listen 127.0.0.1:${ports[1]} ssl; ssl_session_cache shared:a:1m; ssl_session_tickets off; ${answer} }
        server {
          listen 127.0.0.1:${ports[2]} ssl; ssl_verify_client on;
          ssl_client_certificate ${certificates}/clients-ca.crt; ${answer}
        }
      }`;
    gateway = await startGateway(longhaul, { config, port: ports[0]! });
  });
  after(() => gateway.stop());

  const kinds = ["tickets", "a shared cache", "client certificates"];
  for (const [index, kind] of kinds.entries()) {
    for (const version of ["1_2", "1_3"]) {
      const session = join(directory, `${index}-${version}`);
      const flags = [`-tls${version}`, "-cert", `${client}.crt`, "-key", `${client}.key`];
      const verified = index === 2 ? "SUCCESS" : "NONE";
      test(`${kind}, TLS ${version}`, async () => {
        const first = await request(ports[index]!, [...flags, "-sess_out", session]);
        assert.equal(first.body, `. ${verified}`);
        const again = Array.from({ length: 8 }, () =>
          request(ports[index]!, [...flags, "-sess_in", session]),
        );
        for (const { body } of await Promise.all(again)) assert.equal(body, `r ${verified}`);
      });
    }
  }

  test("a reload keeps them", async () => {
    process.kill(gateway.pid, "SIGHUP");
    await gateway.logged(/reconfiguring/);
    for (const [index, kind] of kinds.entries()) {
      const session = join(directory, `${index}-1_3`);
      const flags = ["-tls1_3", "-cert", `${client}.crt`, "-key", `${client}.key`, "-sess_in", session];
      const { body } = await request(ports[index]!, flags);
      assert.match(body ?? "", /^r /, kind);
    }
  });
});
