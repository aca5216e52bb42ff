/**
 * What becomes of WebSocket handshakes on the way to a server: Longhaul's own.
 */
import { constantValue } from "../../config/complex-value.ts";
import type { Context, SettingsByModule } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { DECLINED } from "../../gateway/request/handler.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { namesWebSocket } from "../../gateway/request/websocket-request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { AllowedOrigins } from "./origins.ts";

/** "on": passed on as they are; "auto": as the location's directives say, with a warning where they lose them. */
type HandshakeMode = "on" | "off" | "auto";

interface HandshakeSettings {
  handshakes: HandshakeMode;
  /** Null: pages are not looked at. */
  origins: AllowedOrigins | null;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<HandshakeSettings>((scope) => scope.location(websocketHandshakes));

export const websocketHandshakes: HttpModule<object, object, HandshakeSettings> = {
  name: "longhaul_websocket_handshakes",
  directives: [
    {
      name: "websocket",
      contexts,
      args: "1",
      default: "auto",
      doc: "`on` passes WebSocket handshakes on without further directives; `auto` warns where they are lost, once a minute.",
      set: slot.word("handshakes", { on: "on", off: "off", auto: "auto" }),
    },
    {
      name: "websocket_origin",
      contexts,
      args: "1+",
      default: null,
      doc: "Hosts whose pages may open WebSockets; handshakes of others are refused, and those without Origin but for `none`.",
      set: addOrigins,
    },
  ],
  location: { defaults: () => ({ handshakes: "auto", origins: null }) },
  attach(location, { origins }) {
    // Before the access phase, where "satisfy any" could let a page in by its visitor's address or cookie.
    if (origins !== null) location.preaccess.push((request) => judge(request, origins));
  },
};

function judge(request: Request, origins: AllowedOrigins): Verdict {
  if (request.parent !== null || !namesWebSocket(request) || origins.allow(request)) return DECLINED;
  const sent = request.fields.getAll("origin").join(", ");
  const who = sent === "" ? "without Origin" : `from origin "${sent}"`;
  request.log("error", `WebSocket handshake ${who} forbidden by "websocket_origin"`);
  return 403;
}

function addOrigins(scope: Scope, { args }: Directive): void {
  const origins = (scope.location(websocketHandshakes).origins ??= new AllowedOrigins());
  for (const arg of args) {
    if (arg === "same") origins.same = true;
    else if (arg === "none") origins.none = true;
    else if (arg.startsWith("~")) addPattern(scope, origins, arg.slice(1));
    else addHost(scope, origins, arg);
  }
}

function addPattern(scope: Scope, { regexes }: AllowedOrigins, pattern: string): void {
  if (pattern === "") scope.fail('empty regex in "~"');
  if (!pattern.startsWith("^") || !pattern.endsWith("$")) {
    scope.warn(
      `"~${pattern}" matches parts of host names, also of those that others own: it lacks "^" or "$"`,
    );
  }
  regexes.push(buildOf(scope).variables.regex(pattern, true, scope));
}

function addHost(scope: Scope, { hosts }: AllowedOrigins, name: string): void {
  if (/[/:]/.test(name) && !name.startsWith("[")) {
    scope.fail(`"${name}" is no host name: scheme and port of an origin are not compared`);
  }
  const fault = name === "" ? "invalid hostname or wildcard" : hosts.add(name, true, true);
  if (fault !== null) scope.fail(`${fault} "${name}"`);
}

/** What `websocket` says at a level. */
export function handshakeModeOf(settings: SettingsByModule): HandshakeMode {
  return (settings.get(websocketHandshakes) as HandshakeSettings).handshakes;
}

/** What a head is made of that takes a handshake on. */
interface HeadSettings {
  readonly httpVersion: string;
  readonly setHeaders: readonly (readonly [name: string, value: Value])[];
}

const ofHandshakes: ReadonlySet<string> = new Set(["upgrade", "connection"]);

/** The same settings for handshakes: as the recipe of nginx's documentation has them, whatever else was set. */
export function forHandshakes<T extends HeadSettings>(settings: T): T {
  const others = settings.setHeaders.filter(([name]) => !ofHandshakes.has(name.toLowerCase()));
  const setHeaders = [
    ...others,
    ["Upgrade", constantValue("websocket")] as const,
    ["Connection", constantValue("upgrade")] as const,
  ];
  return { ...settings, httpVersion: "1.1", setHeaders };
}
