/**
 * ngx_http_uwsgi_module: passes requests to applications that speak uwsgi, such as Python's behind uWSGI.
 * https://nginx.org/en/docs/http/ngx_http_uwsgi_module.html
 */
import type { Param } from "../../cgi/param.ts";
import { uwsgiBytes, uwsgiHead } from "../../cgi/uwsgi-request.ts";
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { AddressForm } from "../../gateway/upstream/target.ts";
import { cgiHandler } from "../support/cgi-handler.ts";
import {
  applicationDefaults,
  applicationDirectives,
  finishApplication,
} from "../support/pass-application.ts";
import type { ApplicationSettings } from "../support/pass-application.ts";
import { finishPassTls, passTlsDefaults, passTlsDirectives } from "../support/pass-tls.ts";
import type { PassTlsSettings } from "../support/pass-tls.ts";

interface UwsgiSettings extends ApplicationSettings, PassTlsSettings {
  modifier1: number;
  modifier2: number;
  /** What stands behind the parameters; null for nothing. */
  string: Value | null;
}

const prefix = "uwsgi_";
const levelOf = (scope: Scope): Partial<UwsgiSettings> => scope.location(uwsgi);
const location = slots<UwsgiSettings>(levelOf);
const everywhere: readonly Context[] = ["http", "server", "location"];
const registry = (scope: Scope) => buildOf(scope).variables;

const address: AddressForm = {
  schemes: [
    { prefix: "uwsgi://", defaultPort: 0, tls: false },
    { prefix: "suwsgi://", defaultPort: 0, tls: true },
  ],
  withoutScheme: { prefix: "uwsgi://", defaultPort: 0, tls: false },
  allowUri: false,
};

const own: readonly DirectiveSpec[] = [
  {
    name: "uwsgi_modifier1",
    contexts: everywhere,
    args: "1",
    default: "0",
    doc: "The first modifier of packets: what the application is to do with them.",
    set: location.number("modifier1", { min: 0, max: 255 }),
  },
  {
    name: "uwsgi_modifier2",
    contexts: everywhere,
    args: "1",
    default: "0",
    doc: "The second modifier of packets.",
    set: location.number("modifier2", { min: 0, max: 255 }),
  },
  {
    name: "uwsgi_string",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "What stands behind the parameters in packets, for modifiers that want it.",
    set: location.value("string", registry),
  },
];

export const uwsgi: HttpModule<object, object, UwsgiSettings> = {
  name: "ngx_http_uwsgi_module",
  directives: [
    ...applicationDirectives(prefix, levelOf, address),
    ...own,
    ...passTlsDirectives(prefix, levelOf),
  ],
  location: {
    defaults: () => ({
      ...applicationDefaults(),
      ...passTlsDefaults(),
      modifier1: 0,
      modifier2: 0,
      string: null,
    }),
    finish(settings, scope) {
      finishApplication(settings, scope, prefix);
      const { pass } = settings;
      const mayNeedTls = pass !== undefined && (pass.variable !== null || pass.scheme.tls);
      finishPassTls(settings, scope, prefix, mayNeedTls);
    },
  },
  attach(target, settings, build) {
    const { pass } = settings;
    if (pass === undefined) return;
    const { modifier1, modifier2, string } = settings;
    target.content = cgiHandler(settings, pass, build, {
      name: "uwsgi",
      address,
      hidesStatus: false,
      tls: settings,
      head(params: readonly Param[], _bodyBytes: number, request: Request) {
        const packet = { modifier1, modifier2, string: string?.evaluate(request) ?? "" };
        return uwsgiHead(params, packet) ?? `uwsgi request is too big: ${uwsgiBytes(params, packet)}`;
      },
    });
    target.passes = true;
  },
};
