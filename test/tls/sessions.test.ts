/** Sessions that are resumed, and those that must not be. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Gateway, type Product, products, startGateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { certificates, noOpenssl, request } from "./openssl.ts";

const onBun = process.versions["bun"] !== undefined;
const directory = mkdtempSync(join(tmpdir(), "longhaul-tls-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const kinds = [
  { name: "nothing set", settings: "", resumes: true },
  {
    name: "a shared cache",
    settings: "ssl_session_cache shared:a:1m; ssl_session_tickets off;",
    resumes: !onBun,
  },
  {
    name: "a cache of its own",
    settings: "ssl_session_cache builtin; ssl_session_tickets off;",
    resumes: !onBun,
  },
  { name: "no tickets and no cache", settings: "ssl_session_tickets off;", resumes: false },
  {
    name: "no tickets and `off`",
    settings: "ssl_session_cache off; ssl_session_tickets off;",
    resumes: false,
  },
  { name: "no tickets by command", settings: "ssl_conf_command Options -SessionTicket;", resumes: false },
];

const verifying = `ssl_client_certificate ${certificates}/clients-ca.crt;`;
const trusts = [
  {
    name: "optional",
    settings: `ssl_verify_client optional; ${verifying}`,
    client: "plain",
    verify: "SUCCESS",
    resumes: true,
  },
  {
    name: "on, with what stands between",
    settings: `ssl_verify_client on; ${verifying}`,
    client: "one",
    verify: "SUCCESS",
    resumes: true,
  },
  {
    name: "a chain that is too long",
    settings: `ssl_verify_client optional; error_page 495 =200 /; ${verifying}`,
    client: "two",
    verify: "FAILED:unable to get local issuer certificate",
    resumes: false,
  },
];

const versions = ["1_2", "1_3"];
let turn = 0;

/** How the first and the second of two connections with one session came out. */
async function twice(
  port: number,
  flags: readonly string[],
  second = flags,
  secondPort = port,
): Promise<string[]> {
  const session = join(directory, `session-${turn++}`);
  const one = await request(port, [...flags, "-sess_out", session]);
  // Where nobody keeps sessions, none may be told.
  const use = existsSync(session) ? ["-sess_in", session] : [];
  const two = await request(secondPort, [...second, ...use]);
  return [one.body ?? one.text, two.body ?? two.text];
}

function suite(product: Product): void {
  let gateway: Gateway;
  const ports: number[] = [];
  const isLonghaul = product.name === "longhaul";
  before(async () => {
    ports.push(...(await freePorts(kinds.length + trusts.length + 4)));
    const servers = [...kinds, ...trusts].map(
      ({ settings }, index) => `server { listen 127.0.0.1:${ports[index]} ssl; ${settings} ${answer} }`,
    );
    const common = kinds.length + trusts.length;
    for (const number of [1, 2]) writeFileSync(join(directory, `${number}.key`), randomBytes(48));
    const config = `
      events {}
      http {
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate ${certificates}/localhost.crt;
        ssl_certificate_key ${certificates}/localhost.key;
        ${servers.join("\n")}
        server { listen 127.0.0.1:${ports[common]} ssl; server_name d1; ssl_session_cache shared:d1:1m; ${answer} }
        server {
          listen 127.0.0.1:${ports[common]} ssl; server_name d2;
          ssl_certificate ${certificates}/a.example.crt; ssl_certificate_key ${certificates}/a.example.key;
          ssl_session_cache shared:d2:1m; ${answer}
        }
        server {
          listen 127.0.0.1:${ports[common + 1]} ssl; server_name strict;
          ssl_verify_client optional; ${verifying} ${answer}
        }
        server {
          listen 127.0.0.1:${ports[common + 1]} ssl; server_name other;
          ssl_verify_client optional; ssl_client_certificate ${certificates}/servers-ca.crt;
          error_page 495 =200 /; ${answer}
        }
        server { listen 127.0.0.1:${ports[common + 1]} ssl; server_name open; ${answer} }
        server { listen 127.0.0.1:${ports[common + 2]} ssl; ssl_session_timeout 1s; ${answer} }
        server { listen 127.0.0.1:${ports.at(-1)} ssl; server_name k1; ssl_session_ticket_key ${directory}/1.key; ${answer} }
        server {
          listen 127.0.0.1:${ports.at(-1)} ssl; server_name k2; ssl_session_ticket_key ${directory}/2.key;
          ssl_certificate ${certificates}/a.example.crt; ssl_certificate_key ${certificates}/a.example.key; ${answer}
        }
      }`;
    gateway = await startGateway(product, { config, port: ports[0]! });
  });
  after(() => gateway.stop());

  for (const version of versions) {
    test(`TLS ${version}, not after ssl_session_timeout`, async () => {
      const port = ports[kinds.length + trusts.length + 2]!;
      const session = join(directory, `session-${turn++}`);
      const flags = [`-tls${version}`, "-servername", "d1"];
      const first = await request(port, [...flags, "-sess_out", session]);
      assert.equal(first.body, ". NONE ");
      // What the session's time is counted in is whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 2100));
      const second = await request(port, [...flags, "-sess_in", session]);
      assert.equal(second.body, ". NONE ");
    });
    for (const [index, { name, resumes }] of kinds.entries()) {
      const expected = resumes || (!isLonghaul && onBun && name.startsWith("a "));
      test(`TLS ${version}, ${name}`, async () => {
        const [first, second] = await twice(ports[index]!, [`-tls${version}`]);
        assert.equal(first, ". NONE ");
        assert.equal(second, `${expected ? "r" : "."} NONE `);
      });
    }
    for (const [index, { name, client, verify, resumes }] of trusts.entries()) {
      test(`TLS ${version}, client certificates: ${name}`, async () => {
        const file = join(certificates, `client-${client}`);
        const flags = [
          `-tls${version}`,
          "-cert",
          `${file}.crt`,
          "-key",
          `${file}.key`,
          "-cert_chain",
          `${file}.crt`,
        ];
        const [first, second] = await twice(ports[kinds.length + index]!, flags);
        assert.match(first!, new RegExp(`^\\. ${verify} CN=`));
        // nginx and BoringSSL keep the verdict, and all that it rests on, with the session.
        const reused = resumes || !isLonghaul || onBun ? "[r.]" : "\\.";
        assert.match(second!, new RegExp(`^${reused} ${verify} CN=`));
        if (resumes) assert.match(second!, /^r/);
      });
    }
    test(`TLS ${version}, a session is good for the other names of the address`, async () => {
      const flags = (name: string): string[] => [`-tls${version}`, "-servername", name];
      const [, second] = await twice(ports[kinds.length + trusts.length]!, flags("d1"), flags("d2"));
      // BoringSSL has keys for each certificate.
      assert.equal(second, isLonghaul && onBun ? ". NONE " : "r NONE ");
    });
    test(`TLS ${version}, whatever keys these have`, async () => {
      const flags = (name: string): string[] => [`-tls${version}`, "-servername", name];
      const [, second] = await twice(ports.at(-1)!, flags("k1"), flags("k2"));
      assert.equal(second, isLonghaul && onBun ? ". NONE " : "r NONE ");
    });
    test(`TLS ${version}, but not where another certificate is asked for`, async () => {
      const file = join(certificates, "client-plain");
      const flags = (name: string): string[] => [
        `-tls${version}`,
        "-servername",
        name,
        "-cert",
        `${file}.crt`,
        "-key",
        `${file}.key`,
      ];
      const port = ports[kinds.length + trusts.length + 1]!;
      const host = async (name: string, session: string, use: string): Promise<string | null> =>
        (await request(port, [...flags(name), use, session], name)).body;
      for (const other of ["other", "open"]) {
        const session = join(directory, `session-${turn++}`);
        assert.equal(await host("strict", session, "-sess_out"), ". SUCCESS CN=plain.example");
        const second = await host(other, session, "-sess_in");
        if (isLonghaul) assert.match(second ?? "", other === "open" ? /^\. NONE / : /^\. FAILED:/);
        if (isLonghaul) assert.equal(await host("strict", session, "-sess_in"), "r SUCCESS CN=plain.example");
      }
    });
  }
}

const answer = `location / { return 200 "$ssl_session_reused $ssl_client_verify $ssl_client_s_dn"; }`;

describe("sessions of TLS", { skip: noOpenssl }, () => {
  for (const product of products()) describe(product.name, () => suite(product));
});
