/**
 * ngx_http_stub_status_module: the numbers of connections and requests.
 * https://nginx.org/en/docs/http/ngx_http_stub_status_module.html
 */
import { chooseContent } from "../../gateway/build/drafts.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { Counts } from "../../gateway/zones/counters.ts";
import type { Request } from "../../gateway/request/request.ts";

interface StubStatusSettings {
  /** Of this level alone. */
  stubStatus?: true;
}

export const stubStatus: HttpModule<object, object, StubStatusSettings> = {
  name: "ngx_http_stub_status_module",
  directives: [
    {
      name: "stub_status",
      contexts: ["server", "location"],
      args: "0,1",
      default: null,
      inherited: "own",
      doc: "Answers requests for this location with the numbers of connections and requests.",
      set(scope, directive) {
        chooseContent(scope, directive);
        scope.location(stubStatus).stubStatus = true;
      },
    },
  ],
  location: { defaults: () => ({}) },
  variables: [
    { name: "connections_active", volatile: true, get: (request) => String(countsOf(request).active) },
    { name: "connections_reading", volatile: true, get: (request) => String(countsOf(request).reading) },
    { name: "connections_writing", volatile: true, get: (request) => String(countsOf(request).writing) },
    { name: "connections_waiting", volatile: true, get: (request) => String(countsOf(request).waiting) },
  ],
  attach(location, settings) {
    if (settings.stubStatus === true) location.content = answer;
  },
};

function answer(request: Request): Verdict | Promise<Verdict> {
  const { method, client } = request;
  if (method !== "GET" && method !== "HEAD") return 405;
  const { gatherCounts } = client.gateway;
  return gatherCounts === null ? tell(request) : gatherCounts().then(() => tell(request));
}

function tell(request: Request): Verdict {
  const { response } = request;
  const { accepted, requests, active, reading, writing, waiting } = countsOf(request);
  const text = [
    `Active connections: ${active} `,
    "server accepts handled requests",
    ` ${accepted} ${accepted} ${requests} `,
    `Reading: ${reading} Writing: ${writing} Waiting: ${waiting} `,
    "",
  ].join("\n");
  if (request.body.discard() !== 0) return 400;
  response.status = request.errorStatus === 0 ? 200 : request.errorStatus;
  response.contentType = "text/plain";
  response.sendWhole(Buffer.from(text, "latin1"));
  return DONE;
}

/** The variables tell what other threads' connections did when they were last asked. */
function countsOf({ client }: Request): Counts {
  const { gateway } = client;
  gateway.publishCounts();
  return gateway.counters.sum();
}
