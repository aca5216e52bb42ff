import type { Request } from "./request.ts";

/** What nginx reads off a User-Agent field: the browsers that it treats in a way of their own. */
export interface Agent {
  readonly msie: boolean;
  /** Version 4, 5 or 6, before the second service pack of Windows XP. */
  readonly msie6: boolean;
  readonly chrome: boolean;
  /** On macOS. */
  readonly safari: boolean;
}

/** What a User-Agent field says of the browser. Follows ngx_http_process_user_agent. */
export function readAgent(agent: string): Agent {
  const opera = agent.includes("Opera");
  const at = agent.indexOf("MSIE ");
  const msie = !opera && at >= 0 && at + 7 < agent.length;
  const other = !opera && !msie && !agent.includes("Gecko/");
  const chrome = other && agent.includes("Chrome/");
  const safari = other && !chrome && agent.includes("Safari/") && agent.includes("Mac OS X");
  return { msie, msie6: msie && isMsie6(agent, at), chrome, safari };
}

function isMsie6(agent: string, at: number): boolean {
  if (agent[at + 6] !== ".") return false;
  const version = agent[at + 5];
  return version === "4" || version === "5" || (version === "6" && !agent.includes("SV1", at + 8));
}

/** `keepalive_disable`: MSIE may wait after a POST; Safari may send one on a connection that was closed. */
export function tripsOverKeepAlive({ method, fields, location }: Request): boolean {
  const { keepaliveDisable } = location.core;
  const msie6 = method === "POST" && keepaliveDisable.has("msie6");
  const safari = keepaliveDisable.has("safari");
  if (!msie6 && !safari) return false;
  const agent = readAgent(fields.get("user-agent") ?? "");
  return (msie6 && agent.msie6) || (safari && agent.safari);
}
