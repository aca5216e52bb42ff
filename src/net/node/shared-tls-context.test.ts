import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextOptions, fixture } from "../contract-tls.ts";
import { sharedTlsContext } from "./shared-tls-context.ts";

describe("a TLS context", () => {
  test("is the same for the same contents of files and the same rules", () => {
    const context = sharedTlsContext(contextOptions(["a.test"]));
    assert.equal(sharedTlsContext(contextOptions(["a.test"])), context);
  });

  test("is another one where anything differs", () => {
    const contexts = [
      contextOptions(["a.test"]),
      contextOptions(["b.test"]),
      contextOptions([]),
      contextOptions(["a.test"], { protocols: ["TLSv1.3"] }),
      contextOptions(["a.test"], { ca: null }),
      contextOptions(["a.test"], { ca: fixture("a.test.crt") }),
      contextOptions(["a.test"], { sessionTickets: false }),
      contextOptions(["a.test"], { ticketKeys: Buffer.alloc(48) }),
      contextOptions(["a.test"], { sessionTimeoutSeconds: 1 }),
    ].map(sharedTlsContext);
    assert.equal(new Set(contexts).size, contexts.length);
  });
});
