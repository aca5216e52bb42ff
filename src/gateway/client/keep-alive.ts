import type { Request } from "../request/request.ts";
import { tripsOverKeepAlive } from "../request/user-agent.ts";

/** Whether its location, or a client that cannot deal with it, has the connection closed behind this request. */
export function wearsOut(request: Request): boolean {
  const { client, location } = request;
  const { keepaliveTimeoutMs, keepaliveRequests, keepaliveTimeMs } = location.core;
  const ageMs = client.gateway.network.clock.now() - client.startMs;
  const worn = client.requests >= keepaliveRequests || ageMs > keepaliveTimeMs;
  return keepaliveTimeoutMs === 0 || worn || tripsOverKeepAlive(request);
}
