import { Tunnel } from "./tunnel.ts";
import type { TunnelSide } from "./tunnel.ts";

/**
 * A tunnel for what is no WebSocket: the two directions end each for itself. `docker attach` and
 * `kubectl exec` close their input and still wait for the output, which nginx cuts off. A WebSocket has a
 * closing handshake instead, and no use for half a connection.
 *
 * A side that is gone altogether looks the same at first; what is then sent to it fails, and else the
 * tunnel ends by the other side, which has been told, or by `proxy_read_timeout`.
 */
export class TwoWayTunnel extends Tunnel {
  private endedFirst: TunnelSide | null = null;

  override sideEnded(side: TunnelSide): void {
    if (this.endedFirst !== null) return super.sideEnded(this.endedFirst);
    this.endedFirst = side;
    side.other.self.shutdown();
  }
}
