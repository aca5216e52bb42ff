/**
 * ngx_http_v2_module: its directives are accepted, so that files that use them start. HTTP/2 is not
 * offered by ALPN yet, and clients use HTTP/1.1 then: the variables that tell of newer versions are empty.
 * https://nginx.org/en/docs/http/ngx_http_v2_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";

interface Http2Server {
  enabled: boolean;
  concurrentStreamsMax: number;
}

const inServers: readonly Context[] = ["http", "server"];
const server = slots<Http2Server>((scope) => scope.server(http2));
const setEnabled = server.flag("enabled");

const directives: readonly DirectiveSpec[] = [
  {
    name: "http2",
    contexts: inServers,
    args: "flag",
    default: "off",
    hasNoEffect: true,
    doc: "Accepted with a warning: clients are offered HTTP/1.1 only.",
    set(scope, directive) {
      setEnabled(scope, directive);
      if (scope.server(http2).enabled === true) warn(scope);
    },
  },
  {
    name: "http2_max_concurrent_streams",
    contexts: inServers,
    args: "1",
    default: "128",
    hasNoEffect: true,
    doc: "Checked; has no effect while HTTP/2 is not spoken.",
    set: server.number("concurrentStreamsMax"),
  },
];

export const http2: HttpModule<object, Http2Server> = {
  name: "ngx_http_v2_module",
  directives,
  variables: [
    { name: "http2", get: () => "" },
    { name: "http3", get: () => "" },
  ],
  server: { defaults: () => ({ enabled: false, concurrentStreamsMax: 128 }) },
};

function warn(scope: Scope): void {
  scope.warn('"http2 on" has no effect: longhaul does not speak HTTP/2 yet, clients fall back to HTTP/1.1');
}
