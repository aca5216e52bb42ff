import type { ClientTls } from "../../net/network.ts";
import { plainTlsMessage, verifyReason } from "../../net/tls-error.ts";
import { describeSystemError } from "../../config/errors.ts";
import { failureOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";

/** Why a server could not be connected to. `code` and `text` are what the dial told. */
export function dialFailure(code: string, text: string, tls: ClientTls | null): Failure {
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

function connecting(code: string): Failure {
  return failureOf("connectFailed", describeSystemError(code));
}

/** The connection was there; TLS failed on it. */
function inHandshake(message: string): Failure {
  return failureOf("handshakeFailed", message);
}
