import { describeSettingOrigin, originOf } from "../../config/setting-origin.ts";
import { CLOSE_SERVICE_RESTART } from "../../websocket/close-codes.ts";
import type { BalanceRequest } from "../balance/balancer.ts";
import type { BalancedGroup, BalancedTunnel, RebalancePolicy } from "../balance/rebalancer.ts";
import type { UpstreamLine } from "./server-search.ts";
import type { WebSocketTunnel } from "./websocket-tunnel.ts";
import { graceMs } from "./websocket-watch.ts";

const words = "rebalanced";

/** A WebSocket where `websocket_rebalance` is on, as the rebalancer sees it. */
export class BalancedWebSocket implements BalancedTunnel {
  /** Of the location as it is now. */
  rebalance: RebalancePolicy;
  private readonly tunnel: WebSocketTunnel;
  private readonly line: UpstreamLine;
  /** Told when the server was left, or was not after all; null where nobody waits for that. */
  private left: (() => void) | null = null;

  constructor(tunnel: WebSocketTunnel, rebalance: RebalancePolicy, line: UpstreamLine) {
    this.tunnel = tunnel;
    this.rebalance = rebalance;
    this.line = line;
  }

  get over(): boolean {
    return this.tunnel.over;
  }

  get peerName(): string {
    return this.tunnel.peerName;
  }

  get group(): BalancedGroup {
    return this.line.newest;
  }

  balanceRequest(): BalanceRequest {
    return this.line.newest.factsOf(this.tunnel.requests().balanced);
  }

  leaveServer(avoided: ReadonlySet<string>, settled: () => void): void {
    const { tunnel, rebalance } = this;
    const { failover } = tunnel;
    this.left = settled;
    const instead = (): void => this.settle();
    const moves = failover !== null && rebalance.by !== "close";
    if (moves && failover.leave({ words, graceMs, avoided, instead })) return;
    if (rebalance.by === "move") return this.settle();
    const setting = originOf(tunnel.location.settings, "websocket_rebalance");
    const cause = setting === null ? words : describeSettingOrigin(setting);
    const chosen = { closeReason: words, kind: "gatewayLeaves" } as const;
    tunnel.drain({ code: CLOSE_SERVICE_RESTART, reason: words, cause, chosen }, graceMs);
  }

  /** The server was left, or it was not. */
  settle(): void {
    const { left } = this;
    this.left = null;
    left?.();
  }
}
