/** What a request has come to, as logs and variables tell it. All of it may change until the request ends. */
import { wireStatus } from "../../http/status.ts";
import { formatSeconds } from "../log/log-time.ts";
import type { Request } from "./request.ts";

/** The status that the client gets; 0 while there is none. */
export function statusOf(request: Request): number {
  const { errorStatus, response } = request;
  return errorStatus !== 0 ? wireStatus(errorStatus) : response.status;
}

/** Bytes received for the request: head and body, as they came. */
export function requestLength(request: Request): number {
  // A subrequest was not received.
  if (request.parent !== null) return 0;
  return request.head.bytes + request.body.wireBytes;
}

/** Seconds since the request began, "0.123": `$request_time`. */
export function requestTime(request: Request): string {
  return formatSeconds(request.client.gateway.network.clock.now() - request.startMs);
}

/** Seconds since the epoch, "1795353840.123". */
export function epochTime(request: Request): string {
  return formatSeconds(wallMs(request));
}

/** The time of day, in milliseconds since the epoch, as the request's network has it. */
export function wallMs(request: Request): number {
  return request.client.gateway.network.clock.wall();
}
