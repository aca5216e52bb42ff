/** What one try of an upstream server came to: the source of the `$upstream_*` variables. */
export class UpstreamState {
  /** `$upstream_addr`: "127.0.0.1:9000", "unix:/path", or the upstream's name when no server was live. */
  address: string;
  private readonly scheme: string;
  private readonly uri: string;
  /** `$upstream_status`; 0 while there is none. */
  status = 0;
  readonly startMs: number;
  /** Milliseconds from the start of the try; -1 while unknown. */
  connectMs = -1;
  headerMs = -1;
  responseMs = -1;
  bytesReceived = 0;
  bytesSent = 0;
  bodyBytes = 0;
  /** The try is over: it is not named in log lines any more. */
  finished = false;

  constructor(address: string, scheme: string, uri: string, startMs: number) {
    this.address = address;
    this.scheme = scheme;
    this.uri = uri;
    this.startMs = startMs;
  }

  /** For the error log: "http://127.0.0.1:9000/path". */
  get url(): string {
    const separator = this.address.startsWith("unix:") ? ":" : "";
    return `${this.scheme}${this.address}${separator}${this.uri}`;
  }
}
