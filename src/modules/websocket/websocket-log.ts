/**
 * `websocket_log`: one line for each WebSocket that has ended. Longhaul's own.
 */
import type { Scope } from "../../config/scope.ts";
import { append } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { handlersOf, namedFormat, readLog } from "../core/log.ts";
import type { AccessLog } from "../core/log.ts";
import { compileFormat } from "../core/log-format.ts";
import type { LogFormat } from "../core/log-format.ts";

interface WebSocketLogSettings {
  /** One value, so that a level has all of it from where it was said. */
  logs: readonly AccessLog[] | "off";
}

const human =
  '$remote_addr [$time_local] "$request" closed by $websocket_closed_by with $websocket_close_code ' +
  '"$websocket_close_reason" after ${websocket_duration}s (idle ${websocket_idle}s), ' +
  "received $websocket_messages_received/$websocket_bytes_received, " +
  'sent $websocket_messages_sent/$websocket_bytes_sent, upstream $upstream_addr, cause "$websocket_close_cause"';

const json = `{${[
  ...[
    "time:time_iso8601",
    "client:remote_addr",
    "server:server_name",
    "uri:request_uri",
    "upstream:upstream_addr",
  ].map((pair) => {
    const [key, variable] = pair.split(":");
    return `"${key}":"$${variable}"`;
  }),
  ...["closed_by", "close_code!", "close_reason", "close_cause", "duration!", "idle!", "ping_rtt"].map(field),
  ...["messages_received!", "messages_sent!", "bytes_received!", "bytes_sent!", "upstream_moves!"].map(field),
].join(",")}}`;

/** A number stands as it is: "!". */
function field(name: string): string {
  const key = name.replace("!", "");
  return name.endsWith("!") ? `"${key}":$websocket_${key}` : `"${key}":"$websocket_${key}"`;
}

export const websocketLog: HttpModule<object, object, WebSocketLogSettings> = {
  name: "longhaul_websocket_log",
  directives: [
    {
      name: "websocket_log",
      contexts: ["http", "server", "location"],
      args: "1+",
      default: "off",
      doc: "Where a line is written for each WebSocket that has ended, in which format (`websocket`, `websocket_json` or one of `log_format`), and `if=`. WebSockets that a reload finds open keep theirs.",
      set: setLog,
    },
  ],
  location: { defaults: () => ({ logs: "off" }) },
  attach(location, { logs }, build) {
    if (logs === "off") return;
    location.websocket = { ...location.websocket, logs: handlersOf(location, logs, build) };
  },
};

function setLog(scope: Scope, directive: Directive): void {
  const settings = scope.location(websocketLog);
  const [target, name = ""] = directive.args;
  if (target === "off") {
    if (directive.args.length > 1) scope.fail(`invalid parameter "${name}"`);
    settings.logs = "off";
    return;
  }
  if (settings.logs === "off") return;
  settings.logs = append(settings.logs, readLog(scope, directive, { usual: "websocket", formatOf }));
}

/** A format of the configuration that has the name of a built-in one is the one that is meant. */
function formatOf(name: string, scope: Scope): LogFormat {
  const named = namedFormat(name, scope);
  if (named !== null) return named;
  if (name === "websocket") return compileFormat([human], "default", scope);
  if (name === "websocket_json") return compileFormat([json], "json", scope);
  return scope.fail(`unknown log format "${name}"`);
}
