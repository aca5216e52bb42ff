import "reflect-metadata";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  KeyUsageFlags,
  KeyUsagesExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { isTooDeep, rootsIn } from "./verify-depth.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

interface Made {
  readonly certificate: X509Certificate;
  readonly keys: CryptoKeyPair;
}

async function make(name: string, issuer: Made | null, serialNumber: string): Promise<Made> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber,
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    publicKey: keys.publicKey,
    signingKey: issuer === null ? keys.privateKey : issuer.keys.privateKey,
    signingAlgorithm: algorithm,
  });
  return { certificate, keys };
}

const der = ({ certificate }: Made): Buffer => Buffer.from(certificate.rawData);

const root = await make("root", null, "01");
const first = await make("first", root, "02");
const second = await make("second", first, "03");
const leaf = await make("leaf", second, "04");
const roots = rootsIn(
  Buffer.from(`${first.certificate.toString("pem")}\n${root.certificate.toString("pem")}\n`),
);

test("a chain may be as long as it may be", () => {
  assert.equal(roots.length, 1);
  const chain = [leaf, second, first, root].map(der);
  assert.equal(isTooDeep(chain, 2, roots), false);
  assert.equal(isTooDeep(chain, 1, roots), true);
  assert.equal(isTooDeep(chain.slice(0, 3), 2, roots), false);
  assert.equal(isTooDeep([der(root)], 0, roots), false);
  assert.equal(isTooDeep([der(first), der(root)], 0, roots), false);
  assert.equal(isTooDeep([], 0, roots), false);
});

test("a certificate that is trusted itself needs no authority, and need not be one", async () => {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: "05",
    name: "CN=own",
    signingAlgorithm: algorithm,
    keys,
    extensions: [new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true)],
  });
  const trusted = rootsIn(Buffer.from(certificate.toString("pem")));
  assert.equal(isTooDeep([Buffer.from(certificate.rawData)], 0, trusted), false);
});

test("a certificate that is sent twice counts once", () => {
  assert.equal(isTooDeep([first, first, root, root].map(der), 0, roots), false);
  assert.equal(isTooDeep([leaf, leaf, second, first, root].map(der), 2, null), false);
});

test("one that only bears the name of an issuer makes no chain shorter", async () => {
  const impostor = await make("second", null, "05");
  assert.equal(isTooDeep([leaf, impostor].map(der), 1, roots), true);
  assert.equal(isTooDeep([leaf, impostor, second, first, root].map(der), 1, roots), true);
  assert.equal(isTooDeep([leaf, impostor, second, first, root].map(der), 2, roots), false);
  const falseRoot = await make("root", null, "06");
  assert.equal(isTooDeep([first, falseRoot].map(der), 0, roots), false, "the true one is known");
});
