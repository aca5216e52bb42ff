/**
 * ngx_http_v2_module: HTTP/2 to clients, agreed by ALPN on TLS and by its preface on plain connections. What tunes
 * nginx's own memory has no effect.
 * https://nginx.org/en/docs/http/ngx_http_v2_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import { http2OptionsOf } from "../../gateway/serve/http2-server.ts";
import type { Http2Settings } from "../../gateway/serve/http2-server.ts";
import { frameBytesDefault, windowLargest } from "../../http2/frame.ts";

interface Http2MainLevel {
  /** Checked, and of no effect, as the two below. */
  recvBufferBytes: number;
}

interface Http2ServerLevel extends Http2Settings {
  enabled: boolean;
  concurrentStreamsMax: number;
  bodyPrereadBytes: number;
  extendedConnect: boolean;
  poolBytes: number;
  streamsIndexSize: number;
}

interface Http2LocationLevel {
  chunkBytes: number;
}

const inServers: readonly Context[] = ["http", "server"];
const inLocations: readonly Context[] = ["http", "server", "location"];
const main = slots<Http2MainLevel>((scope) => scope.main(http2));
const server = slots<Http2ServerLevel>((scope) => scope.server(http2));
const location = slots<Http2LocationLevel>((scope) => scope.location(http2));
const setPreread = server.size("bodyPrereadBytes");
const setChunk = location.size("chunkBytes");
const setRecvBuffer = main.size("recvBufferBytes");
const setPool = server.size("poolBytes");
const setStreamsIndex = server.number("streamsIndexSize");

/** nginx keeps what it has not read yet in front of its buffer. */
const recvBufferBytesMin = 33;
/** What the first of nginx's pools must hold. */
const poolBytesMin = 112;
const poolBytesStep = 16;

function tellNoEffect(scope: Scope, { name }: Directive): void {
  scope.notice(`the "${name}" directive has no effect: the runtime sizes HTTP/2's buffers`);
}

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
  {
    name: "http2_recv_buffer_size",
    contexts: ["http"],
    args: "1",
    default: "256k",
    hasNoEffect: true,
    doc: "Checked, without effect: the runtime sizes HTTP/2's buffers.",
    set(scope, directive) {
      setRecvBuffer(scope, directive);
      const { recvBufferBytes = 0 } = scope.main(http2);
      if (recvBufferBytes < recvBufferBytesMin) return refuse(scope, directive, "value is too small");
      tellNoEffect(scope, directive);
    },
  },
  {
    name: "http2_pool_size",
    contexts: inServers,
    args: "1",
    default: "4k",
    hasNoEffect: true,
    doc: "Checked, without effect: the runtime sizes HTTP/2's buffers.",
    set(scope, directive) {
      setPool(scope, directive);
      const { poolBytes = 0 } = scope.server(http2);
      if (poolBytes < poolBytesMin) scope.fail(`the pool size must be no less than ${poolBytesMin}`);
      if (poolBytes % poolBytesStep > 0) scope.fail(`the pool size must be a multiple of ${poolBytesStep}`);
      tellNoEffect(scope, directive);
    },
  },
  {
    name: "http2_streams_index_size",
    contexts: inServers,
    args: "1",
    default: "32",
    hasNoEffect: true,
    doc: "Checked, without effect: the runtime sizes HTTP/2's tables.",
    set(scope, directive) {
      setStreamsIndex(scope, directive);
      const { streamsIndexSize = 0 } = scope.server(http2);
      if (!Number.isInteger(Math.log2(streamsIndexSize)))
        return refuse(scope, directive, "must be a power of two");
      tellNoEffect(scope, directive);
    },
  },
];

export const http2: HttpModule<Http2MainLevel, Http2ServerLevel, Http2LocationLevel> = {
  name: "ngx_http_v2_module",
  directives,
  variables: [
    { name: "http2", get: protocolOf },
    { name: "http3", get: () => "" },
  ],
  main: { defaults: () => ({ recvBufferBytes: 262_144 }) },
  server: {
    defaults: () => ({
      enabled: false,
      concurrentStreamsMax: 128,
      bodyPrereadBytes: 65_536,
      extendedConnect: false,
      poolBytes: 4096,
      streamsIndexSize: 32,
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
