/**
 * `ssl_stapling`: no runtime can staple the status of a certificate. For most certificates that takes nothing from anybody but
 * a question that clients ask the authority themselves; one that demands it (RFC 7633) would be refused by clients.
 * https://nginx.org/en/docs/http/ngx_http_ssl_module.html#ssl_stapling
 */
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { ConfigError } from "../../config/errors.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { ssl } from "./ssl.ts";
import type { SslServer } from "./settings.ts";

interface StaplingServer {
  stapling: boolean;
}

const setStapling = slots<StaplingServer>((scope) => scope.server(stapling)).flag("stapling");

/** The object identifier 1.3.6.1.5.5.7.1.24 (TLS feature) as certificates carry it. */
const tlsFeature = Buffer.from("06082b06010505070118", "hex");

export const stapling: HttpModule<object, StaplingServer> = {
  name: "longhaul_ssl_stapling",
  directives: [
    {
      name: "ssl_stapling",
      contexts: ["http", "server"],
      args: "flag",
      default: "off",
      hasNoEffect: true,
      doc: "Clients that check the status of a certificate ask its authority. Refused for certificates that demand stapling.",
      set: staplingDirective,
    },
  ],
  server: { defaults: () => ({ stapling: false }) },
  attachServer(server, settings, build) {
    if (!settings.stapling) return;
    const { certificates } = server.settings.get(ssl) as SslServer;
    for (const { constant } of certificates) {
      if (constant !== null && demandsStapling(constant, build)) {
        throw new ConfigError(
          `certificate "${constant}" demands stapling (RFC 7633), and "ssl_stapling" is not supported by longhaul`,
          "",
          0,
        );
      }
    }
  },
};

function staplingDirective(scope: Scope, directive: Directive): void {
  setStapling(scope, directive);
  if (scope.server(stapling).stapling !== true) return;
  scope.notice(
    'the "ssl_stapling" directive has no effect: certificate status is not stapled, clients ask the authority',
  );
}

/** Looks at the first certificate of the file only: the others are of authorities. */
function demandsStapling(file: string, build: HttpBuild): boolean {
  if (file.startsWith("data:")) return false;
  const text = build.files(file).toString("latin1");
  const [, base64 = ""] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(text) ?? [];
  return Buffer.from(base64, "base64").includes(tlsFeature);
}
