import { hasToken } from "../../websocket/handshake.ts";
import type { Request } from "./request.ts";

/**
 * Whether a client asks for a WebSocket by HTTP/1.1 (RFC 6455, section 4.1), so that a server may accept. What else
 * is wrong with the handshake is for the server to say.
 */
export function asksForWebSocket(request: Request): boolean {
  const { head, fields, method } = request;
  if (method !== "GET" || request.parent !== null || head.versionMajor !== 1 || !request.speaks11)
    return false;
  return namesWebSocket(request) && hasToken(fields.getJoined("connection"), "upgrade");
}

/** Whether a request's Upgrade names a WebSocket, however wrong the request may be beyond that. */
export function namesWebSocket({ fields }: Request): boolean {
  return fields.has("upgrade") && hasToken(fields.getJoined("upgrade"), "websocket");
}
