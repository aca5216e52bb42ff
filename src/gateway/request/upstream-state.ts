/** An `UpstreamState` as data. */
export type PackedState = [
  address: string,
  scheme: string,
  uri: string,
  startMs: number,
  status: number,
  connectMs: number,
  headerMs: number,
  responseMs: number,
  bytesReceived: number,
  bytesSent: number,
  bodyBytes: number,
  finished: boolean,
];

/** What one try of an upstream server came to: the source of the `$upstream_*` variables. */
export class UpstreamState {
  /** `$upstream_addr`: "127.0.0.1:9000", "unix:/path", or the upstream's name when no server was live. */
  address: string;
  readonly scheme: string;
  readonly uri: string;
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

/** A state as data: what a tunnel keeps of its request, for its line in the access log. */
export function packState(state: UpstreamState): PackedState {
  return [
    state.address,
    state.scheme,
    state.uri,
    toMicroseconds(state.startMs),
    state.status,
    toMicroseconds(state.connectMs),
    toMicroseconds(state.headerMs),
    toMicroseconds(state.responseMs),
    state.bytesReceived,
    state.bytesSent,
    state.bodyBytes,
    state.finished,
  ];
}

/** Cuts what no log tells: fewer digits to keep. */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** The state that was packed, its times cut to microseconds. */
export function unpackState(packed: PackedState): UpstreamState {
  const [address, scheme, uri, startMs, status, connectMs, headerMs, responseMs, ...rest] = packed;
  const state = new UpstreamState(address, scheme, uri, startMs);
  state.status = status;
  state.connectMs = connectMs;
  state.headerMs = headerMs;
  state.responseMs = responseMs;
  [state.bytesReceived, state.bytesSent, state.bodyBytes, state.finished] = rest;
  return state;
}
