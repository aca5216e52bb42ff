/**
 * ngx_http_sub_module: replaces strings in answers.
 * https://nginx.org/en/docs/http/ngx_http_sub_module.html
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { append, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { htmlOnly, isOfType, readMimeTypes } from "../support/mime-types.ts";
import type { MimeTypes } from "../support/mime-types.ts";
import { SubstitutionFilter } from "./substitution-filter.ts";

interface Pair {
  readonly match: Value;
  readonly replacement: Value;
}

interface SubFilterSettings {
  pairs: readonly Pair[];
  types: MimeTypes;
  once: boolean;
  lastModified: boolean;
}

/** Strings of one level: nginx's limit. */
const pairsMax = 255;

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<SubFilterSettings>((scope) => scope.location(subFilter));

export const subFilter: HttpModule<object, object, SubFilterSettings> = {
  name: "ngx_http_sub_filter_module",
  directives: [
    {
      name: "sub_filter",
      contexts,
      args: "2",
      default: null,
      doc: "A string that is replaced in answers, without regard to case, and what takes its place.",
      set: addPair,
    },
    {
      name: "sub_filter_types",
      contexts,
      args: "1+",
      default: "text/html",
      doc: "Media types in which strings are replaced beside text/html; `*` for all.",
      set(scope, directive) {
        const settings = scope.location(subFilter);
        settings.types = readMimeTypes(settings.types, directive, scope);
      },
    },
    {
      name: "sub_filter_once",
      contexts,
      args: "flag",
      default: "on",
      doc: "Whether each string is replaced only where it stands first.",
      set: slot.flag("once"),
    },
    {
      name: "sub_filter_last_modified",
      contexts,
      args: "flag",
      default: "off",
      doc: "Whether Last-Modified and ETag are kept although the answer is changed.",
      set: slot.flag("lastModified"),
    },
  ],
  location: { defaults: () => ({ pairs: [], types: htmlOnly, once: true, lastModified: false }) },
  attach(location, settings) {
    if (settings.pairs.length === 0) return;
    location.headerFilters.push((request) => substitute(request, settings));
  },
};

function addPair(scope: Scope, { args }: Directive): void {
  const [match = "", replacement = ""] = args;
  if (match === "") scope.fail("empty search pattern");
  const settings = scope.location(subFilter);
  const pair = { match: valueOf(scope, match), replacement: valueOf(scope, replacement) };
  if (settings.pairs?.length === pairsMax) scope.fail(`number of search patterns exceeds ${pairsMax}`);
  settings.pairs = append(settings.pairs, pair);
}

function isFor({ response }: Request, { types }: SubFilterSettings): boolean {
  return response.contentLength !== 0 && isOfType(response, types);
}

function substitute(request: Request, settings: SubFilterSettings): void {
  if (!isFor(request, settings)) return;
  const { response } = request;
  const patterns = settings.pairs.map(({ match, replacement }) => ({
    text: match.evaluate(request),
    // Evaluated where it is needed first, as in nginx.
    replacement: () => Buffer.from(replacement.evaluate(request), "latin1"),
  }));
  const wanted = patterns.filter(({ text }) => text !== "");
  if (wanted.length === 0) return;
  if (settings.lastModified) response.weakenEtag();
  else {
    response.lastModifiedSeconds = -1;
    response.fields.remove("last-modified");
    response.fields.remove("etag");
  }
  response.transformBody((next) => new SubstitutionFilter(wanted, settings.once, next));
}
