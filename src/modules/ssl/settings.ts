import type { Level } from "../../config/module.ts";
import { buildOf } from "../../gateway/http-build.ts";
import type { TlsContext } from "../../net/network.ts";
import { makeContext } from "./context.ts";

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
  sessionCache: string;
  sessionTickets: boolean;
  ticketKeys: readonly string[];
  verifyClient: "off" | "on" | "optional" | "optional_no_ca";
  verifyDepth: number;
  clientCertificate: string | null;
  trustedCertificate: string | null;
  crl: string | null;
  rejectHandshake: boolean;
  /** Made of all of these; null for a server without certificates. */
  context: TlsContext | null;
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
    sessionCache: "none",
    sessionTickets: true,
    ticketKeys: [],
    verifyClient: "off",
    verifyDepth: 1,
    clientCertificate: null,
    trustedCertificate: null,
    crl: null,
    rejectHandshake: false,
    context: null,
  }),
  finish(settings, scope) {
    if (settings.certificates.length === 0) return;
    settings.context = makeContext(settings, buildOf(scope), scope);
  },
};
