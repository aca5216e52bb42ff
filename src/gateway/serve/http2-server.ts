import { windowLargest } from "../../http2/frame.ts";
import { http2Options } from "../../http2/options.ts";
import type { Http2Options } from "../../http2/options.ts";
import type { ServerSettings } from "./settings.ts";

/** What a server says of HTTP/2; filled when the configuration is compiled. */
export interface Http2ServerState {
  /** `http2 on`: offered by ALPN to those who name this server, and taken on plain connections. */
  enabled: boolean;
  /** What sessions are set up with that begin with this server. */
  options: Http2Options;
}

/** What the directives of ngx_http_v2_module say of a server. */
export interface Http2Settings {
  /** http2_max_concurrent_streams. */
  readonly concurrentStreamsMax: number;
  /** http2_body_preread_size, bytes. */
  readonly bodyPrereadBytes: number;
  /** http2_extended_connect. */
  readonly extendedConnect: boolean;
}

/** The connection's window, bytes, where its streams' are small: some bodies that are being read, each with a window of its own. */
const togetherBytesMin = 8 * 1024 * 1024;

/**
 * What a server's sessions are set up with. The connection's window is as large as all streams' together, so that one
 * whose body nobody reads does not hold back the others.
 */
export function http2OptionsOf(core: ServerSettings, settings: Http2Settings): Http2Options {
  const { count, size } = core.largeClientHeaderBuffers;
  const { concurrentStreamsMax, bodyPrereadBytes, extendedConnect } = settings;
  const together = concurrentStreamsMax * bodyPrereadBytes;
  return {
    ...http2Options,
    maxConcurrentStreams: concurrentStreamsMax,
    initialWindowSize: bodyPrereadBytes,
    connectionWindowSize: Math.min(windowLargest, Math.max(togetherBytesMin, together)),
    requestHead: {
      headBytesMax: count * size,
      fieldBytesMax: size,
      fieldsMax: core.headersMax,
      ignoreInvalidHeaders: core.ignoreInvalidHeaders,
      underscoresInHeaders: core.underscoresInHeaders,
      mergeSlashes: core.mergeSlashes,
      extendedConnect,
    },
  };
}
