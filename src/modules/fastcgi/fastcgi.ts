/**
 * ngx_http_fastcgi_module: passes requests to applications that speak FastCGI, such as PHP's.
 * https://nginx.org/en/docs/http/ngx_http_fastcgi_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import { applicationDirectives } from "../support/pass-application.ts";
import { fastcgiAddress, fastcgiHandler } from "./handler.ts";
import { pathInfo, readSplit, scriptName } from "./script-name.ts";
import { fastcgiLevel } from "./settings.ts";
import type { FastCgiSettings } from "./settings.ts";

const levelOf = (scope: Scope): Partial<FastCgiSettings> => scope.location(fastcgi);
const location = slots<FastCgiSettings>(levelOf);
const everywhere: readonly Context[] = ["http", "server", "location"];

const own: readonly DirectiveSpec[] = [
  {
    name: "fastcgi_index",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "What follows a URI that ends with a slash in `$fastcgi_script_name`.",
    set: location.string("index"),
  },
  {
    name: "fastcgi_split_path_info",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "A regular expression whose two captures are `$fastcgi_script_name` and `$fastcgi_path_info`.",
    set: location.custom("splitPathInfo", readSplit),
  },
  {
    name: "fastcgi_catch_stderr",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "A text that makes an answer invalid when the application's errors before it hold it.",
    set: location.strings("catchStderr"),
  },
  {
    name: "fastcgi_keep_conn",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether the application shall keep connections, for `keepalive` of the upstream.",
    set: location.flag("keepConn"),
  },
];

export const fastcgi: HttpModule<object, object, FastCgiSettings> = {
  name: "ngx_http_fastcgi_module",
  directives: [...applicationDirectives("fastcgi_", levelOf, fastcgiAddress), ...own],
  location: fastcgiLevel,
  variables: [
    {
      name: "fastcgi_script_name",
      volatile: true,
      get: (request) => scriptName(request, settingsOf(request)),
    },
    { name: "fastcgi_path_info", volatile: true, get: (request) => pathInfo(request, settingsOf(request)) },
  ],
  attach(target, settings, build) {
    const { pass } = settings;
    if (pass === undefined) return;
    target.content = fastcgiHandler(settings, pass, build);
    target.passes = true;
  },
};

function settingsOf({ location: { settings } }: Request): FastCgiSettings {
  return settings.get(fastcgi) as FastCgiSettings;
}
