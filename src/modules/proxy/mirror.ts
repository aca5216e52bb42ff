/**
 * ngx_http_mirror_module: sends copies of requests elsewhere, whose answers nobody waits for.
 * https://nginx.org/en/docs/http/ngx_http_mirror_module.html
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { DECLINED } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { startSubrequest } from "../../gateway/request/subrequest.ts";
import { Payload } from "../../gateway/upstream/payload.ts";

interface MirrorSettings {
  /** Empty for `off`. */
  uris: readonly string[];
  requestBody: boolean;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<MirrorSettings>((scope) => scope.location(mirror));

export const mirror: HttpModule<object, object, MirrorSettings> = {
  name: "ngx_http_mirror_module",
  directives: [
    {
      name: "mirror",
      contexts,
      args: "1",
      default: "off",
      doc: "A URI that gets a copy of each request; its answer is not waited for.",
      set: addUri,
    },
    {
      name: "mirror_request_body",
      contexts,
      args: "flag",
      default: "on",
      doc: "Whether copies carry the body, which is then read first.",
      set: slot.flag("requestBody"),
    },
  ],
  location: { defaults: () => ({ uris: [], requestBody: true }) },
  attach(location, settings) {
    if (settings.uris.length > 0) location.precontent.push((request) => copy(request, settings));
  },
};

function addUri(scope: Scope, directive: Directive): void {
  const settings = scope.location(mirror);
  const uri = directive.args[0]!;
  const off = settings.uris?.length === 0;
  if (off || (uri === "off" && settings.uris !== undefined)) refuse(scope, directive, "is duplicate");
  settings.uris = uri === "off" ? [] : [...(settings.uris ?? []), uri];
}

function copy(request: Request, { uris, requestBody }: MirrorSettings): Verdict | Promise<Verdict> {
  if (request.parent !== null) return DECLINED;
  if (!requestBody || request.body.contentLength === 0) {
    start(request, uris, false);
    return DECLINED;
  }
  return new Promise((resolve) => {
    const payload = new Payload(request, true, {
      onPayloadReady() {
        // What was read stays with the body, for whoever reads it next.
        payload.close();
        start(request, uris, true);
        resolve(DECLINED);
      },
      onPayloadFailed(status) {
        payload.close();
        resolve(status);
      },
      crash: (error) => request.response.crash(error),
    });
    payload.start();
  });
}

function start(request: Request, uris: readonly string[], withBody: boolean): void {
  const { method, givenArgs: args } = request;
  for (const uri of uris) startSubrequest(request, { uri, args, method, withBody, onEnd: () => undefined });
}
