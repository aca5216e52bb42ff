import { createHash, X509Certificate } from "node:crypto";
import type { VariableSpec } from "../../config/variables.ts";
import { wallMs } from "../../gateway/request/request-facts.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { TlsInfo } from "../../net/connection.ts";
import { verifyReason } from "../../net/tls-error.ts";
import { cipherName, curveName } from "../../net/tls-names.ts";
import { legacyName, rfc2253Name } from "./names.ts";
import type { SslServer } from "./settings.ts";
import { verifyErrorOf } from "./verify.ts";

/** @param settingsOf what the request's server says */
export function sslVariables(settingsOf: (request: Request) => SslServer): readonly VariableSpec<Request>[] {
  const asked: CertificateOf = (request) => {
    return settingsOf(request).verifyClient === "off" ? null : certificateOf(request);
  };
  return [
    ...connectionVariables,
    ...clientVariables(asked),
    {
      name: "ssl_client_verify",
      get(request) {
        const tls = tlsOf(request);
        if (tls === null) return null;
        if (asked(request) === null) return "NONE";
        const code = verifyErrorOf(tls, settingsOf(request));
        return code === null ? "SUCCESS" : `FAILED:${verifyReason(code)?.words ?? code}`;
      },
    },
  ];
}

/** The client's certificate; null where it was not asked for, although another server behind the address did. */
type CertificateOf = (request: Request) => X509Certificate | null;

const connectionVariables: readonly VariableSpec<Request>[] = [
  { name: "ssl_protocol", get: (request) => tlsOf(request)?.protocol ?? null },
  { name: "ssl_cipher", get: (request) => tlsOf(request)?.cipher ?? null },
  { name: "ssl_server_name", get: (request) => tlsOf(request)?.serverName ?? null },
  { name: "ssl_alpn_protocol", get: (request) => tlsOf(request)?.alpnProtocol ?? null },
  { name: "ssl_session_id", get: (request) => tlsOf(request)?.sessionId || null },
  { name: "ssl_session_reused", get: sessionReused },
  { name: "ssl_early_data", get: notTold },
  { name: "ssl_ciphers", get: (request) => offered(request, "ciphers", cipherName) },
  { name: "ssl_curve", get: (request) => tlsOf(request)?.curve || null },
  { name: "ssl_curves", get: (request) => offered(request, "curves", curveName) },
  { name: "ssl_sigalg", get: notTold },
  { name: "ssl_sigalgs", get: notTold },
  { name: "ssl_ech_status", get: notTold },
  { name: "ssl_ech_outer_server_name", get: notTold },
  { name: "ssl_client_sigalg", get: notTold },
];

function clientVariables(certificateOf: CertificateOf): readonly VariableSpec<Request>[] {
  const about = (
    name: string,
    tell: (certificate: X509Certificate, request: Request) => string,
  ): VariableSpec<Request> => ({
    name,
    get(request) {
      const certificate = certificateOf(request);
      return certificate === null ? null : tell(certificate, request);
    },
  });
  return [
    about("ssl_client_raw_cert", (certificate) => certificate.toString()),
    about("ssl_client_cert", (certificate) => certificate.toString().trimEnd().replaceAll("\n", "\n\t")),
    about("ssl_client_escaped_cert", (certificate) => encodeURIComponent(certificate.toString())),
    about("ssl_client_s_dn", ({ subject }) => rfc2253Name(subject)),
    about("ssl_client_i_dn", ({ issuer }) => rfc2253Name(issuer)),
    about("ssl_client_s_dn_legacy", ({ subject }) => legacyName(subject)),
    about("ssl_client_i_dn_legacy", ({ issuer }) => legacyName(issuer)),
    about("ssl_client_serial", ({ serialNumber }) => serialNumber),
    about("ssl_client_fingerprint", ({ raw }) => createHash("sha1").update(raw).digest("hex")),
    about("ssl_client_v_start", ({ validFrom }) => validFrom),
    about("ssl_client_v_end", ({ validTo }) => validTo),
    about("ssl_client_v_remain", daysLeft),
  ];
}

function tlsOf(request: Request): TlsInfo | null {
  return request.origin.tls;
}

/** Variables that only the client's first message tells: it is read for them where one is in use. */
export const helloVariables: readonly string[] = ["ssl_ciphers", "ssl_curves"];

function offered(
  request: Request,
  what: "ciphers" | "curves",
  nameOf: (number: number) => string,
): string | null {
  const list = tlsOf(request)?.hello?.[what] ?? [];
  return list.length === 0 ? null : list.map(nameOf).join(":");
}

/** The runtimes do not say. */
function notTold(): null {
  return null;
}

function sessionReused(request: Request): string | null {
  const tls = tlsOf(request);
  return tls === null ? null : tls.sessionReused ? "r" : ".";
}

/** Parsed once per connection: requests on it share the certificate. */
const parsed = new WeakMap<TlsInfo, X509Certificate>();

function certificateOf(request: Request): X509Certificate | null {
  const tls = tlsOf(request);
  const own = tls?.peerCertificates()[0];
  if (tls === null || own === undefined) return null;
  const certificate = parsed.get(tls) ?? new X509Certificate(own);
  parsed.set(tls, certificate);
  return certificate;
}

function daysLeft({ validTo }: X509Certificate, request: Request): string {
  const left = Date.parse(validTo) - wallMs(request);
  return String(Math.max(0, Math.floor(left / 86_400_000)));
}
