/**
 * ngx_http_scgi_module: passes requests to applications that speak SCGI.
 * https://nginx.org/en/docs/http/ngx_http_scgi_module.html
 */
import { scgiHead } from "../../cgi/scgi-request.ts";
import type { Scope } from "../../config/scope.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { AddressForm } from "../../gateway/upstream/target.ts";
import { cgiHandler } from "../support/cgi-handler.ts";
import {
  applicationDefaults,
  applicationDirectives,
  finishApplication,
} from "../support/pass-application.ts";
import type { ApplicationSettings } from "../support/pass-application.ts";

const levelOf = (scope: Scope): Partial<ApplicationSettings> => scope.location(scgi);

const address: AddressForm = {
  schemes: [],
  withoutScheme: { prefix: "scgi://", defaultPort: 0, tls: false },
  allowUri: false,
};

export const scgi: HttpModule<object, object, ApplicationSettings> = {
  name: "ngx_http_scgi_module",
  directives: applicationDirectives("scgi_", levelOf, address),
  location: {
    defaults: applicationDefaults,
    finish: (settings, scope) => finishApplication(settings, scope, "scgi_"),
  },
  attach(target, settings, build) {
    const { pass } = settings;
    if (pass === undefined) return;
    target.content = cgiHandler(settings, pass, build, {
      name: "scgi",
      address,
      hidesStatus: true,
      tls: null,
      head: scgiHead,
    });
    target.passes = true;
  },
};
