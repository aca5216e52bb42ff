import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { ensureCertificate, makeCertificate } from "./quickstart-certificate.ts";

test("a self-made certificate names hosts and addresses and fits its key", async () => {
  const pair = await makeCertificate(["localhost", "127.0.0.1", "::1"]);
  const certificate = new X509Certificate(pair.chain);
  assert.equal(certificate.checkHost("localhost"), "localhost");
  assert.equal(certificate.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(certificate.ca, false);
  assert.match(pair.key, /^-----BEGIN PRIVATE KEY-----\n/);
});

test("a certificate is made once, kept private, and made anew when it is spoilt", async (t) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-certificate-"));
  t.after(() => rm(directory, { recursive: true }));
  assert.equal(await ensureCertificate(directory, ["localhost"]), true);
  const first = await readFile(path.join(directory, "certificate.pem"), "utf8");
  assert.equal((await stat(path.join(directory, "certificate.key"))).mode & 0o777, 0o600);

  assert.equal(await ensureCertificate(directory, ["localhost"]), false);
  assert.equal(await readFile(path.join(directory, "certificate.pem"), "utf8"), first);

  await writeFile(path.join(directory, "certificate.key"), "spoilt");
  assert.equal(await ensureCertificate(directory, ["localhost"]), true);
  assert.notEqual(await readFile(path.join(directory, "certificate.pem"), "utf8"), first);
});
