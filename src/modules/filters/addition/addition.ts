/**
 * ngx_http_addition_module: puts the answers of other URIs before and behind an answer.
 * https://nginx.org/en/docs/http/ngx_http_addition_module.html
 */
import type { Context } from "../../../config/module.ts";
import { slots } from "../../../config/slots.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { htmlOnly, isOfType, readMimeTypes } from "../../support/mime-types.ts";
import type { MimeTypes } from "../../support/mime-types.ts";
import { AdditionFilter } from "./addition-filter.ts";

interface AdditionSettings {
  /** URIs; "" for none. */
  before: string;
  after: string;
  types: MimeTypes;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<AdditionSettings>((scope) => scope.location(addition));

export const addition: HttpModule<object, object, AdditionSettings> = {
  name: "ngx_http_addition_filter_module",
  directives: [
    {
      name: "add_before_body",
      contexts,
      args: "1",
      default: null,
      doc: 'The URI whose answer is put before the body; "" for none.',
      set: slot.string("before"),
    },
    {
      name: "add_after_body",
      contexts,
      args: "1",
      default: null,
      doc: 'The URI whose answer is put behind the body; "" for none.',
      set: slot.string("after"),
    },
    {
      name: "addition_types",
      contexts,
      args: "1+",
      default: "text/html",
      doc: "Media types that something is added to beside text/html; `*` for all.",
      set(scope, directive) {
        const settings = scope.location(addition);
        settings.types = readMimeTypes(settings.types, directive, scope);
      },
    },
  ],
  location: { defaults: () => ({ before: "", after: "", types: htmlOnly }) },
  attach(location, settings) {
    if (settings.before === "" && settings.after === "") return;
    location.headerFilters.push((request) => add(request, settings));
  },
};

function isFor({ parent, response }: Request, { types }: AdditionSettings): boolean {
  return parent === null && response.status === 200 && isOfType(response, types);
}

function add(request: Request, settings: AdditionSettings): void {
  if (!isFor(request, settings)) return;
  const { response } = request;
  response.weakenEtag();
  const { before, after } = settings;
  response.transformBody((next) => new AdditionFilter(request, before, after, next));
}
