import type { Timer } from "../../net/clock.ts";
import type { Network } from "../../net/network.ts";
import type { Background } from "../serve/background.ts";
import type { PeerGroup } from "../balance/peer-group.ts";
import type { PeerSet } from "../balance/peer-set.ts";
import type { Peer } from "../balance/peer.ts";
import type { ErrorLog } from "../log/error-log.ts";
import type { Lease } from "./lease.ts";
import { GrpcProbe } from "./grpc-probe.ts";
import type { GrpcProbePlan } from "./grpc-probe.ts";
import { HealthProbe } from "./probe.ts";
import type { ProbePlan, ProbeOutcome } from "./probe.ts";

/** `health_check`, with what its location says of connections. */
export interface HealthCheck {
  readonly plan: ProbePlan | GrpcProbePlan;
  readonly intervalMs: number;
  /** A check begins up to this much later. */
  readonly jitterMs: number;
  /** Checks in a row after which a peer is unhealthy, and healthy again. */
  readonly fails: number;
  readonly passes: number;
  /** A peer gets no requests before its first check has passed. */
  readonly mandatory: boolean;
  /** Checks go to this port instead of the peer's own; null: to its own. */
  readonly port: number | null;
}

/** Whom a health check watches. */
export interface Monitored {
  /** The upstream's name. */
  readonly upstream: string;
  readonly group: PeerGroup;
  /** Tells this check from others of the same upstream: a power of two. */
  readonly bit: number;
}

/** What this thread has seen of a peer. What is true for all threads is the peer's bit. */
interface Record {
  /** Checks in a row that say otherwise. */
  contrary: number;
  checked: boolean;
}

/**
 * Checks the servers of an upstream, and keeps requests from those that are not well. Of several threads, the
 * one with the lease does so for all.
 */
export class HealthMonitor implements Background {
  private readonly check: HealthCheck;
  private readonly of: Monitored;
  private readonly network: Network;
  private readonly log: ErrorLog;
  private readonly lease: Lease;
  private readonly records = new Map<string, Record>();
  /** Checks under way, by peer: a slow one is waited for. */
  private readonly probes = new Map<string, HealthProbe | GrpcProbe>();
  private readonly timers = new Set<Timer>();
  private tick: Timer | null = null;
  private started = false;
  private stopped = false;

  constructor(check: HealthCheck, of: Monitored, network: Network, log: ErrorLog, lease: Lease) {
    this.check = check;
    this.of = of;
    this.network = network;
    this.log = log;
    this.lease = lease;
    of.group.watchers.push(() => this.meet());
  }

  /** What a check of the same name has found out before still holds. */
  start(before: Background | null): void {
    this.started = true;
    if (before instanceof HealthMonitor) this.inherit(before);
    this.meet();
    this.checkAll();
  }

  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.tick?.cancel();
    for (const timer of this.timers) timer.cancel();
    for (const probe of this.probes.values()) probe.abort();
    this.lease.release();
  }

  private checkAll(): void {
    const { intervalMs, jitterMs } = this.check;
    const { clock } = this.network;
    this.tick = clock.timer(intervalMs, () => this.checkAll());
    if (!this.lease.take(clock.wall())) return;
    for (const peer of this.peers()) {
      const key = keyOf(peer);
      if (peer.down || this.probes.has(key)) continue;
      if (jitterMs === 0) this.probe(peer);
      else {
        const timer = clock.timer(this.network.random() * jitterMs, () => {
          this.timers.delete(timer);
          if (!this.probes.has(key)) this.probe(peer);
        });
        this.timers.add(timer);
      }
    }
  }

  private probe(peer: Peer): void {
    const { port, plan } = this.check;
    const endpoint =
      port === null || peer.endpoint.kind === "unix" ? peer.endpoint : { ...peer.endpoint, port };
    const key = keyOf(peer);
    const report = (verdict: ProbeOutcome): void => {
      this.probes.delete(key);
      this.conclude(peer, verdict);
    };
    const probe =
      plan.type === "grpc"
        ? new GrpcProbe(this.network, endpoint, plan, report)
        : new HealthProbe(this.network, endpoint, plan, report);
    this.probes.set(key, probe);
  }

  private conclude(peer: Peer, { healthy, activity, error }: ProbeOutcome): void {
    const record = this.recordOf(peer);
    const first = !record.checked;
    record.checked = true;
    if (error !== null) this.tell("error", `${error} while ${activity}`, peer);
    if (healthy === this.isHealthy(peer)) {
      record.contrary = 0;
      return;
    }
    record.contrary += 1;
    // A peer that waits for its first check is let in by it.
    const needed = healthy ? (first ? 1 : this.check.passes) : this.check.fails;
    if (record.contrary < needed) return;
    record.contrary = 0;
    this.tell(healthy ? "notice" : "warn", `peer is ${healthy ? "" : "un"}healthy while ${activity}`, peer);
    this.mark(peer, healthy);
    const { table } = this.of.group.peers;
    if (healthy) table.startSlowly(peer.slowStartMs, peer.slot, this.network.clock.wall());
  }

  private tell(level: "error" | "warn" | "notice", text: string, { name }: Peer): void {
    const { plan } = this.check;
    const check = plan.type === "grpc" ? "grpc" : plan.expectation.name;
    this.log.write(
      level,
      `${text}, health check "${check}" of peer ${name} in upstream "${this.of.upstream}"`,
    );
  }

  /** The peers may be others now. Those that nobody has checked wait for their check, if need be. */
  private meet(): void {
    if (this.stopped || !this.started) return;
    const known = new Set<string>();
    const first = this.check.mandatory && this.lease.take(this.network.clock.wall());
    for (const peer of this.peers()) {
      const key = keyOf(peer);
      known.add(key);
      if (first && !this.records.has(key)) this.mark(peer, false);
      this.recordOf(peer);
    }
    for (const key of this.records.keys()) if (!known.has(key)) this.records.delete(key);
  }

  private inherit(before: HealthMonitor): void {
    const peers = new Map([...before.peers()].map((peer) => [keyOf(peer), peer]));
    for (const [key, record] of before.records) this.records.set(key, { ...record });
    for (const peer of this.peers()) {
      const same = peers.get(keyOf(peer));
      if (same !== undefined) this.mark(peer, before.isHealthy(same));
    }
  }

  private recordOf(peer: Peer): Record {
    const key = keyOf(peer);
    const known = this.records.get(key) ?? { contrary: 0, checked: false };
    this.records.set(key, known);
    return known;
  }

  private isHealthy({ slot }: Peer): boolean {
    return (Atomics.load(this.of.group.peers.table.unhealthy, slot) & this.of.bit) === 0;
  }

  private mark({ slot }: Peer, healthy: boolean): void {
    const { unhealthy } = this.of.group.peers.table;
    if (healthy) Atomics.and(unhealthy, slot, ~this.of.bit);
    else Atomics.or(unhealthy, slot, this.of.bit);
  }

  private *peers(): Generator<Peer> {
    for (let set: PeerSet | null = this.of.group.peers; set !== null; set = set.backup) yield* set.peers;
  }
}

function keyOf({ name, backup }: Peer): string {
  return backup ? `${name} backup` : name;
}
