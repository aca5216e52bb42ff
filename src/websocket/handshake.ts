import type { RequestHead } from "../http/request-head.ts";
import { HeadWriter } from "../http/head-writer.ts";
import { acceptFor, isKey } from "./accept.ts";

/** A server's answer to an opening handshake (RFC 6455, section 4.2): the head to send, and whether it accepts. */
export interface HandshakeAnswer {
  readonly accepted: boolean;
  readonly status: 101 | 400 | 405 | 426;
  readonly bytes: Buffer;
}

/**
 * Answers a request for a WebSocket connection. No extension is taken up.
 * @param subprotocol the subprotocol to confirm, one of those that the client offers; null for none
 */
export function answerHandshake(head: RequestHead, subprotocol: string | null = null): HandshakeAnswer {
  const { fields } = head;
  if (
    !hasToken(fields.getJoined("upgrade"), "websocket") ||
    !hasToken(fields.getJoined("connection"), "upgrade")
  ) {
    return refuse(426);
  }
  if (head.method !== "GET") return refuse(405);
  if (head.versionMinor < 1) return refuse(400);
  if (fields.get("sec-websocket-version") !== "13") return refuse(426);
  const key = fields.get("sec-websocket-key") ?? "";
  if (!isKey(key)) return refuse(400);
  const answer = HeadWriter.response(101)
    .field("Upgrade", "websocket")
    .field("Connection", "Upgrade")
    .field("Sec-WebSocket-Accept", acceptFor(key));
  if (subprotocol !== null) answer.field("Sec-WebSocket-Protocol", subprotocol);
  return { accepted: true, status: 101, bytes: answer.finish() };
}

/** True when a comma-separated list holds the token, whatever its case. */
export function hasToken(list: string | null, token: string): boolean {
  if (list === null) return false;
  return list.split(",").some((item) => item.trim().toLowerCase() === token);
}

const WORDS = { 400: "Bad Request", 405: "Method Not Allowed", 426: "Upgrade Required" } as const;

function refuse(status: 400 | 405 | 426): HandshakeAnswer {
  const body = Buffer.from(`${WORDS[status]}\n`);
  const answer = HeadWriter.response(status, WORDS[status])
    .field("Content-Type", "text/plain")
    .field("Content-Length", String(body.length))
    .field("Connection", "close");
  if (status === 426) answer.field("Upgrade", "websocket").field("Sec-WebSocket-Version", "13");
  if (status === 405) answer.field("Allow", "GET");
  return { accepted: false, status, bytes: answer.finishWith(body) };
}
