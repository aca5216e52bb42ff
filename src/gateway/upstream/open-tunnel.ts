import type { Connection } from "../../net/connection.ts";
import type { Tunnel, TunnelParts } from "../tunnel/tunnel.ts";
import { TunnelRecord } from "../tunnel/tunnel-record.ts";
import { TwoWayTunnel } from "../tunnel/two-way-tunnel.ts";
import { WebSocketTunnel } from "../tunnel/websocket-tunnel.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Joins client and upstream after "101 Switching Protocols". `early` is what the upstream server sent
 * behind its head.
 */
export function openTunnel(exchange: Exchange, upstream: Connection, early: Buffer | null): void {
  const { request, plan } = exchange;
  const isWebSocket = request.upstreamHead?.fields.get("upgrade")?.toLowerCase() === "websocket";
  request.keepAlive = false;
  request.response.upgraded = true;
  request.response.prepareHead();
  request.response.flush();
  const { core } = request.location;
  const { readTimeoutMs, sendTimeoutMs } = plan.settings;
  const lease = exchange.handOver();
  const parts: TunnelParts = {
    client: request.writer.connect(),
    upstream,
    lease,
    record: new TunnelRecord(request),
    policy: { idleMs: readTimeoutMs, clientSendMs: core.sendTimeoutMs, upstreamSendMs: sendTimeoutMs },
  };
  tunnelOf(isWebSocket, parts).open(request.writer, early);
}

/** What a tunnel does depends on its protocol, not on directives. */
function tunnelOf(isWebSocket: boolean, parts: TunnelParts): Tunnel {
  return isWebSocket ? new WebSocketTunnel(parts) : new TwoWayTunnel(parts);
}
