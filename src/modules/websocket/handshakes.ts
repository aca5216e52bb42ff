/**
 * What becomes of WebSocket handshakes on the way to a server: Longhaul's own.
 */
import { constantValue } from "../../config/complex-value.ts";
import type { Context, SettingsByModule } from "../../config/module.ts";
import { slots } from "../../config/slots.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Value } from "../../gateway/serve/settings.ts";

/** "on": passed on as they are; "auto": as the location's directives say, with a warning where they lose them. */
type HandshakeMode = "on" | "off" | "auto";

interface HandshakeSettings {
  handshakes: HandshakeMode;
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
  ],
  location: { defaults: () => ({ handshakes: "auto" }) },
};

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
