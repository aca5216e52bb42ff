import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { TlsContextOptions } from "../network.ts";
import { sharedTlsContext } from "./shared-tls-context.ts";

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));

function optionsFor(name: string, changes: Partial<TlsContextOptions> = {}): TlsContextOptions {
  return {
    certificates: [{ chain: fixture(`${name}.crt`), key: fixture(`${name}.key`) }],
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: null,
    preferServerCiphers: false,
    curves: null,
    dhparam: null,
    ca: null,
    crl: null,
    sessionTimeoutSeconds: 300,
    ticketKeys: null,
    sessionTickets: true,
    ...changes,
  };
}

describe("a TLS context", () => {
  test("is the same for the same contents of files and the same rules", () => {
    const context = sharedTlsContext(optionsFor("a.test"));
    assert.equal(sharedTlsContext(optionsFor("a.test")), context);
  });

  test("is another one where anything differs", () => {
    const contexts = [
      optionsFor("a.test"),
      optionsFor("b.test"),
      optionsFor("a.test", { certificates: [] }),
      optionsFor("a.test", { protocols: ["TLSv1.3"] }),
      optionsFor("a.test", { ca: fixture("ca.crt") }),
      optionsFor("a.test", { crl: null, ca: fixture("a.test.crt") }),
      optionsFor("a.test", { sessionTickets: false }),
      optionsFor("a.test", { sessionTimeoutSeconds: 1 }),
    ].map(sharedTlsContext);
    assert.equal(new Set(contexts).size, contexts.length);
  });
});
