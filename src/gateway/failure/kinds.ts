import { NextUpstream } from "./next-upstream.ts";

/** Who is to blame: the client, the server behind, or the gateway itself with its configuration and limits. */
export type FailureSource = "client" | "upstream" | "gateway";

/** All that follows from the kind of a failure. */
export interface FailureFacts {
  readonly source: FailureSource;
  /** Level of the log line. */
  readonly level: "alert" | "crit" | "error" | "warn" | "info";
  /** The same where a tunnel ends by it: nginx says it at "info", where nobody looks for why a WebSocket was cut. */
  readonly tunnelLevel?: "warn";
  /** nginx's words; `%` stands for the failure's cause. "" where somebody else has logged it already. */
  readonly words: string;
  /** What the client is answered, unless its answer has begun; 499 is no answer. 0: as the cause says. */
  readonly status: number;
  /** The condition of `proxy_next_upstream` under which another server is asked; 0: none is. */
  readonly retry: number;
  /** Name of the kind in metrics. */
  readonly label: string;
  /** Code of the Close frame for the other side of a WebSocket that ends so (RFC 6455, section 7.4). */
  readonly closeCode: number;
  /** The directives that set the limit, without the protocol's prefix: `read_timeout` of `proxy_read_timeout`. */
  readonly setting?: string;
  /** For docs/failures.md: what has happened. */
  readonly meaning: string;
  /** For docs/failures.md: what to do about it. */
  readonly cure: string;
}

const timedOut = "upstream timed out (110: Connection timed out)";

/** Everything that can go wrong between a client and a server behind. docs/failures.md is made from it. */
export const failureKinds = {
  connectFailed: {
    source: "upstream",
    level: "error",
    words: "connect() failed %",
    status: 502,
    retry: NextUpstream.error,
    label: "connect_failed",
    closeCode: 1014,
    meaning: "The server does not accept connections: nobody listens there, or there is no way to it.",
    cure: "Start the server, or correct its address in `upstream` or `proxy_pass`.",
  },
  handshakeFailed: {
    source: "upstream",
    level: "error",
    words: "%",
    status: 502,
    retry: NextUpstream.error,
    label: "handshake_failed",
    closeCode: 1014,
    meaning: "The TLS handshake with the server failed, or its certificate is not trusted.",
    cure: "The line says why. Look at `proxy_ssl_trusted_certificate`, `proxy_ssl_name`, `proxy_ssl_server_name` and `proxy_ssl_protocols`.",
  },
  connectTimedOut: {
    source: "upstream",
    level: "error",
    words: timedOut,
    status: 504,
    retry: NextUpstream.timeout,
    label: "connect_timeout",
    closeCode: 1014,
    setting: "connect_timeout",
    meaning: "The connection, or its TLS handshake, was not there in time.",
    cure: "A firewall drops what goes there, or the server is overloaded. `proxy_connect_timeout` sets the time.",
  },
  sendTimedOut: {
    source: "upstream",
    level: "error",
    tunnelLevel: "warn",
    words: timedOut,
    status: 504,
    retry: NextUpstream.timeout,
    label: "send_timeout",
    closeCode: 1001,
    setting: "send_timeout",
    meaning: "The server took nothing of what was sent to it for too long.",
    cure: "The server is stuck, or reads slowly. `proxy_send_timeout` sets the time.",
  },
  readTimedOut: {
    source: "upstream",
    level: "error",
    tunnelLevel: "warn",
    words: timedOut,
    status: 504,
    retry: NextUpstream.timeout,
    label: "read_timeout",
    closeCode: 1001,
    setting: "read_timeout",
    meaning: "The server said nothing for too long. A WebSocket is cut so when both sides are silent.",
    cure: "Raise `proxy_read_timeout`, or have the application send a heartbeat more often than that.",
  },
  upstreamReset: {
    source: "upstream",
    level: "error",
    words: "recv() failed %",
    status: 502,
    retry: NextUpstream.error,
    label: "upstream_reset",
    closeCode: 1014,
    meaning: "The connection to the server broke.",
    cure: "Look into the server's log: it crashed, was killed, or closes connections that have data under way.",
  },
  upstreamClosed: {
    source: "upstream",
    level: "error",
    words: "upstream prematurely closed connection",
    status: 502,
    retry: NextUpstream.error,
    label: "upstream_closed",
    closeCode: 1014,
    meaning: "The server closed the connection before its answer was whole.",
    cure: "Look into the server's log. Where it closes idle connections, its time for that must be longer than `keepalive_timeout` in `upstream`.",
  },
  invalidHead: {
    source: "upstream",
    level: "error",
    words: "%",
    status: 502,
    retry: NextUpstream.invalidHeader,
    label: "invalid_head",
    closeCode: 1014,
    meaning:
      "What the server sent is no head of an HTTP answer, one that is too big, or one that was not asked for.",
    cure: "The line says what is wrong. A head that is too big needs a larger `proxy_buffer_size`; TLS where none is expected needs `https://` in `proxy_pass`.",
  },
  streamReset: {
    source: "upstream",
    level: "error",
    words: "upstream rejected request with error %",
    status: 502,
    retry: NextUpstream.invalidHeader,
    label: "stream_reset",
    closeCode: 1014,
    meaning: "The server reset the request's HTTP/2 stream before its answer was whole.",
    cure: "The number is the code of RFC 9113, section 7. Look into the server's log.",
  },
  notProcessed: {
    source: "upstream",
    level: "error",
    words: "%",
    status: 502,
    retry: NextUpstream.error,
    label: "not_processed",
    closeCode: 1014,
    meaning:
      "The server said of a request that it did not look at it, by GOAWAY or REFUSED_STREAM. Another server is asked, whatever the method.",
    cure: "A server that restarts says so. One that has too much to do needs company, or a higher limit for streams.",
  },
  sessionBroken: {
    source: "upstream",
    level: "error",
    words: "%",
    status: 502,
    retry: NextUpstream.invalidHeader,
    label: "session_broken",
    closeCode: 1014,
    meaning:
      "The server broke a rule of HTTP/2 that holds for the whole connection, or does not speak HTTP/2 at all. All requests on the connection end so.",
    cure: "The line says which rule. A server that speaks HTTP/1.1 only needs `proxy_http_version 1.1`.",
  },
  invalidBody: {
    source: "upstream",
    level: "error",
    words: "upstream sent invalid chunked response",
    status: 502,
    retry: 0,
    label: "invalid_body",
    closeCode: 1014,
    meaning: "The server's answer is not framed as it says.",
    cure: "The server, or something between, breaks chunked answers. Try `proxy_http_version 1.0`.",
  },
  refusingStatus: {
    source: "upstream",
    level: "error",
    words: "",
    status: 0,
    retry: 0,
    label: "status",
    closeCode: 1014,
    meaning: "The server answered with a status that `proxy_next_upstream` has another server asked for.",
    cure: "Look into the server's log.",
  },
  noLiveUpstreams: {
    source: "upstream",
    level: "error",
    words: "no live upstreams",
    status: 502,
    retry: 0,
    label: "no_live_upstreams",
    closeCode: 1014,
    meaning:
      "Each server of the upstream is down, has failed too often lately, or has `max_conns` connections.",
    cure: "Lines before this one say how the servers failed. `max_fails`, `fail_timeout` and `max_conns` set the limits.",
  },
  connectionLimit: {
    source: "gateway",
    level: "alert",
    words: "%",
    status: 500,
    retry: 0,
    label: "connection_limit",
    closeCode: 1013,
    meaning: "A connection to the server would be one more than the gateway may have.",
    cure: "Raise `worker_connections` (a proxied client needs two) or the process's limit of open files.",
  },
  bindFailed: {
    source: "gateway",
    level: "crit",
    words: "%",
    status: 500,
    retry: 0,
    label: "bind_failed",
    closeCode: 1011,
    meaning: "`proxy_bind` names an address that this machine does not have.",
    cure: "Correct the address.",
  },
  clientClosed: {
    source: "client",
    level: "info",
    words:
      "epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too",
    status: 499,
    retry: 0,
    label: "client_closed",
    closeCode: 1001,
    meaning: "The client left before it had its answer.",
    cure: "Nothing, mostly. `proxy_ignore_client_abort` lets the server finish its work.",
  },
  clientStalled: {
    source: "client",
    level: "info",
    tunnelLevel: "warn",
    words: "client timed out (110: Connection timed out)",
    status: 408,
    retry: 0,
    label: "client_timeout",
    closeCode: 1001,
    setting: "send_timeout",
    meaning: "The client took nothing of what was sent to it for too long.",
    cure: "The client is stuck, or its line is. `send_timeout` sets the time.",
  },
  clientBodyFailed: {
    source: "client",
    level: "info",
    words: "",
    status: 0,
    retry: 0,
    label: "client_body",
    closeCode: 1001,
    meaning: "The request's body did not come in time, is broken, too large, or could not be stored.",
    cure: "The line before this one says which. `client_max_body_size` and `client_body_timeout` set the limits.",
  },
  clientReset: {
    source: "client",
    level: "info",
    words: "recv() failed %",
    status: 499,
    retry: 0,
    label: "client_reset",
    closeCode: 1001,
    meaning: "The connection to the client broke, in the middle of a tunnel.",
    cure: "Nothing, mostly: the client lost its network or was killed.",
  },
  clientEnded: {
    source: "client",
    level: "info",
    words: "client closed connection",
    status: 499,
    retry: 0,
    label: "client_ended",
    closeCode: 1001,
    meaning: "A tunnel ended because the client closed its connection.",
    cure: "Nothing: tunnels end so.",
  },
  upstreamEnded: {
    source: "upstream",
    level: "info",
    words: "upstream closed connection",
    status: 502,
    retry: 0,
    label: "upstream_ended",
    closeCode: 1014,
    meaning: "A tunnel ended because the server closed its connection.",
    cure: "Nothing: tunnels end so. Where it was too early, look into the server's log.",
  },
  gatewayLeaves: {
    source: "gateway",
    level: "info",
    words: "%",
    status: 503,
    retry: 0,
    label: "gateway_leaves",
    closeCode: 1001,
    meaning: "The gateway stops, or a reload has removed what a tunnel came through or led to.",
    cure: "`websocket_drain` says how WebSockets are told, and how fast.",
  },
} as const satisfies Readonly<Record<string, FailureFacts>>;

/** A kind of failure, by its name in the table. */
export type FailureKind = keyof typeof failureKinds;
