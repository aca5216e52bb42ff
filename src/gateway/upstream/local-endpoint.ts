import { formatIp } from "../../net/address.ts";
import { parseInetPort } from "../../net/inet.ts";
import type { Request } from "../request/request.ts";
import type { Value } from "../serve/settings.ts";
import type { LocalEndpoint } from "./exchange-plan.ts";

/** Where connections for this request leave from; null for whatever the system takes. Tells of what is no address. */
export function localEndpointFor(request: Request, bind: Value | null): LocalEndpoint | null {
  const text = bind?.evaluate(request) ?? "";
  if (text === "") return null;
  const endpoint = parseLocalEndpoint(text);
  if (endpoint === null) request.log("error", `invalid local address "${text}"`);
  return endpoint;
}

/** Reads "address" or "address:port"; null for anything else. */
export function parseLocalEndpoint(text: string): LocalEndpoint | null {
  const parsed = parseInetPort(text);
  return parsed === null ? null : { address: formatIp(parsed.ip), port: parsed.port, text };
}
