import type { LogHandler } from "./handler.ts";
import type { Request } from "./request.ts";

/** The request is over: it is logged, and then whatever was held for it is given back. */
export function endRequest(request: Request): void {
  request.finished = true;
  if (request.parent === null) logRequest(request);
  else if (request.location.core.logSubrequest) runLogHandlers(request);
  request.release();
}

/** Writes the lines of a client's request, or of the tunnel that it became; `more` come behind those of the location. */
export function logRequest(request: Request, more: readonly LogHandler[] = []): void {
  const { activity, client } = request;
  const before = client.gateway.heartbeat.enter(request);
  request.activity = "logging request";
  runLogHandlers(request);
  if (more.length > 0) runHandlers(request, more);
  request.activity = activity;
  client.gateway.heartbeat.leave(before);
}

/** One line in each access log, whatever happens to the others. */
function runLogHandlers(request: Request): void {
  runHandlers(request, request.location.log);
}

function runHandlers(request: Request, handlers: readonly LogHandler[]): void {
  for (const handler of handlers) {
    try {
      handler(request);
    } catch (error) {
      request.client.gateway.reportInternalError(error);
    }
  }
}
