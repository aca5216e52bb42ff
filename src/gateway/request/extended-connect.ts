import type { Http2RequestHead } from "../../http2/request-head.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import { acceptFor, isKey } from "../../websocket/accept.ts";
import { hasToken } from "../../websocket/handshake.ts";
import type { Request } from "./request.ts";
import type { Response } from "./response.ts";

/** Whether `:protocol` names the one protocol that extended CONNECT is served for (RFC 8441, section 5). */
export function isWebSocketProtocol(protocol: string): boolean {
  return protocol.toLowerCase() === "websocket";
}

const ofHandshakes: ReadonlySet<string> = new Set([
  "upgrade",
  "connection",
  "sec-websocket-key",
  "sec-websocket-accept",
]);

/**
 * The handshake of HTTP/1.1 (RFC 6455, section 4.1) that an extended CONNECT stands for (RFC 8441, section 5): a GET with
 * Upgrade, Connection and a Sec-WebSocket-Key of the gateway's own. Configurations that were written for HTTP/1.1 find in
 * it what they ask for. The request line stays as it came.
 * @param random from 0 to below 1, by chance
 */
export function handshakeOf(head: Http2RequestHead, random: () => number): RequestHead {
  const fields = new Fields();
  const { names, lowerNames, values } = head.fields;
  for (let index = 0; index < names.length; index++) {
    const lower = lowerNames[index]!;
    if (!ofHandshakes.has(lower)) fields.addLowered(names[index]!, lower, values[index]!);
  }
  fields.add("Upgrade", "websocket");
  fields.add("Connection", "Upgrade");
  fields.add("Sec-WebSocket-Key", newKey(random));
  return { ...head, method: "GET", fields };
}

/** 16 bytes by chance, in base64. They guard against servers that echo, not against an attacker. */
function newKey(random: () => number): string {
  const nonce = Buffer.allocUnsafe(16);
  for (let at = 0; at < 16; at += 4) nonce.writeUInt32LE(Math.floor(random() * 2 ** 32), at);
  return nonce.toString("base64");
}

/** Why a server's 101 does not complete the handshake that the gateway made (RFC 6455, section 4.1); null: it does. */
export function handshakeFault({ fields }: Request, answer: ResponseHead): string | null {
  const upgrade = answer.fields.getJoined("upgrade");
  if (upgrade?.toLowerCase() !== "websocket") return 'upstream sent 101 without "Upgrade: websocket"';
  if (!hasToken(answer.fields.getJoined("connection"), "upgrade"))
    return 'upstream sent 101 without "Connection: upgrade"';
  const key = fields.get("sec-websocket-key") ?? "";
  const accept = answer.fields.getAll("sec-websocket-accept");
  if (accept.length === 1 && accept[0] === acceptFor(key)) return null;
  return 'upstream sent 101 with an invalid "Sec-WebSocket-Accept"';
}

/**
 * The 101 that a server's 200 to an extended CONNECT stands for (RFC 8441, section 5).
 * @param key the client's Sec-WebSocket-Key, which no server of HTTP/2 sees
 */
export function switchedHead(head: ResponseHead, key: string): ResponseHead {
  const fields = new Fields();
  const { names, lowerNames, values } = head.fields;
  for (let index = 0; index < names.length; index++) {
    const lower = lowerNames[index]!;
    // A tunnel has no length (RFC 9110, section 9.3.6).
    if (ofHandshakes.has(lower) || lower === "content-length") continue;
    fields.addLowered(names[index]!, lower, values[index]!);
  }
  fields.add("Upgrade", "websocket");
  fields.add("Connection", "Upgrade");
  fields.add("Sec-WebSocket-Accept", acceptFor(key));
  return { ...head, status: 101, statusLine: "101 Switching Protocols", fields, contentLength: null };
}

/** The key of a request that can be put as an extended CONNECT: a whole handshake, of the version that there is; else null. */
export function keyOfHandshake({ fields }: Request): string | null {
  const keys = fields.getAll("sec-websocket-key");
  const [key = ""] = keys;
  const whole = keys.length === 1 && isKey(key) && fields.get("sec-websocket-version") === "13";
  return whole ? key : null;
}

/**
 * Settles an answer's head for a client that has sent an extended CONNECT: a switched protocol is 200 there, without the
 * fields of the handshake. Any other success would open a tunnel that nobody is behind, and so becomes a failure: 502
 * of a server, 501 of the gateway's own content.
 */
export function settleConnectAnswer(response: Response): void {
  const { request, fields, status } = response;
  if (response.upgraded) {
    response.status = 200;
    response.statusText = null;
    response.contentLength = -1;
    for (const name of ofHandshakes) fields.remove(name);
    return;
  }
  if (status < 200 || status > 299) return;
  response.status = request.upstreamHead === null ? 501 : 502;
  response.statusText = null;
  request.log("error", `the answer to extended CONNECT has status ${status} but opens no WebSocket`);
}
