/**
 * ngx_http_v2_module: HTTP/2 to clients, agreed by ALPN on TLS and by its preface on plain connections. What tunes
 * nginx's own memory has no effect.
 * https://nginx.org/en/docs/http/ngx_http_v2_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import { slots } from "../../config/slots.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import { http2OptionsOf } from "../../gateway/serve/http2-server.ts";
import type { Http2Settings } from "../../gateway/serve/http2-server.ts";
import { frameBytesDefault, windowLargest } from "../../http2/frame.ts";

interface Http2ServerLevel extends Http2Settings {
  enabled: boolean;
  concurrentStreamsMax: number;
  bodyPrereadBytes: number;
  extendedConnect: boolean;
}

interface Http2LocationLevel {
  chunkBytes: number;
}

const inServers: readonly Context[] = ["http", "server"];
const inLocations: readonly Context[] = ["http", "server", "location"];
const server = slots<Http2ServerLevel>((scope) => scope.server(http2));
const location = slots<Http2LocationLevel>((scope) => scope.location(http2));
const setPreread = server.size("bodyPrereadBytes");
const setChunk = location.size("chunkBytes");

const directives: readonly DirectiveSpec[] = [
  {
    name: "http2",
    contexts: inServers,
    args: "flag",
    default: "off",
    doc: "Speaks HTTP/2 with clients that ask for it by ALPN, or begin with its preface on plain connections.",
    set: server.flag("enabled"),
  },
  {
    name: "http2_max_concurrent_streams",
    contexts: inServers,
    args: "1",
    default: "128",
    doc: "Streams that a client may have open on a connection.",
    set: server.number("concurrentStreamsMax"),
  },
  {
    name: "http2_body_preread_size",
    contexts: inServers,
    args: "1",
    default: "64k",
    doc: "Bytes of a request's body that may come before somebody reads it.",
    set(scope, directive) {
      setPreread(scope, directive);
      const { bodyPrereadBytes = 0 } = scope.server(http2);
      if (bodyPrereadBytes > windowLargest)
        scope.fail(`the maximum body preread buffer size is ${windowLargest}`);
    },
  },
  {
    name: "http2_extended_connect",
    contexts: inServers,
    args: "flag",
    default: "off",
    doc: "Tells clients that they may open WebSockets over HTTP/2 (RFC 8441), where `accept_extended_connect` lets them. Browsers then open all of theirs so.",
    set: server.flag("extendedConnect"),
  },
  {
    name: "http2_chunk_size",
    contexts: inLocations,
    args: "1",
    default: "8k",
    doc: "Bytes of a frame of an answer's body, 16k at most: larger ones let the answers beside it wait longer.",
    set(scope, directive) {
      setChunk(scope, directive);
      const settings = scope.location(http2);
      if (settings.chunkBytes === 0) scope.fail("the http2 chunk size cannot be zero");
      settings.chunkBytes = Math.min(settings.chunkBytes ?? 0, frameBytesDefault);
    },
  },
];

export const http2: HttpModule<object, Http2ServerLevel, Http2LocationLevel> = {
  name: "ngx_http_v2_module",
  directives,
  variables: [
    { name: "http2", get: protocolOf },
    { name: "http3", get: () => "" },
  ],
  server: {
    defaults: () => ({
      enabled: false,
      concurrentStreamsMax: 128,
      bodyPrereadBytes: 65_536,
      extendedConnect: false,
    }),
  },
  location: { defaults: () => ({ chunkBytes: 8192 }) },
  attachServer(virtualServer, settings) {
    virtualServer.http2.enabled = settings.enabled;
    virtualServer.http2.options = http2OptionsOf(virtualServer.core, settings);
  },
  attach(virtualLocation, { chunkBytes }) {
    virtualLocation.http2ChunkBytes = chunkBytes;
  },
};

/** "h2" over TLS, "h2c" without; "" for other versions. */
function protocolOf({ head, secure }: Request): string {
  if (head.versionMajor !== 2) return "";
  return secure ? "h2" : "h2c";
}
