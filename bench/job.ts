/** What the runner asks of the load generator and what it gets back, as JSON on argv and lines on stdout. */

export type LoadMode =
  | "echo"
  | "paced"
  | "broadcast"
  | "tunnels"
  | "requests"
  | "downloads"
  | "small-files"
  | "large-files"
  | "expressions"
  | "handshakes"
  | "resumed"
  | "idle"
  | "h2-requests"
  | "h2-downloads"
  | "h2-idle"
  | "h2-echo"
  | "h2-idle-tunnels";

export interface Job {
  readonly mode: LoadMode;
  readonly port: number;
  readonly tls: boolean;
  /** Connections in use at once. */
  readonly connections: number;
  /** Streams of HTTP/2 at once on each of them; 0: HTTP/1.1. */
  readonly streams: number;
  /** Payload bytes of a message. */
  readonly size: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  /** Mode "paced": messages per second over all tunnels. */
  readonly rate: number;
  /** Mode "broadcast": the backend's own port, for the connection that starts the rounds. */
  readonly controlPort: number;
}

/**
 * One line of the load generator: `ready` (waits for "go"), `done` (waits for "stop"), `failed` (gives up).
 */
export interface Report {
  readonly event: "ready" | "done" | "failed";
  /** Units of work that were done between "go" and `done`, all of them verified. */
  readonly units?: number;
  readonly seconds?: number;
  readonly reason?: string;
  /** Latencies in microseconds, mode "paced". */
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
  /** How late the generator itself sent, p99 in microseconds, mode "paced". */
  readonly lagP99?: number;
  /** Protocol and cipher that TLS agreed on. */
  readonly cipher?: string;
}

/** What the runner says on the load generator's standard input, one word a line. */
export type Command = "go" | "stop";
