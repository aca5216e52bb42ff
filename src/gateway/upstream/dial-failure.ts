import type { ClientTls } from "../../net/network.ts";
import { plainTlsMessage, verifyReason } from "../../net/tls-error.ts";
import { describeSystemError } from "../../config/errors.ts";

/** Why a server could not be connected to, in nginx's words. */
export interface DialFailure {
  readonly message: string;
  /** The connection was there; TLS failed on it. */
  readonly handshaking: boolean;
}

/** `code` and `text` are what the dial told. */
export function describeDialFailure(code: string, text: string, tls: ClientTls | null): DialFailure {
  if (tls === null) return connecting(code);
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return inHandshake(`upstream SSL certificate does not match "${tls.verifyName}"`);
  }
  const reason = verifyReason(code);
  if (reason !== null) {
    return inHandshake(`upstream SSL certificate verify error: (${reason.number}:${reason.words})`);
  }
  if (code === "ECONNRESET" || code === "EPIPE") {
    const reset = text.startsWith("read ") ? ` ${describeSystemError(code)}` : "";
    return inHandshake(`peer closed connection in SSL handshake${reset}`);
  }
  if (code !== "EPROTO" && /^E[A-Z]+$/.test(code)) return connecting(code);
  return inHandshake(`SSL_do_handshake() failed (SSL: ${plainTlsMessage(text)})`);
}

function connecting(code: string): DialFailure {
  return { message: `connect() failed ${describeSystemError(code)}`, handshaking: false };
}

function inHandshake(message: string): DialFailure {
  return { message, handshaking: true };
}
