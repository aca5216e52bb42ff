/**
 * What the record of a WebSocket that has ended tells: Longhaul's own. For what is no WebSocket the variables are empty.
 */
import type { VariableSpec } from "../../config/variables.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { formatSeconds } from "../../gateway/log/log-time.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { WebSocketFacts } from "../../gateway/request/websocket-facts.ts";

/** In the names of the variables, behind `websocket_`. */
const facts: Readonly<Record<string, (facts: WebSocketFacts) => string>> = {
  closed_by: ({ closedBy }) => closedBy ?? "",
  close_code: ({ closeCode }) => String(closeCode),
  close_reason: ({ closeReason }) => printableBytes(closeReason),
  close_cause: ({ closeCause }) => printableBytes(closeCause),
  duration: ({ durationMs }) => formatSeconds(durationMs),
  messages_received: ({ messagesReceived }) => String(messagesReceived),
  messages_sent: ({ messagesSent }) => String(messagesSent),
  bytes_received: ({ bytesReceived }) => String(bytesReceived),
  bytes_sent: ({ bytesSent }) => String(bytesSent),
  idle: ({ idleMs }) => formatSeconds(idleMs),
  ping_rtt: ({ pingRttMs }) => (pingRttMs === null ? "" : String(Math.round(pingRttMs))),
  upstream_moves: ({ upstreamMoves }) => String(upstreamMoves),
};

export const websocketVariables: HttpModule = {
  name: "longhaul_websocket_variables",
  directives: [],
  variables: Object.entries(facts).map(([name, read]): VariableSpec<Request> => ({
    name: `websocket_${name}`,
    volatile: true,
    get: ({ websocket }) => (websocket === null ? null : read(websocket)),
  })),
};

/** A value is a string of bytes; control characters would be told by their numbers. */
function printableBytes(text: string): string {
  return Buffer.from(text.replace(/\p{Cc}/gu, "?"), "utf8").toString("latin1");
}
