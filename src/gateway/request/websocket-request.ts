import { hasToken } from "../../websocket/handshake.ts";
import type { Request } from "./request.ts";

/**
 * Whether a client asks for a WebSocket, by HTTP/1.1 (RFC 6455, section 4.1) or by extended CONNECT, so that a server may accept. What else
 * is wrong with the handshake is for the server to say.
 */
export function asksForWebSocket(request: Request): boolean {
  const { head, fields, method, extendedConnect } = request;
  const speaksSo = extendedConnect || (head.versionMajor === 1 && head.versionMinor > 0);
  if (method !== "GET" || request.parent !== null || !speaksSo) return false;
  return namesWebSocket(request) && hasToken(fields.getJoined("connection"), "upgrade");
}

/** Whether a request's Upgrade names a WebSocket, however wrong the request may be beyond that. */
export function namesWebSocket({ fields }: Request): boolean {
  return fields.has("upgrade") && hasToken(fields.getJoined("upgrade"), "websocket");
}
