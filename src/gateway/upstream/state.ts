/** What one try of an upstream server came to: the source of the `$upstream_*` variables. */
export interface UpstreamState {
  /** `$upstream_addr`: "127.0.0.1:9000", "unix:/path", or the upstream's name when no server was live. */
  address: string;
  /** For the error log: "http://127.0.0.1:9000/path". */
  url: string;
  /** `$upstream_status`; 0 while there is none. */
  status: number;
  startMs: number;
  /** Milliseconds from the start of the try; -1 while unknown. */
  connectMs: number;
  headerMs: number;
  responseMs: number;
  bytesReceived: number;
  bytesSent: number;
  bodyBytes: number;
  /** The try is over: it is not named in log lines any more. */
  finished: boolean;
}
