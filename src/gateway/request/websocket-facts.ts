/** Whose doing the end of a WebSocket was. */
export type WebSocketCloser = "client" | "upstream" | "gateway";

/**
 * What is known of a WebSocket: the record that log lines and variables read when it has ended, and everything else
 * while it lives. "Received" is from the client.
 */
export interface WebSocketFacts {
  /** Who sent the first close frame or was gone first, or the gateway where it decided; null while it lives. */
  readonly closedBy: WebSocketCloser | null;
  /** Of the first close frame: 1005 when it had none, 1006 where no frame came; 0 while it lives. */
  readonly closeCode: number;
  /** As it came: it may hold any character. */
  readonly closeReason: string;
  /** The directive with value and place, the operation, or the failure; "" where the two ends did it. */
  readonly closeCause: string;
  readonly durationMs: number;
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Payload bytes of messages. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Since the last message, either way. */
  readonly idleMs: number;
  /** Of the gateway's last ping to the client that was answered; null where none was. */
  readonly pingRttMs: number | null;
  readonly upstreamMoves: number;
}

/** `, websocket: closed by gateway, code: 1001, reason: "…", cause: "…"`: what the error log adds to nginx's line. */
export function describeWebSocket({ closedBy, closeCode, closeReason, closeCause }: WebSocketFacts): string {
  const reason = closeReason === "" ? "" : `, reason: "${printable(closeReason)}"`;
  const cause = closeCause === "" ? "" : `, cause: "${closeCause}"`;
  return `, websocket: closed by ${closedBy}, code: ${closeCode}${reason}${cause}`;
}

/** Text of a peer's, safe to stand in a line. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Z}"\\]/gu, (char) => (char === " " ? " " : "?"));
}
