import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import tls from "node:tls";
import { contextOptions, fixture } from "../contract-tls.ts";
import { runsOnBun } from "./runtime.ts";
import { NodeTlsContext } from "./tls-context.ts";

/** However they are written, and in whatever order. */
function trusted(): string {
  const prints = tls.getCACertificates("default").map((pem) => new X509Certificate(pem).fingerprint256);
  return [...new Set(prints)].toSorted().join();
}

const skip = runsOnBun || typeof tls.setDefaultCACertificates !== "function";

test("what a thread trusts by default is the same after contexts were made", { skip }, async () => {
  const before = trusted();
  for (const names of [["a.test"], ["b.test"]]) {
    new NodeTlsContext(contextOptions(names, { namedAuthorities: fixture("stranger.crt") }));
  }
  await Promise.resolve();
  assert.ok(trusted() === before);
});

test("a context that needs the usual authorities has them at once", { skip }, () => {
  const before = trusted();
  new NodeTlsContext(contextOptions(["a.test"], { namedAuthorities: fixture("stranger.crt") }));
  assert.notEqual(new NodeTlsContext(contextOptions([], { ca: null, side: "client" })).verifying, null);
  assert.ok(trusted() === before);
});
