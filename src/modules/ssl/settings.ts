import type { Level } from "../../config/module.ts";
import { buildOf } from "../../gateway/http-build.ts";
import type { TlsContextOptions } from "../../net/network.ts";
import type { Zone } from "../../gateway/zones/zones.ts";
import type { TlsCommand } from "../tls-commands.ts";
import { contextOptions } from "./context.ts";
import type { SessionMemory } from "./session-table.ts";

export interface SslServer {
  /** As written; names of files are completed when they are read. */
  certificates: readonly string[];
  certificateKeys: readonly string[];
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
}

/** Where sessions are kept that are not in tickets. */
export interface SessionCache {
  /** For all workers. */
  readonly shared: Zone<SessionMemory> | null;
  /** Sessions that each worker keeps for itself; 0 for none. */
  readonly builtin: number;
}

export const sslLevel: Level<SslServer> = {
  defaults: () => ({
    certificates: [],
    certificateKeys: [],
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
  }),
  finish(settings, scope) {
    if (settings.certificates.length === 0) return;
    settings.options = contextOptions(settings, buildOf(scope), scope);
  },
};
