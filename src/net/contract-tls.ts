import { readFileSync } from "node:fs";
import { plainTlsOptions } from "./network.ts";
import type { ServerTls, TlsContext, TlsContextOptions, Network } from "./network.ts";

/** A file of the tests' key material. @throws Error when there is none of that name */
export function fixture(name: string): Buffer {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

/** Ready-made options; `names` are the certificates to present, "" none. */
export function contextOptions(
  names: readonly string[],
  overrides: Partial<TlsContextOptions> = {},
): TlsContextOptions {
  return {
    ...plainTlsOptions,
    certificates: names.map((name) => ({ chain: fixture(`${name}.crt`), key: fixture(`${name}.key`) })),
    ca: fixture("ca.crt"),
    ...overrides,
  };
}

/** A server for a.test (also without SNI) and b.test that offers h2 to b.test only; c.test is refused. */
export function serverTls(network: Network, overrides: Partial<ServerTls> = {}): ServerTls {
  const a = network.tlsContext(contextOptions(["a.test"]));
  const b = network.tlsContext(contextOptions(["b.test"]));
  return {
    contextFor: (name): TlsContext | null => (name === "c.test" ? null : name === "b.test" ? b : a),
    alpnFor: (name) => (name === "b.test" ? ["h2", "http/1.1"] : ["http/1.1"]),
    requestCertificate: false,
    handshakeTimeoutMs: 10_000,
    ...overrides,
  };
}
