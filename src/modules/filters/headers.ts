/**
 * ngx_http_headers_module: adds fields and trailers to answers, and says how long they stay fresh.
 * https://nginx.org/en/docs/http/ngx_http_headers_module.html
 */
import type { Scope } from "../../config/scope.ts";
import { append, refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import type { Context } from "../../config/module.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { Fields, lowerAscii } from "../../http/fields.ts";
import { readExpires, setExpires } from "./expires.ts";
import type { ExpiresSetting } from "./expires.ts";

/** One `add_header` or `add_trailer`. */
interface AddedField {
  readonly name: string;
  readonly lower: string;
  readonly value: Value;
  /** Whatever the status; else only with those of success and redirection. */
  readonly always: boolean;
}

/** "on": a level without fields of its own has those from outside; "merge": one with has them, too. */
type InheritMode = "on" | "off" | "merge";

interface HeadersSettings {
  expires: ExpiresSetting | null;
  fields: readonly AddedField[];
  trailers: readonly AddedField[];
  fieldInheritance: InheritMode;
  trailerInheritance: InheritMode;
}

const contexts: readonly Context[] = ["http", "server", "location", "if in location"];
const slot = slots<HeadersSettings>((scope) => scope.location(headers));
const inheritances = { on: "on", off: "off", merge: "merge" } as const;

export const headers: HttpModule<object, object, HeadersSettings> = {
  name: "ngx_http_headers_filter_module",
  directives: [
    {
      name: "expires",
      contexts,
      args: "1,2",
      default: "off",
      doc: "Sets Expires and Cache-Control by a time, counted from now or from the last modification.",
      set: expiresDirective,
    },
    {
      name: "add_header",
      contexts,
      args: "2,3",
      default: null,
      doc: "Adds a field to answers of success and redirection; with `always`, to all.",
      set: (scope, directive) => addField(scope, directive, "fields"),
    },
    {
      name: "add_trailer",
      contexts,
      args: "2,3",
      default: null,
      doc: "Adds a field behind the body of chunked answers.",
      set: (scope, directive) => addField(scope, directive, "trailers"),
    },
    {
      name: "add_header_inherit",
      contexts,
      args: "1",
      default: "on",
      doc: "How `add_header` of outer levels are inherited: not, by levels without own ones, or by all.",
      set: slot.word("fieldInheritance", inheritances),
    },
    {
      name: "add_trailer_inherit",
      contexts,
      args: "1",
      default: "on",
      doc: "How `add_trailer` of outer levels are inherited: not, by levels without own ones, or by all.",
      set: slot.word("trailerInheritance", inheritances),
    },
  ],
  location: {
    defaults: () => ({
      expires: null,
      fields: [],
      trailers: [],
      fieldInheritance: "on",
      trailerInheritance: "on",
    }),
    inherit(child, parent) {
      child.fieldInheritance ??= parent.fieldInheritance ?? "on";
      child.trailerInheritance ??= parent.trailerInheritance ?? "on";
      child.fields = inherited(child.fields, parent.fields, child.fieldInheritance);
      child.trailers = inherited(child.trailers, parent.trailers, child.trailerInheritance);
    },
  },
  attach(location, settings) {
    const { expires, fields, trailers } = settings;
    if (expires === null && fields.length === 0 && trailers.length === 0) return;
    location.headerFilters.push((request) => extendHead(request, settings));
  },
};

function inherited(
  own: readonly AddedField[] | undefined,
  outer: readonly AddedField[] | undefined,
  inheritance: InheritMode,
): readonly AddedField[] {
  if (inheritance === "off") return own ?? [];
  if (own === undefined) return outer ?? [];
  return inheritance === "merge" ? [...own, ...(outer ?? [])] : own;
}

/** Answers that are what the client asked for. */
const safeStatuses = new Set([200, 201, 204, 206, 301, 302, 303, 304, 307, 308]);

function extendHead(request: Request, { expires, fields, trailers }: HeadersSettings): void {
  // The head of a subrequest's answer reaches nobody.
  if (request.parent !== null) return;
  const safe = safeStatuses.has(request.response.status);
  if (safe && expires !== null) setExpires(request, expires);
  for (const field of fields) if (safe || field.always) addOne(request, field);
  const wanted = trailers.filter(({ always }) => safe || always);
  if (wanted.length > 0) expectTrailers(request, wanted);
}

function addOne(request: Request, { name, lower, value }: AddedField): void {
  const { response } = request;
  const text = value.evaluate(request);
  if (lower === "last-modified" || lower === "etag") {
    response.lastModifiedSeconds = lower === "etag" ? response.lastModifiedSeconds : -1;
    if (text === "") response.fields.remove(lower);
    else response.fields.set(name, text);
    return;
  }
  if (text !== "") response.fields.addLowered(name, lower, text);
}

/** The values are taken when the body is complete: for `$sent_trailer_` also where none can be sent. */
function expectTrailers(request: Request, wanted: readonly AddedField[]): void {
  const { response } = request;
  const trailers = response.trailers ?? new Fields();
  response.trailers = trailers;
  response.beforeTrailers = () => {
    for (const { name, lower, value } of wanted) {
      const text = value.evaluate(request);
      if (text !== "") trailers.addLowered(name, lower, text);
    }
  };
}

function expiresDirective(scope: Scope, directive: Directive): void {
  const settings = scope.location(headers);
  if (settings.expires !== undefined) refuse(scope, directive, "is duplicate");
  settings.expires = readExpires(scope, directive);
}

function addField(scope: Scope, directive: Directive, list: "fields" | "trailers"): void {
  const [name = "", text = "", option] = directive.args;
  if (option !== undefined && option !== "always") scope.fail(`invalid parameter "${option}"`);
  const settings = scope.location(headers);
  const field: AddedField = {
    name,
    lower: lowerAscii(name),
    value: valueOf(scope, text),
    always: option !== undefined,
  };
  settings[list] = append(settings[list], field);
}
