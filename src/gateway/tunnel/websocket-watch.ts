import { describeSettingOrigin, originOf } from "../../config/setting-origin.ts";
import { CLOSE_GOING_AWAY } from "../../websocket/close-codes.ts";
import type { FailureKind } from "../failure/kinds.ts";
import type { WebSocketPolicy } from "../serve/websocket-policy.ts";
import { Heart } from "./heart.ts";
import type { WebSocketTunnel } from "./websocket-tunnel.ts";

/** How long a boundary, and then the client's answer, is waited for where somebody ends a WebSocket in good order. */
export const graceMs = 10_000;

/**
 * What happens to a WebSocket by the clock: pings, and ends for want of messages or for age. It has no timer of its own:
 * the tunnel's deadline is set to what comes first, and nothing is done per message.
 */
export class WebSocketWatch {
  private readonly tunnel: WebSocketTunnel;
  private readonly policy: WebSocketPolicy;
  private readonly ageAtMs: number;
  private readonly client: Heart | null;
  private readonly upstream: Heart | null;

  constructor(tunnel: WebSocketTunnel, policy: WebSocketPolicy) {
    this.tunnel = tunnel;
    this.policy = policy;
    const { maxAge, ping } = policy;
    this.ageAtMs =
      maxAge === null ? Infinity : tunnel.openedMs + maxAge.ms + tunnel.random() * maxAge.jitterMs;
    this.client = ping?.to.client === true ? new Heart(tunnel, tunnel.client, ping) : null;
    this.upstream = ping?.to.upstream === true ? new Heart(tunnel, tunnel.upstream, ping) : null;
  }

  /** When something is to be done, by the clock; infinite for never. */
  nextMs(): number {
    const { client, upstream } = this;
    return Math.min(this.ageAtMs, this.idleAtMs, client?.nextMs ?? Infinity, upstream?.nextMs ?? Infinity);
  }

  /** Does what is to be done by now. */
  run(nowMs: number): void {
    const { tunnel, policy } = this;
    if (nowMs >= this.ageAtMs) {
      this.close("websocketAged", policy.maxAge!.code, "websocket_max_age", "max age");
      return;
    }
    if (nowMs >= this.idleAtMs) {
      this.close("websocketIdle", CLOSE_GOING_AWAY, "websocket_idle_timeout", "idle");
      return;
    }
    this.client?.beat(nowMs);
    if (!tunnel.over) this.upstream?.beat(nowMs);
  }

  private get idleAtMs(): number {
    const { idleMs } = this.policy;
    return idleMs === 0 ? Infinity : this.tunnel.lastMessageMs + idleMs;
  }

  private close(kind: FailureKind, code: number, directive: string, closeReason: string): void {
    const setting = originOf(this.tunnel.location.settings, directive);
    const cause = setting === null ? directive : describeSettingOrigin(setting);
    this.tunnel.drain({ code, reason: cause, cause, chosen: { closeReason, kind } }, graceMs);
  }
}
