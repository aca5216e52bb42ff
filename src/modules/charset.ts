/**
 * ngx_http_charset_module: names the character set in Content-Type. Texts are not converted.
 * https://nginx.org/en/docs/http/ngx_http_charset_module.html
 */
import type { Context } from "../config/module.ts";
import { slots } from "../config/slots.ts";
import { valueOf } from "../gateway/http-build.ts";
import type { HttpModule } from "../gateway/http-module.ts";
import type { Request } from "../gateway/request.ts";
import type { Value } from "../gateway/settings.ts";
import { isOfType, readMimeTypes } from "./mime-types.ts";
import type { MimeTypes } from "./mime-types.ts";

interface CharsetSettings {
  /** Null for `off`. */
  charset: Value | null;
  types: MimeTypes;
  override: boolean;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<CharsetSettings>((scope) => scope.location(charset));

const defaultTypes: MimeTypes = new Set([
  "text/html",
  "text/xml",
  "text/plain",
  "text/vnd.wap.wml",
  "application/javascript",
  "application/rss+xml",
]);

export const charset: HttpModule<object, object, CharsetSettings> = {
  name: "ngx_http_charset_filter_module",
  directives: [
    {
      name: "charset",
      contexts: [...contexts, "if in location"],
      args: "1",
      default: "off",
      doc: "The character set that Content-Type names.",
      set: slot.custom("charset", ({ args }, scope) => (args[0] === "off" ? null : valueOf(scope, args[0]!))),
    },
    {
      name: "charset_types",
      contexts,
      args: "1+",
      default: [...defaultTypes].join(" "),
      doc: "Media types that are given a character set beside text/html; `*` for all.",
      set(scope, directive) {
        const settings = scope.location(charset);
        settings.types = readMimeTypes(settings.types, directive, scope);
      },
    },
    {
      name: "override_charset",
      contexts: [...contexts, "if in location"],
      args: "flag",
      default: "off",
      doc: "Whether a character set that an upstream server names would be converted; none is here.",
      set: slot.flag("override"),
    },
  ],
  location: { defaults: () => ({ charset: null, types: defaultTypes, override: false }) },
  attach(location, settings) {
    const { charset: value, types } = settings;
    if (value !== null) location.headerFilters.push((request) => nameCharset(request, value, types));
  },
};

function nameCharset(request: Request, value: Value, types: MimeTypes): void {
  const { response } = request;
  const { contentType } = response;
  if (contentType === null || /;\s*charset=/i.test(contentType) || !isOfType(response, types)) return;
  const encoding = response.fields.get("content-encoding");
  if (encoding !== null && encoding !== "") return;
  const name = value.evaluate(request);
  if (name !== "") response.contentType = `${contentType}; charset=${name}`;
}
