/**
 * Which locations WebSockets may be opened in over HTTP/2 (RFC 8441): Longhaul's own, with the name that was proposed for
 * nginx. What servers announce is `http2_extended_connect`, of the HTTP/2 module.
 */
import { slots } from "../../config/slots.ts";
import type { LocationDraft } from "../../gateway/build/drafts.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { VirtualServer } from "../../gateway/serve/virtual-server.ts";
import { handshakeModeOf } from "./handshakes.ts";

interface ConnectSettings {
  accepted: boolean;
}

const slot = slots<ConnectSettings>((scope) => scope.location(extendedConnect));

export const extendedConnect: HttpModule<object, object, ConnectSettings> = {
  name: "longhaul_extended_connect",
  directives: [
    {
      name: "accept_extended_connect",
      contexts: ["http", "server", "location"],
      args: "flag",
      default: "off",
      doc: "Serves WebSockets over HTTP/2 (RFC 8441) as the handshakes of HTTP/1.1 that they stand for; otherwise they are refused with 405. `websocket on` includes it.",
      set: slot.flag("accepted"),
    },
  ],
  location: { defaults: () => ({ accepted: false }) },
  attach(location, { accepted }) {
    location.acceptsExtendedConnect = accepted || handshakeModeOf(location.settings) === "on";
  },
  finishServers({ servers }) {
    for (const { server, root } of servers) if (passesHandshakes(root)) announce(server!);
  },
};

/** `websocket on` is said for the location, or for one inside it. */
function passesHandshakes({ settings, children }: LocationDraft): boolean {
  return handshakeModeOf(settings) === "on" || children.some(passesHandshakes);
}

function announce({ http2 }: VirtualServer): void {
  const { options } = http2;
  http2.options = { ...options, requestHead: { ...options.requestHead, extendedConnect: true } };
}
