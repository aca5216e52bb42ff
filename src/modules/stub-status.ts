/**
 * ngx_http_stub_status_module: the numbers of connections and requests.
 * https://nginx.org/en/docs/http/ngx_http_stub_status_module.html
 */
import type { HttpModule, Verdict } from "../gateway/http-module.ts";
import { DONE } from "../gateway/http-module.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Request } from "../gateway/request.ts";

interface StubStatusSettings {
  stubStatus: boolean;
}

export const stubStatus: HttpModule<object, object, StubStatusSettings> = {
  name: "ngx_http_stub_status_module",
  directives: [
    {
      name: "stub_status",
      contexts: ["server", "location"],
      args: "0,1",
      default: null,
      doc: "Answers requests for this location with the numbers of connections and requests.",
      set(scope) {
        scope.location(stubStatus).stubStatus = true;
      },
    },
  ],
  location: {
    defaults: () => ({ stubStatus: false }),
    // The handler belongs to the level that names it alone.
    inherit(child) {
      child.stubStatus ??= false;
    },
  },
  variables: [
    { name: "connections_active", volatile: true, get: (request) => String(countsOf(request).active) },
    { name: "connections_reading", volatile: true, get: (request) => String(countsOf(request).reading) },
    { name: "connections_writing", volatile: true, get: (request) => String(countsOf(request).writing) },
    { name: "connections_waiting", volatile: true, get: (request) => String(countsOf(request).waiting) },
  ],
  attach(location, settings) {
    if (settings.stubStatus) location.content = answer;
  },
};

function answer(request: Request): Verdict {
  const { method, response, connection } = request;
  if (method !== "GET" && method !== "HEAD") return 405;
  const { active, reading, writing, waiting } = countsOf(request);
  const { acceptedTotal, requestsTotal } = connection.gateway;
  const text = [
    `Active connections: ${active} `,
    "server accepts handled requests",
    ` ${acceptedTotal} ${acceptedTotal} ${requestsTotal} `,
    `Reading: ${reading} Writing: ${writing} Waiting: ${waiting} `,
    "",
  ].join("\n");
  request.body.discard();
  response.status = request.errorStatus === 0 ? 200 : request.errorStatus;
  response.contentType = "text/plain";
  response.sendWhole(Buffer.from(text, "latin1"));
  return DONE;
}

interface Counts {
  readonly active: number;
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

/** Counted when asked for: that is rare, and costs the connections nothing. */
function countsOf({ connection }: Request): Counts {
  const { connections }: Gateway = connection.gateway;
  let writing = 0;
  let waiting = 0;
  for (const one of connections) {
    if (one.serving) writing += 1;
    else if (one.idle) waiting += 1;
  }
  const active = connections.size;
  return { active, reading: active - writing - waiting, writing, waiting };
}
