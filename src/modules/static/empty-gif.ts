/**
 * ngx_http_empty_gif_module: a transparent picture of one pixel, out of memory.
 * https://nginx.org/en/docs/http/ngx_http_empty_gif_module.html
 */
import { chooseContent } from "../../gateway/build/drafts.ts";
import { DONE, OK } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import { applyConditions } from "../../gateway/request/not-modified.ts";
import type { Request } from "../../gateway/request/request.ts";

interface EmptyGifSettings {
  /** Of this level alone. */
  emptyGif?: true;
}

/** GIF89a: one pixel, black and white, black transparent. */
const picture = Buffer.from(
  "47494638396101000100800100000000ffffff21f90401000001002c00000000010001000002024c01003b",
  "hex",
);

/** When the picture was last changed. */
const lastModifiedSeconds = 23_349_600;

export const emptyGif: HttpModule<object, object, EmptyGifSettings> = {
  name: "ngx_http_empty_gif_module",
  directives: [
    {
      name: "empty_gif",
      contexts: ["location"],
      args: "0",
      default: null,
      inherited: "own",
      doc: "Answers requests for this location with a transparent picture of one pixel.",
      set(scope, directive) {
        chooseContent(scope, directive);
        scope.location(emptyGif).emptyGif = true;
      },
    },
  ],
  location: { defaults: () => ({}) },
  attach(location, settings) {
    if (settings.emptyGif === true) location.content = answer;
  },
};

function answer(request: Request): Verdict {
  const { method, response } = request;
  if (method !== "GET" && method !== "HEAD") return 405;
  if (request.body.discard() !== 0) return 400;
  response.status = 200;
  response.contentType = "image/gif";
  response.lastModifiedSeconds = lastModifiedSeconds;
  const verdict = applyConditions(request);
  if (verdict !== OK) return verdict;
  if (response.status === 304) {
    response.prepareHead();
    response.end();
  } else response.sendWhole(picture);
  return DONE;
}
