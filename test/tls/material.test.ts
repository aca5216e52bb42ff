/** Certificates and keys in all the forms that files have: what nginx takes is taken, what it refuses is refused. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseOptions } from "../../src/cli/options.ts";
import { checkConfiguration } from "../../src/runtime/check.ts";
import { isOnPath } from "../support/gateway.ts";
import { Authority } from "./authority.ts";
import { certificates, noOpenssl } from "./openssl.ts";

const onBun = process.versions["bun"] !== undefined;
const directory = mkdtempSync(join(tmpdir(), "longhaul-tls-"));
const authority = new Authority(directory);
after(() => rmSync(directory, { recursive: true, force: true }));

/** Ways to write a PEM file that says the same, and some that say nothing. */
const forms: Readonly<Record<string, (pem: string) => string>> = {
  "a byte order mark": (pem) => `\xef\xbb\xbf${pem}`,
  "CR LF": (pem) => pem.replaceAll("\n", "\r\n"),
  "text before and behind": (pem) => `Bag Attributes\n    x: y\n${pem}\n# end \xff\n`,
  "blanks at the ends of lines": (pem) => pem.replaceAll("\n", "  \t\n"),
  "no newline at the end": (pem) => pem.trimEnd(),
  "one long line": (pem) =>
    pem.replace(/-----\n([^-]*)\n-----/, (_, body: string) => `-----\n${body.replaceAll("\n", "")}\n-----`),
  "an empty line first": (pem) => pem.replace(/-----\n/, "-----\n\n"),
  "blanks before each line": (pem) => pem.replaceAll(/^/gm, "  "),
  "only CR": (pem) => pem.replaceAll("\n", "\r"),
  "text behind the last dashes": (pem) => pem.replace(/-----\n$/, "-----xx\n"),
  nothing: () => "",
};

interface Pair {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  /** Bun's library does not have it. */
  readonly not?: "bun";
}

const pairs: Pair[] = [];

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text, "latin1");
  return path;
}

function makePairs(): void {
  const [certificate, key, rsaKey] = ["localhost.crt", "localhost.key", "localhost.rsa.key"].map((file) =>
    readFileSync(join(certificates, file), "latin1"),
  ) as [string, string, string];
  for (const file of ["localhost.crt", "localhost.key", "localhost.rsa.crt", "localhost.rsa.key"])
    copyFileSync(join(certificates, file), join(directory, file));
  const own = { certificate: "localhost.crt", key: "localhost.key" };
  for (const [name, form] of Object.entries(forms)) {
    pairs.push({
      name: `certificate: ${name}`,
      ...own,
      certificate: write(`${name}.crt`, form(certificate)),
    });
    pairs.push({ name: `key: ${name}`, ...own, key: write(`${name}.key`, form(key)) });
  }
  const run = (...args: string[]): string => authority.run(...args);
  const convert = (name: string, file: string, args: string[], others: Partial<Pair> = {}): void => {
    run(...args, "-out", file);
    pairs.push({
      name,
      ...own,
      ...(file.endsWith(".crt") ? { certificate: file } : { key: file }),
      ...others,
    });
  };
  convert("certificate: DER", "der.crt", ["x509", "-in", "localhost.crt", "-outform", "DER"]);
  convert("certificate: with its uses", "trusted.crt", [
    "x509",
    "-in",
    "localhost.crt",
    "-trustout",
    "-addtrust",
    "serverAuth",
  ]);
  convert("key: DER", "der.key", ["pkey", "-in", "localhost.key", "-outform", "DER"]);
  convert("key: SEC1", "ec.key", ["ec", "-in", "localhost.key"]);
  const secret = ["-passout", "pass:sesame"];
  const rsa = { certificate: "localhost.rsa.crt" };
  convert("key: encrypted, SEC1", "ec-aes.key", ["ec", "-in", "localhost.key", "-aes128", ...secret]);
  convert(
    "key: encrypted, PKCS #1, AES",
    "rsa-aes.key",
    ["rsa", "-in", "localhost.rsa.key", "-traditional", "-aes256", ...secret],
    rsa,
  );
  convert(
    "key: encrypted, PKCS #1, 3DES",
    "rsa-des.key",
    ["rsa", "-in", "localhost.rsa.key", "-traditional", "-des3", ...secret],
    rsa,
  );
  const topk8 = ["pkcs8", "-topk8", "-in", "localhost.key", ...secret];
  convert("key: encrypted, PKCS #8, PBES2", "p8.key", [...topk8, "-v2", "aes-256-cbc"]);
  convert("key: encrypted, PKCS #8, 3DES", "p12.key", [...topk8, "-v1", "PBE-SHA1-3DES"]);
  convert("key: encrypted, PKCS #8, scrypt", "scrypt.key", [...topk8, "-scrypt"], { not: "bun" });
  const encrypted = readFileSync(join(directory, "rsa-aes.key"), "latin1");
  pairs.push({
    name: "key: encrypted, CR LF",
    ...rsa,
    key: write("rsa-crlf.key", encrypted.replaceAll("\n", "\r\n")),
  });
  pairs.push({
    name: "key: encrypted, a byte order mark",
    ...rsa,
    key: write("rsa-bom.key", `\xef\xbb\xbf${encrypted}`),
  });
  pairs.push({ name: "key: the first of two", ...own, key: write("two.key", key + rsaKey) });
  const both = write("both.pem", key + certificate);
  pairs.push({ name: "both in one file", certificate: both, key: both });
  run("genpkey", "-algorithm", "ED25519", "-out", "ed.key");
  run("req", "-x509", "-key", "ed.key", "-subj", "/CN=localhost", "-out", "ed.crt");
  pairs.push({ name: "Ed25519", certificate: "ed.crt", key: "ed.key" });
  write("passwords", "wrong\nsesame\n");
}

function configure({ certificate, key }: Pair): string {
  return write(
    "nginx.conf",
    `pid ${directory}/pid; events {} http { access_log off; server { listen 127.0.0.1:18998 ssl;
      ssl_password_file passwords; ssl_certificate ${certificate.replaceAll(" ", "\\ ")};
      ssl_certificate_key ${key.replaceAll(" ", "\\ ")}; } }`,
  );
}

describe("forms of certificates and keys", { skip: noOpenssl }, () => {
  before(() => {
    mkdirSync(join(directory, "logs"), { recursive: true });
    makePairs();
  });

  test("are taken and refused as nginx does", async () => {
    const hasNginx = isOnPath("nginx");
    for (const pair of pairs) {
      const file = configure(pair);
      const { commandLine } = parseOptions(["-t", "-e", "/dev/null", "-c", file], directory);
      const { ok, remarks } = await checkConfiguration(commandLine);
      const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
      const nginx =
        hasNginx && spawnSync("nginx", ["-t", "-q", "-e", "/dev/null", "-c", file], { env }).status === 0;
      if (hasNginx)
        assert.equal(ok, nginx && !(onBun && pair.not === "bun"), `${pair.name}: ${remarks.at(-1)?.text}`);
    }
    assert.ok(pairs.length > 30);
  });
});
