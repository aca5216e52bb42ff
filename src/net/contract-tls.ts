import { readFileSync } from "node:fs";
import type { ServerTls, TlsContext, TlsContextOptions, Network } from "./network.ts";

/** A file of the tests' key material. */
export function fixture(name: string): Buffer {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

/** Ready-made options; `names` are the certificates to present, "" none. */
export function contextOptions(
  names: readonly string[],
  overrides: Partial<TlsContextOptions> = {},
): TlsContextOptions {
  return {
    certificates: names.map((name) => ({ chain: fixture(`${name}.crt`), key: fixture(`${name}.key`) })),
    protocols: ["TLSv1.2", "TLSv1.3"],
    ciphers: null,
    preferServerCiphers: false,
    curves: null,
    dhparam: null,
    ca: fixture("ca.crt"),
    crl: null,
    sessionTimeoutSeconds: 300,
    ticketKeys: null,
    sessionTickets: true,
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
