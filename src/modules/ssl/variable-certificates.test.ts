import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { MemoryNetwork } from "../../net/memory/network.ts";
import { plainTlsOptions } from "../../net/network.ts";
import { VariableCertificates, type CertificateCache } from "./variable-certificates.ts";

const fixtures = fileURLToPath(new URL("../../net/fixtures/", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "longhaul-certificates-"));
after(() => rmSync(directory, { recursive: true }));

const request = {} as Request;
let name = "x";
const value = (extension: string): Value => ({
  text: `$name.${extension}`,
  constant: null,
  evaluate: () => `${name}.${extension}`,
});

function put(as: string, fixture: string): void {
  for (const extension of ["crt", "key"]) {
    const path = join(directory, `${as}.${extension}`);
    copyFileSync(`${fixtures}${fixture}.${extension}`, path);
    // The next one is newer, however fast it comes.
    utimesSync(path, 0, statSync(path).mtimeMs / 1000 + (turn += 10));
  }
}
let turn = 0;

function make(cache: CertificateCache | null): {
  certificates: VariableCertificates;
  network: MemoryNetwork;
} {
  const network = new MemoryNetwork({ seed: 1 });
  const certificates = new VariableCertificates({
    network,
    options: plainTlsOptions,
    pairs: [{ certificate: value("crt"), key: value("key") }],
    fullName: (path) => join(directory, path),
    passphrases: [],
    cache,
  });
  return { certificates, network };
}

const silent = (): void => assert.fail("nothing is wrong");

test("a file that was replaced is read at once without a cache", () => {
  name = "x";
  put("x", "a.test");
  const { certificates } = make(null);
  const first = certificates.contextFor(request, silent);
  assert.equal(certificates.contextFor(request, silent), first);
  put("x", "b.test");
  assert.notEqual(certificates.contextFor(request, silent), first);
});

test("with a cache it is looked at when its time is over", async () => {
  name = "y";
  put("y", "a.test");
  const { certificates, network } = make({ max: 4, inactiveSeconds: 10, validSeconds: 2 });
  const first = certificates.contextFor(request, silent);
  put("y", "b.test");
  assert.equal(certificates.contextFor(request, silent), first);
  await network.advance(1999);
  assert.equal(certificates.contextFor(request, silent), first);
  await network.advance(2);
  assert.notEqual(certificates.contextFor(request, silent), first);
});

test("a cache holds so many, and those not used for long are given up", async () => {
  const { certificates, network } = make({ max: 2, inactiveSeconds: 10, validSeconds: 60 });
  const contextOf = (which: string): unknown => {
    name = which;
    return certificates.contextFor(request, silent);
  };
  for (const which of ["p", "q", "r"]) put(which, "a.test");
  const [p, q] = [contextOf("p"), contextOf("q")];
  assert.equal(contextOf("p"), p);
  contextOf("r");
  assert.equal(contextOf("p"), p);
  assert.notEqual(contextOf("q"), q);
  await network.advance(10_001);
  assert.notEqual(contextOf("p"), p);
});

test("what cannot be used is told", () => {
  name = "nobody";
  const { certificates } = make(null);
  const told: string[] = [];
  assert.equal(
    certificates.contextFor(request, (reason) => told.push(reason)),
    null,
  );
  assert.match(told[0] ?? "", /^cannot load certificate ".*nobody\.crt": BIO_new_file\(\) failed/);
});
