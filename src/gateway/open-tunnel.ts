import type { Connection } from "../net/connection.ts";
import { Tunnel } from "./tunnel.ts";
import { TwoWayTunnel } from "./two-way-tunnel.ts";
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
  tunnelFor(isWebSocket, exchange, upstream).open(request.writer, early);
}

function tunnelFor(isWebSocket: boolean, exchange: Exchange, upstream: Connection): Tunnel {
  if (!isWebSocket) return new TwoWayTunnel(exchange, upstream);
  const { websocketDrain } = exchange.request.location.core;
  return websocketDrain === null ? new Tunnel(exchange, upstream) : new WebSocketTunnel(exchange, upstream);
}
