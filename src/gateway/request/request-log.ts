import type { Request } from "./request.ts";

/** The request is over: one line in each access log, whatever happens to the others. */
export function logRequest(request: Request): void {
  request.finished = true;
  const { activity, client } = request;
  client.gateway.heartbeat.begin(request.head.requestLine);
  request.activity = "logging request";
  for (const handler of request.location.log) {
    try {
      handler(request);
    } catch (error) {
      client.gateway.reportInternalError(error);
    }
  }
  request.body.releaseStorage();
  request.activity = activity;
}
