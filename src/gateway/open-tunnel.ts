import type { Connection } from "../net/connection.ts";
import { Tunnel } from "./tunnel.ts";
import type { Exchange } from "./upstream/exchange.ts";
import { WebSocketTunnel } from "./websocket-tunnel.ts";

/**
 * Joins client and upstream after "101 Switching Protocols". `early` is what the upstream server sent
 * behind its head.
 */
export function openTunnel(exchange: Exchange, upstream: Connection, early: Buffer | null): void {
  const { request } = exchange;
  const isWebSocket = request.upstreamHead?.fields.get("upgrade")?.toLowerCase() === "websocket";
  request.keepAlive = false;
  request.response.upgraded = true;
  request.response.prepareHead();
  request.response.flush();
  const drain = request.location.core.websocketDrain;
  const tunnel =
    isWebSocket && drain !== null ? new WebSocketTunnel(exchange, upstream) : new Tunnel(exchange, upstream);
  tunnel.open(request.connection, early);
}
