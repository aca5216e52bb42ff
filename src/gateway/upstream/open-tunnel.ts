import type { Fields } from "../../http/fields.ts";
import type { Connection } from "../../net/connection.ts";
import type { FrameRules } from "../../websocket/frame-cursor.ts";
import type { Request } from "../request/request.ts";
import type { Tunnel, TunnelParts } from "../tunnel/tunnel.ts";
import type { MoveParts } from "../tunnel/server-search.ts";
import { TunnelRecord } from "../tunnel/tunnel-record.ts";
import { TwoWayTunnel } from "../tunnel/two-way-tunnel.ts";
import { WebSocketTunnel } from "../tunnel/websocket-tunnel.ts";
import { agreedHandshake } from "./handshake-again.ts";
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
    line: plan.upstream,
    record: new TunnelRecord(request),
    policy: {
      idleMs: readTimeoutMs,
      clientSendMs: core.sendTimeoutMs,
      upstreamSendMs: sendTimeoutMs,
      directivePrefix: plan.directivePrefix,
    },
  };
  const move = isWebSocket ? movePartsOf(exchange) : null;
  tunnelOf(isWebSocket, move === null ? parts : { ...parts, move }, request).open(request.writer, early);
}

/** Null for a WebSocket that stays with its server. */
function movePartsOf({ plan, request }: Exchange): MoveParts | null {
  const maker = plan.search ?? null;
  if (maker === null) return null;
  const agreed = agreedHandshake(request.upstreamHead!);
  if (agreed.movable) return { maker, agreed };
  request.log(
    "warn",
    "WebSocket cannot move: its server insists on a compression that leans on messages before",
  );
  return null;
}

/** What a tunnel does depends on its protocol, not on directives. */
function tunnelOf(isWebSocket: boolean, parts: TunnelParts, request: Request): Tunnel {
  if (!isWebSocket) return new TwoWayTunnel(parts);
  return new WebSocketTunnel(parts, reservedBits(request.upstreamHead!.fields), request);
}

/** What the agreed extensions do with the reserved bits of frames (RFC 6455, section 9; RFC 7692, section 6). */
function reservedBits(fields: Fields): FrameRules["reserved"] {
  const names = fields
    .getAll("sec-websocket-extensions")
    .flatMap((value) => value.split(","))
    .map((extension) => extension.split(";", 1)[0]!.trim().toLowerCase())
    .filter((name) => name !== "");
  if (names.length === 0) return "none";
  return names.every((name) => name === "permessage-deflate") ? "deflate" : "any";
}
