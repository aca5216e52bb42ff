import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { chooseContent, locationDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import { readPass } from "../../gateway/upstream/target.ts";
import type { AddressForm } from "../../gateway/upstream/target.ts";
import type { ProxyLocation } from "./settings.ts";

/** What `proxy_pass` may name. */
export const proxyAddress: AddressForm = {
  schemes: [
    { prefix: "http://", defaultPort: 80, tls: false },
    { prefix: "https://", defaultPort: 443, tls: true },
  ],
  withoutScheme: null,
  allowUri: true,
};

/**
 * `proxy_pass URL;` Names the upstream at once, or with each request where the URL holds variables.
 * @throws ConfigError in nginx's words
 */
export function proxyPass(scope: Scope, directive: Directive, settings: Partial<ProxyLocation>): void {
  if (settings.pass !== undefined) return refuse(scope, directive, "is duplicate");
  chooseContent(scope, directive);
  const draft = locationDraftOf(scope);
  const plain = draft.kind === "prefix" || draft.kind === "exact";
  if (draft.name.endsWith("/") && plain) draft.autoRedirect = true;
  const pass = readPass(scope, directive, buildOf(scope), proxyAddress);
  if (pass.variable === null && pass.uri !== "" && !plain) {
    scope.fail(
      '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, ' +
        'or inside "if" statement, or inside "limit_except" block',
    );
  }
  settings.pass = { ...pass, location: plain ? draft.name : "" };
}
