import type { RebalancePolicy } from "../balance/rebalancer.ts";
import type { LogHandler } from "../request/handler.ts";
import type { Request } from "../request/request.ts";

/** What the directives of the module that passes requests on say of a tunnel, in milliseconds. */
export interface TunnelTimes {
  readonly readTimeoutMs: number;
  readonly sendTimeoutMs: number;
}

/** The sides of a tunnel that something is about. */
export interface Sides {
  readonly client: boolean;
  readonly upstream: boolean;
}

/** `websocket_ping`. */
export interface WebSocketPing {
  readonly intervalMs: number;
  /** How long a side that was asked may stay silent. */
  readonly timeoutMs: number;
  /** Each interval is shorter by a random part of so much. */
  readonly jitterMs: number;
  readonly to: Sides;
}

/** `websocket_max_age`. */
export interface WebSocketAge {
  readonly ms: number;
  /** A random part of so much is added. */
  readonly jitterMs: number;
  readonly code: number;
}

/** `websocket_max_message_size`. */
export interface MessageSize {
  /** Payload bytes. */
  readonly bytes: number;
  readonly from: Sides;
}

/** An account that the frames of one side are charged to. */
export interface FrameLimit {
  /**
   * Charges a frame. @returns milliseconds to wait before it may go on; 0 for none. What had to wait is not charged
   * again.
   */
  take(messages: number, bytes: number): number;
}

/** A directive that limits how fast frames go, for all tunnels of a location. */
export interface FrameLimitSpec {
  /** Its name, which causes are told by. */
  readonly directive: string;
  readonly from: Sides;
  /** Too much is held back; else it ends the WebSocket. */
  readonly delays: boolean;
  /**
   * The account of one side of a tunnel. `request` is null for a tunnel that gets it by a reload: null is returned where
   * the account cannot be found then.
   */
  open(request: Request | null, clock: { now(): number }): FrameLimit | null;
}

/** `websocket_failover`. */
export interface FailoverPolicy {
  /** A server that is lost starts one. */
  readonly onLoss: boolean;
  /** A server that a reload removes, or that is drained, starts one. */
  readonly onDrain: boolean;
  /** So do close frames of servers with these codes. */
  readonly onCodes: ReadonlySet<number>;
  /** Servers that are asked, at most. */
  readonly tries: number;
  /** How long each of them may take. */
  readonly timeoutMs: number;
  /** Bytes of a client that are kept: of the message under way, and of what comes while there is no server. */
  readonly bufferBytes: number;
}

/** What the `websocket_*` directives of a location say about its tunnels. */
export interface WebSocketPolicy {
  /** `websocket_close`: where the gateway ends a WebSocket it says so by a close frame. */
  readonly closes: boolean;
  /** `websocket_check`. */
  readonly checks: boolean;
  readonly ping: WebSocketPing | null;
  /** `websocket_idle_timeout`; 0 for none. */
  readonly idleMs: number;
  readonly maxAge: WebSocketAge | null;
  readonly maxMessageSize: MessageSize | null;
  readonly limits: readonly FrameLimitSpec[];
  /** Null: a WebSocket ends with its server. */
  readonly failover: FailoverPolicy | null;
  /** Null: a WebSocket stays with its server, whatever others there are. */
  readonly rebalance: RebalancePolicy | null;
  /** `websocket_log`. */
  readonly logs: readonly LogHandler[];
}

/** What holds where nothing is said. */
export const plainWebSockets: WebSocketPolicy = {
  closes: true,
  checks: false,
  ping: null,
  idleMs: 0,
  maxAge: null,
  maxMessageSize: null,
  limits: [],
  failover: null,
  rebalance: null,
  logs: [],
};

/** Something has to know the frames before they go on: what breaks the rules is ended then. */
export function governs(policy: WebSocketPolicy): boolean {
  return (
    policy.checks ||
    policy.ping !== null ||
    policy.idleMs > 0 ||
    policy.maxAge !== null ||
    policy.maxMessageSize !== null ||
    policy.failover !== null ||
    policy.rebalance !== null ||
    policy.limits.length > 0
  );
}
