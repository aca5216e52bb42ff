import type { Request } from "./request.ts";

/** The request is over: it is logged, and then whatever was held for it is given back. */
export function endRequest(request: Request): void {
  request.finished = true;
  if (request.parent === null) logRequest(request);
  else if (request.location.core.logSubrequest) runLogHandlers(request);
  request.release();
}

/** Writes the lines of a client's request, or of the tunnel that it became. */
export function logRequest(request: Request): void {
  const { activity, client } = request;
  client.gateway.heartbeat.begin(request.head.requestLine);
  request.activity = "logging request";
  runLogHandlers(request);
  request.activity = activity;
}

/** One line in each access log, whatever happens to the others. */
function runLogHandlers(request: Request): void {
  for (const handler of request.location.log) {
    try {
      handler(request);
    } catch (error) {
      request.client.gateway.reportInternalError(error);
    }
  }
}
