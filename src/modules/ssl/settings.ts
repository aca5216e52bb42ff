import type { Level } from "../../config/module.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { TlsContextOptions } from "../../net/network.ts";
import type { Zone } from "../../gateway/zones/zones.ts";
import type { TlsCommand } from "../support/tls-commands.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { keyFileName } from "../support/key-material.ts";
import type { CertificateCache, NamedPair } from "./variable-certificates.ts";
import { serverContextOptions, pairsOf } from "./context.ts";
import type { SessionMemory } from "./session-table.ts";

/**
 * What the directives of ngx_http_ssl_module set for a server; null and empty lists: not set.
 * https://nginx.org/en/docs/http/ngx_http_ssl_module.html
 */
export interface SslServer {
  /** Names of files are completed when they are read. */
  certificates: readonly Value[];
  certificateKeys: readonly Value[];
  /** For those that variables name. */
  certificateCache: CertificateCache | null;
  passphrases: readonly string[];
  protocols: ReadonlySet<string>;
  ciphers: string;
  preferServerCiphers: boolean;
  ecdhCurve: string;
  dhparam: string | null;
  sessionTimeoutSeconds: number;
  sessionCache: SessionCache;
  sessionTickets: boolean;
  ticketKeys: readonly string[];
  verifyClient: "off" | "on" | "optional" | "optional_no_ca";
  verifyDepth: number;
  clientCertificate: string | null;
  trustedCertificate: string | null;
  crl: string | null;
  rejectHandshake: boolean;
  commands: readonly TlsCommand[];
  /** Made of all of these; null for a server without certificates. */
  options: TlsContextOptions | null;
  /** Names of certificates hold variables: these are not among the options. */
  pairs: readonly NamedPair[];
  fullName: (path: string) => string;
}

/** Where sessions are kept that are not in tickets. */
export interface SessionCache {
  /** For all workers. */
  readonly shared: Zone<SessionMemory> | null;
  /** Sessions that each worker keeps for itself; 0 for none. */
  readonly builtin: number;
}

/** nginx's defaults, and the TLS options that are made of a server's settings once they are merged. */
export const sslLevel: Level<SslServer> = {
  defaults: () => ({
    certificates: [],
    certificateKeys: [],
    certificateCache: null,
    passphrases: [],
    protocols: new Set(["tlsv1.2", "tlsv1.3"]),
    ciphers: "HIGH:!aNULL:!MD5",
    preferServerCiphers: false,
    ecdhCurve: "auto",
    dhparam: null,
    sessionTimeoutSeconds: 300,
    sessionCache: { shared: null, builtin: 0 },
    sessionTickets: true,
    ticketKeys: [],
    verifyClient: "off",
    verifyDepth: 1,
    clientCertificate: null,
    trustedCertificate: null,
    crl: null,
    rejectHandshake: false,
    commands: [],
    options: null,
    pairs: [],
    fullName: (path) => path,
  }),
  finish(settings, scope) {
    if (settings.certificates.length === 0) return;
    const pairs = pairsOf(settings);
    const isVariable = pairs.some(
      ({ certificate, key }) => certificate.constant === null || key.constant === null,
    );
    settings.fullName = (path) => keyFileName(scope, path);
    settings.pairs = isVariable ? pairs : [];
    settings.options = serverContextOptions(settings, isVariable ? [] : pairs, buildOf(scope), scope);
  },
};
