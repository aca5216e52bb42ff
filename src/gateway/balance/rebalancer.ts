import type { Clock } from "../../net/clock.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { Balancer, BalanceRequest } from "./balancer.ts";
import type { PeerSet } from "./peer-set.ts";
import type { Peer } from "./peer.ts";
import type { RebalanceMemory } from "./rebalance-memory.ts";

/** `websocket_rebalance`. */
export interface RebalancePolicy {
  /** Tunnels of an upstream that move in a second, all threads together. */
  readonly perSecond: number;
  /** So much more than its fair share a server may keep: a part of that. */
  readonly excess: number;
  /** By fail-over's way, or by a close frame; null: by the first where it is open. */
  readonly by: "move" | "close" | null;
  readonly memory: RebalanceMemory;
}

/** The servers of an upstream as they are now. */
export interface BalancedGroup {
  readonly name: string;
  readonly peers: PeerSet;
  readonly balancer: Balancer;
}

/** A tunnel that may be moved. */
export interface BalancedTunnel {
  readonly over: boolean;
  readonly peerName: string;
  readonly rebalance: RebalancePolicy;
  readonly group: BalancedGroup;
  /** Its request, as the method looks at it. */
  balanceRequest(): BalanceRequest;
  /**
   * Leaves its server between two messages, for one that is not avoided. `settled` is called once: when it has left, or
   * stays after all.
   */
  leaveServer(avoided: ReadonlySet<string>, settled: () => void): void;
}

/** How often the servers are looked at. */
const lookMs = 1000;
/** How often a tunnel's turn is looked for while some have to move. */
const stepMs = 20;
/** Tunnels whose key is looked up at once: each takes its request apart. */
const lookUpsMax = 50;

/**
 * Moves tunnels of this thread to servers that have come, come back, or grown: only the surplus of the others, or where a
 * key says where a tunnel belongs, those that belong elsewhere now. Nothing happens as long as the servers are the same.
 */
export class Rebalancer implements DeadlineOwner {
  private readonly clock: Clock;
  private readonly log: (message: string) => void;
  private readonly deadline: Deadline;
  private readonly groups = new Map<string, GroupWatch>();

  /** `log` writes a line about what was done. */
  constructor(clock: Clock, log: (message: string) => void) {
    this.clock = clock;
    this.log = log;
    this.deadline = new Deadline(clock, this);
  }

  /** A tunnel whose servers are watched from now on. */
  add(tunnel: BalancedTunnel): void {
    const { name } = tunnel.group;
    let watch = this.groups.get(name);
    if (watch === undefined) {
      watch = new GroupWatch(tunnel.group);
      this.groups.set(name, watch);
      if (!this.deadline.armed) this.deadline.set(lookMs);
    }
    watch.tunnels.add(tunnel);
  }

  /** A tunnel has ended. */
  delete(tunnel: BalancedTunnel): void {
    const { name } = tunnel.group;
    const watch = this.groups.get(name);
    watch?.tunnels.delete(tunnel);
    if (watch?.tunnels.size !== 0) return;
    this.groups.delete(name);
    if (this.groups.size === 0) this.deadline.dispose();
  }

  onDeadline(): void {
    let busy = false;
    for (const watch of this.groups.values()) busy = this.step(watch) || busy;
    if (this.groups.size > 0) this.deadline.set(busy ? stepMs : lookMs);
  }

  private step(watch: GroupWatch): boolean {
    const [tunnel] = watch.tunnels;
    if (tunnel === undefined) return false;
    watch.look(tunnel.group);
    const { campaign } = watch;
    if (campaign === null) return false;
    if (campaign.step(tunnel.group, this.clock.wall())) return true;
    watch.campaign = null;
    if (campaign.left > 0)
      this.log(`rebalanced upstream "${tunnel.group.name}": ${campaign.left} WebSockets left their servers`);
    return false;
  }
}

/** The tunnels of one upstream, and the servers that it had when it was looked at last. */
class GroupWatch {
  readonly tunnels = new Set<BalancedTunnel>();
  campaign: Campaign | null = null;
  private weights: ReadonlyMap<string, number>;

  constructor(group: BalancedGroup) {
    this.weights = weightsOf(group.peers);
  }

  /** Begins to move tunnels where a server has come, come back or changed its weight. */
  look({ peers }: BalancedGroup): void {
    const before = this.weights;
    const now = weightsOf(peers);
    this.weights = now;
    const grown = [...now].some(([name, weight]) => weight > 0 && before.get(name) !== weight);
    if (grown && before.size > 0) this.campaign = new Campaign([...this.tunnels], this.campaign);
  }
}

/** Tunnels that may have to move since the servers have changed. */
class Campaign {
  /** So many have left. */
  left: number;
  private readonly byPeer: Map<string, BalancedTunnel[]>;
  private readonly all: BalancedTunnel[];

  constructor(tunnels: BalancedTunnel[], before: Campaign | null) {
    this.left = before?.left ?? 0;
    this.all = tunnels;
    this.byPeer = Map.groupBy(tunnels, ({ peerName }) => peerName);
  }

  /** Moves those whose turn it is. @returns whether there is more to do */
  step(group: BalancedGroup, nowMs: number): boolean {
    return group.balancer.homeOf === undefined ? this.level(group, nowMs) : this.sendHome(group, nowMs);
  }

  /** By keys: who belongs elsewhere leaves. */
  private sendHome(group: BalancedGroup, nowMs: number): boolean {
    const { all } = this;
    for (let count = 0; count < lookUpsMax && all.length > 0; count++) {
      const tunnel = all.at(-1)!;
      const home = tunnel.over ? [] : group.balancer.homeOf!(tunnel.balanceRequest());
      if (home.length > 0 && !home.includes(tunnel.peerName)) {
        const { memory, perSecond } = tunnel.rebalance;
        if (!memory.grant(group.name, perSecond, nowMs)) return true;
        tunnel.leaveServer(new Set([tunnel.peerName]), () => {});
        this.left += 1;
      }
      all.pop();
    }
    return all.length > 0;
  }

  /** By numbers: servers lose what they have beyond their fair share. */
  private level(group: BalancedGroup, nowMs: number): boolean {
    const shares = sharesOf(group.peers);
    let more = false;
    for (const share of shares) {
      const candidates = this.byPeer.get(share.peer.name) ?? [];
      for (;;) {
        const tunnel = nextOf(candidates, share.peer.name);
        if (tunnel === null || !hasSurplus(share, group.peers, tunnel.rebalance)) break;
        more = true;
        if (!this.send(tunnel, share, shares, group, nowMs)) break;
        candidates.pop();
      }
    }
    return more;
  }

  private send(
    tunnel: BalancedTunnel,
    { peer, fair }: Share,
    shares: readonly Share[],
    { name, peers }: BalancedGroup,
    nowMs: number,
  ): boolean {
    const { memory, perSecond } = tunnel.rebalance;
    if (!memory.grant(name, perSecond, nowMs)) return false;
    const leaving = memory.count(peer.slot, 1);
    const settled = (): void => void memory.count(peer.slot, -1);
    // Another thread may have seen the same surplus at the same time.
    if (connsOf(peers, peer) - leaving < fair) {
      settled();
      return false;
    }
    const full = shares.filter((other) => connsOf(peers, other.peer) >= other.fair);
    tunnel.leaveServer(new Set([...full.map((other) => other.peer.name), peer.name]), settled);
    this.left += 1;
    return true;
  }
}

/** A server, and how many connections would be its part of all. */
interface Share {
  readonly peer: Peer;
  readonly fair: number;
}

/** Servers that take tunnels, with their weights; backups have none while others serve. */
function weightsOf(set: PeerSet): Map<string, number> {
  const weights = new Map<string, number>();
  for (const peer of set.peers) if (serves(set, peer)) weights.set(peer.name, peer.weight);
  const none = weights.size === 0;
  for (const peer of set.backup?.peers ?? [])
    if (serves(set.backup!, peer)) weights.set(peer.name, none ? peer.weight : 0);
  return weights;
}

function sharesOf(set: PeerSet): Share[] {
  const weights = weightsOf(set);
  const peers = [...set.peers, ...(set.backup?.peers ?? [])].filter(({ name }) => weights.has(name));
  let total = 0;
  let totalWeight = 0;
  for (const peer of peers) {
    total += connsOf(set, peer);
    totalWeight += weights.get(peer.name)!;
  }
  return peers.map((peer) => ({ peer, fair: (total * weights.get(peer.name)!) / Math.max(1, totalWeight) }));
}

/** Not down, well, and not failing: one that has failed comes back with the first request that it serves. */
function serves({ table }: PeerSet, { closed, slot, maxFails }: Peer): boolean {
  return !closed && table.unhealthy[slot] === 0 && (maxFails === 0 || table.fails[slot]! < maxFails);
}

function connsOf({ table }: PeerSet, { slot }: Peer): number {
  return table.conns[slot]!;
}

function hasSurplus({ peer, fair }: Share, peers: PeerSet, { excess, memory }: RebalancePolicy): boolean {
  const stays = connsOf(peers, peer) - memory.leaving(peer.slot);
  return stays > fair * (1 + excess) && stays - 1 >= fair;
}

/** The last one that is still there. */
function nextOf(candidates: BalancedTunnel[], peerName: string): BalancedTunnel | null {
  for (let last = candidates.at(-1); last !== undefined; last = candidates.at(-1)) {
    if (!last.over && last.peerName === peerName) return last;
    candidates.pop();
  }
  return null;
}
