import { describeSystemError } from "../../config/errors.ts";
import type { Client } from "../request/client.ts";
import type { ErrorLog } from "../log/error-log.ts";
import { endpointKey } from "../serve/listen-socket.ts";

/** How a client left that was waited for: its end, an error of its connection, or silence for too long. */
export type Departure = { readonly code: string | null } | "silence";

/** Logs, in nginx's words, that a client left before a byte of its first request, or between two requests. */
export function tellDeparture(client: Client, log: ErrorLog, departure: Departure): void {
  if (!log.enabled("info")) return;
  const name = client.origin.remoteText;
  const kept = client.requests > 0;
  if (kept && departure === "silence") return;
  const code = departure === "silence" ? null : departure.code;
  const error = code === null ? "" : ` ${describeSystemError(code)}`;
  if (kept) {
    log.write("info", `client ${name} closed keepalive connection${error}`, client.serial);
    return;
  }
  const what =
    departure === "silence"
      ? "client timed out (110: Connection timed out)"
      : code === null
        ? "client closed connection"
        : `recv() failed${error}`;
  const server = endpointKey(client.listenSocket.endpoint);
  log.write("info", `${what} while waiting for request, client: ${name}, server: ${server}`, client.serial);
}
