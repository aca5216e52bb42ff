import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { chooseContent, locationDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import { readPass } from "../../gateway/upstream/target.ts";
import type { AddressForm, Pass } from "../../gateway/upstream/target.ts";

/**
 * `*_pass address;` Names the upstream at once, or with each request where the address holds variables. Requests for the
 * location's name without its last slash are redirected.
 *
 * @throws ConfigError in nginx's words
 */
export function readPassDirective(
  scope: Scope,
  directive: Directive,
  settings: { pass?: Pass },
  form: AddressForm,
): void {
  if (settings.pass !== undefined) return refuse(scope, directive, "is duplicate");
  chooseContent(scope, directive);
  const draft = locationDraftOf(scope);
  const plain = draft.kind === "prefix" || draft.kind === "exact";
  if (draft.name.endsWith("/") && plain) draft.autoRedirect = true;
  settings.pass = readPass(scope, directive, buildOf(scope), form);
}
