/** What handshakes with clients come to: commands, names, authorities, renegotiation. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Gateway, type Product, products, startGateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { Authority } from "./authority.ts";
import { certificates, noOpenssl, request, type Seen, talk } from "./openssl.ts";

const onBun = process.versions["bun"] !== undefined;
const directory = mkdtempSync(join(tmpdir(), "longhaul-tls-"));
const authority = new Authority(directory);
after(() => rmSync(directory, { recursive: true, force: true }));

const own = `ssl_certificate ${certificates}/localhost.crt; ssl_certificate_key ${certificates}/localhost.key;`;
const rsa = `${certificates}/localhost.rsa`;
const aesFirst = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
const aesLast = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
const verify = "ssl_verify_client on; ssl_verify_depth 3;";
const both = (server: string): string[] =>
  server
    .split(" ")
    .flatMap((name) => ["-cert", `${directory}/${name}.crt`, "-key", `${directory}/${name}.key`]);

interface Case {
  readonly name: string;
  /** Servers on one port. */
  readonly servers: readonly string[];
  readonly flags: readonly string[];
  readonly host?: string;
  /** What it comes to. */
  readonly check: (seen: Seen, isLonghaul: boolean) => void;
  readonly not?: "bun" | "nginx";
}

const body =
  (expected: string | RegExp) =>
  ({ body: seen, text }: Seen): void => {
    if (typeof expected === "string") assert.equal(seen, expected, text);
    else assert.match(seen ?? text, expected);
  };
const fails =
  (pattern: RegExp) =>
  ({ body: seen, text }: Seen): void => {
    assert.equal(seen, null);
    assert.match(text, pattern);
  };
const names =
  (...expected: string[]) =>
  ({ text }: Seen): void => {
    const listed =
      /Acceptable client certificate CA names\n([^]*?)\nRequested/.exec(text)?.[1]?.split("\n") ?? [];
    assert.deepEqual(
      listed,
      expected.map((name) => `CN = ${name}`),
    );
  };

const command = (words: string, flags: readonly string[], check: Case["check"], not?: Case["not"]): Case => ({
  name: `ssl_conf_command ${words.replaceAll(directory, "").replaceAll(certificates, "")}`,
  servers: [`${own} ssl_ciphers ${aesFirst}; ssl_conf_command ${words};`],
  flags,
  check,
  ...(not === undefined ? {} : { not }),
});

const protocolAlert = /alert protocol version|unsupported protocol/;

const cases: readonly Case[] = [
  command("MaxProtocol TLSv1.2", [], body(/^TLSv1\.2 /)),
  command("MaxProtocol TLSv1.2", ["-tls1_3"], fails(protocolAlert)),
  command("MinProtocol TLSv1.3", ["-tls1_2"], fails(protocolAlert)),
  command("MinProtocol TLSv1.3", [], body(/^TLSv1\.3 /)),
  command("Protocol -TLSv1.3", [], body(/^TLSv1\.2 /)),
  command(
    "Ciphersuites TLS_CHACHA20_POLY1305_SHA256",
    [],
    body(/^TLSv1\.3 TLS_CHACHA20_POLY1305_SHA256 /),
    "bun",
  ),
  command(`CipherString ${aesLast.slice(0, 29)}`, ["-tls1_2"], body(/ ECDHE-ECDSA-AES256-GCM-SHA384 /)),
  command(
    "Options ServerPreference",
    ["-tls1_2", "-cipher", aesLast],
    body(/ ECDHE-ECDSA-AES128-GCM-SHA256 /),
  ),
  command(
    "Options -ServerPreference",
    ["-tls1_2", "-cipher", aesLast],
    body(/ ECDHE-ECDSA-AES256-GCM-SHA384 /),
  ),
  command("Options -SessionTicket,NoRenegotiation", ["-tls1_2"], ({ text }) =>
    assert.doesNotMatch(text, /TLS session ticket:/),
  ),
  command("Curves P-384", [], body(/ secp384r1 /)),
  command("Groups P-256:P-384", ["-groups", "X448:P-384"], body(/ secp384r1 /)),
  command("Curves P-384", ["-groups", "P-256"], fails(/handshake failure/)),
  command("SignatureAlgorithms ECDSA+SHA384", ["-tls1_2", "-sigalgs", "ECDSA+SHA256"], fails(/alert/), "bun"),
  command("SignatureAlgorithms ECDSA+SHA384", ["-tls1_2", "-sigalgs", "ECDSA+SHA384"], body(/^TLS/), "bun"),
  {
    name: "Certificate and PrivateKey take the place of one of their kind, and stand beside others",
    servers: [
      `ssl_certificate ${certificates}/b.example.crt; ssl_certificate_key ${certificates}/b.example.key;
       ssl_conf_command Certificate ${certificates}/localhost.crt; ssl_conf_command PrivateKey ${certificates}/localhost.key;`,
    ],
    flags: [],
    check: ({ text }) => assert.match(text, /CN = localhost/),
  },
  {
    name: "a certificate of another kind by command",
    servers: [`${own} ssl_conf_command Certificate ${rsa}.crt; ssl_conf_command PrivateKey ${rsa}.key;`],
    flags: ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
    check: body(/ ECDHE-RSA-AES128-GCM-SHA256 /),
  },
  ...["d1", "d2"].flatMap((first): Case[] => {
    const others = [
      `server_name d1; ${own} ssl_protocols TLSv1.2;`,
      `server_name d2; ${own} ssl_protocols TLSv1.3;`,
    ];
    const servers = first === "d1" ? others : others.toReversed();
    // 1.22 takes the default server's protocols.
    return [
      {
        name: `protocols by name, ${first} is the default: d1`,
        servers,
        flags: ["-servername", "d1"],
        host: "d1",
        check: body(/^TLSv1\.2 /),
        not: "nginx",
      },
      {
        name: `protocols by name, ${first} is the default: d2`,
        servers,
        flags: ["-servername", "d2"],
        host: "d2",
        check: body(/^TLSv1\.3 /),
        not: "nginx",
      },
      {
        name: `protocols by name, ${first} is the default: not d1's`,
        servers,
        flags: ["-servername", "d1", "-tls1_3"],
        check: fails(protocolAlert),
        not: "nginx",
      },
      {
        name: `protocols by name, ${first} is the default: not d2's`,
        servers,
        flags: ["-servername", "d2", "-tls1_2"],
        check: fails(protocolAlert),
        not: "nginx",
      },
    ];
  }),
  {
    name: "ciphers by name",
    servers: [
      `server_name d1; ${own}`,
      `server_name d2; ${own} ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-CHACHA20-POLY1305;`,
    ],
    flags: ["-servername", "d2", "-tls1_2"],
    host: "d2",
    check: body(/ ECDHE-ECDSA-CHACHA20-POLY1305 /),
  },
  {
    name: "a server that is not the default refuses its name with an alert",
    servers: [`server_name d1; ${own}`, "server_name d2; ssl_reject_handshake on;"],
    flags: ["-servername", "d2"],
    check: fails(/unrecognized name/),
  },
  {
    name: "a default server that refuses",
    servers: ["ssl_reject_handshake on;", `server_name d2; ${own}`],
    flags: [],
    check: fails(/unrecognized name/),
  },
  {
    name: "clients are told the names of ssl_client_certificate, each once",
    servers: [
      `${own} ${verify} ssl_client_certificate ${directory}/double.pem; ssl_trusted_certificate ${directory}/other.crt;`,
    ],
    flags: both("leaf"),
    check: (seen, isLonghaul) => {
      // BoringSSL tells all that is trusted.
      if (isLonghaul && onBun) names("root", "other")(seen);
      else names("root")(seen);
      assert.match(seen.body ?? "", /SUCCESS$/);
    },
  },
  {
    name: "what is only trusted is trusted, too",
    servers: [
      `${own} ${verify} ssl_client_certificate ${directory}/other.crt; ssl_trusted_certificate ${directory}/root.crt;`,
    ],
    flags: both("leaf"),
    check: (seen, isLonghaul) => {
      if (!isLonghaul || !onBun) names("other")(seen);
      assert.match(seen.body ?? "", /SUCCESS$/);
    },
  },
  {
    name: "with ssl_trusted_certificate alone no names are told",
    servers: [`${own} ssl_verify_client optional_no_ca; ssl_trusted_certificate ${directory}/root.crt;`],
    flags: both("leaf"),
    check: (seen, isLonghaul) => {
      if (isLonghaul && onBun) names("root")(seen);
      else assert.match(seen.text, /No client certificate CA names sent/);
      assert.match(seen.body ?? "", /SUCCESS$/);
    },
  },
  ...(["crls.pem", "crls-reversed.pem"] as const).flatMap((file): Case[] => [
    {
      name: `two lists of revoked certificates in one file: ${file}`,
      servers: [
        `${own} ${verify} ssl_client_certificate ${directory}/root.crt; ssl_crl ${directory}/${file};`,
      ],
      flags: [...both("below"), "-cert_chain", `${directory}/inter.crt`],
      check: body(/SUCCESS$/),
    },
    {
      name: `and the second one counts: ${file}`,
      servers: [
        `${own} ${verify} ssl_client_certificate ${directory}/root.crt; ssl_crl ${directory}/${file};`,
      ],
      flags: [...both("revoked"), "-cert_chain", `${directory}/inter.crt`],
      check: body(/The SSL certificate error/),
    },
  ]),
  {
    // 1.22 reads none of these as authorities.
    name: "TRUSTED CERTIFICATE is trusted for what it says",
    servers: [`${own} ${verify} ssl_client_certificate ${directory}/trusted.pem;`],
    flags: both("leaf"),
    check: body(/SUCCESS$/),
    not: "nginx",
  },
  {
    name: "and not where that is rejected",
    servers: [`${own} ${verify} ssl_client_certificate ${directory}/rejected.pem;`],
    flags: both("leaf"),
    check: body(/The SSL certificate error/),
    not: "nginx",
  },
  {
    name: "and not where it is for other uses, beside ssl_trusted_certificate",
    servers: [
      `${own} ${verify} ssl_client_certificate ${directory}/rejected.pem; ssl_trusted_certificate ${directory}/other.crt;`,
    ],
    flags: both("leaf"),
    check: body(/The SSL certificate error/),
    not: "nginx",
  },
  {
    name: "parameters of ANSI X9.42",
    servers: [
      `${own} ssl_certificate ${rsa}.crt; ssl_certificate_key ${rsa}.key; ssl_dhparam ${directory}/dhx.pem; ssl_protocols TLSv1.2;`,
    ],
    flags: ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"],
    check: body(/ DHE-RSA-AES128-GCM-SHA256 /),
    not: "bun",
  },
  {
    name: "a version that nobody speaks is none",
    servers: [`${own} ssl_protocols SSLv3;`],
    flags: [],
    check: fails(/error:/),
  },
  {
    name: "what the client offers",
    servers: [own],
    flags: [
      "-groups",
      "P-256:P-384:ffdhe2048",
      "-cipher",
      "ECDHE-ECDSA-AES128-GCM-SHA256",
      "-ciphersuites",
      "TLS_AES_128_GCM_SHA256",
    ],
    check: body(
      /^TLSv1\.3 TLS_AES_128_GCM_SHA256 prime256v1 prime256v1:secp384r1:ffdhe2048 TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:TLS_EMPTY_RENEGOTIATION_INFO_SCSV /,
    ),
  },
  {
    name: "what the client offers, TLS 1.2",
    servers: [own],
    flags: ["-tls1_2", "-groups", "X25519:P-256"],
    check: body(/^TLSv1\.2 \S+ X25519 X25519:prime256v1 /),
  },
];

function makeMaterial(): void {
  authority.make("root", null, true);
  authority.make("other", null, true);
  authority.make("inter", "root", true);
  authority.make("leaf", "root");
  authority.make("below", "inter");
  authority.make("revoked", "inter");
  authority.revoke("root", []);
  authority.revoke("inter", ["revoked"]);
  const text = (file: string): string => readFileSync(authority.path(file), "latin1");
  writeFileSync(authority.path("double.pem"), `# twice\n${text("root.crt")}\n${text("root.crt")}`);
  writeFileSync(authority.path("crls.pem"), text("root.crl") + text("inter.crl"));
  writeFileSync(authority.path("crls-reversed.pem"), text("inter.crl") + text("root.crl"));
  authority.run("x509", "-in", "root.crt", "-addtrust", "clientAuth", "-trustout", "-out", "trusted.pem");
  authority.run("x509", "-in", "root.crt", "-addreject", "clientAuth", "-trustout", "-out", "rejected.pem");
  authority.run("genpkey", "-genparam", "-algorithm", "DHX", "-pkeyopt", "dh_rfc5114:2", "-out", "dhx.pem");
}

const answer =
  'location / { return 200 "$ssl_protocol $ssl_cipher $ssl_curve $ssl_curves $ssl_ciphers $ssl_client_verify"; }';

function suite(product: Product): void {
  const isLonghaul = product.name === "longhaul";
  const wanted = cases.filter(
    ({ not }) => not === undefined || (isLonghaul ? !(onBun && not === "bun") : not !== "nginx"),
  );
  let gateway: Gateway;
  let ports: number[] = [];
  before(async () => {
    makeMaterial();
    ports = await freePorts(wanted.length + 1);
    const servers = wanted.flatMap(({ servers: blocks }, index) =>
      blocks.map((settings) => `server { listen 127.0.0.1:${ports[index]} ssl; ${settings} ${answer} }`),
    );
    const config = `events {} http {
      ssl_protocols TLSv1.2 TLSv1.3;
      ${servers.join("\n")}
      server { listen 127.0.0.1:${ports.at(-1)} ssl; ${own} ${answer} }
    }`;
    gateway = await startGateway(product, { config, port: ports[0]! });
  });
  after(() => gateway.stop());

  for (const [index, { name, flags, host, check }] of wanted.entries()) {
    test(name, async () => check(await request(ports[index]!, flags, host), isLonghaul));
  }

  test("a client that would renegotiate is refused", async () => {
    const flags = ["-tls1_2", "-no_ign_eof"];
    const { text } = await talk(ports.at(-1)!, flags, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "R\n");
    assert.match(text, /RENEGOTIATING\n[^]*(?:no renegotiation|error:)/);
  });
}

describe("handshakes with clients", { skip: noOpenssl }, () => {
  for (const product of products()) describe(product.name, () => suite(product));
});
