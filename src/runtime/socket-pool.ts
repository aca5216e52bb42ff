import { fchownSync } from "node:fs";
import type { SocketPlan } from "../gateway/build/group-sockets.ts";
import { endpointKey } from "../gateway/serve/listen-socket.ts";
import type { Clock } from "../net/clock.ts";
import type { KeptSocket, SocketKeeper } from "../net/kept-socket.ts";
import type { Endpoint } from "../net/network.ts";
import { bindPatiently } from "./binding.ts";
import type { BindError } from "./binding.ts";
import { defaultBacklog } from "./listeners.ts";
import type { Inheritance } from "./inheritance.ts";
import type { PassedSocket, SocketName } from "./messages.ts";

/** A listening socket and the thread that accepts on it. */
interface Slot<W> {
  readonly key: string;
  readonly endpoint: Endpoint;
  readonly number: number;
  kept: KeptSocket;
  /** Only the main thread can use it. */
  readonly stays: boolean;
  holder: W | null;
}

/** How threads are reached. */
export interface Borrower<W> {
  /** Must send the sockets before it returns. */
  readonly lend: (to: W, sockets: PassedSocket[], transfer: object[]) => Promise<void>;
  /** It has died, or is about to. */
  readonly isGone: (thread: W) => boolean;
  readonly takeBack: (from: W, names: readonly SocketName[]) => Promise<readonly PassedSocket[]>;
}

/**
 * The listening sockets of the process, which outlive configurations and threads: as many for an endpoint
 * as there ever were workers. When there are fewer, each takes several: one that was closed would
 * reset what waits in its queue.
 */
export class SocketPool<W extends object> {
  private readonly keeper: SocketKeeper;
  private readonly clock: Clock;
  private readonly slots = new Map<string, Slot<W>[]>();
  private readonly inheritance: Inheritance;

  constructor(keeper: SocketKeeper, clock: Clock, inheritance: Inheritance) {
    this.keeper = keeper;
    this.clock = clock;
    this.inheritance = inheritance;
  }

  /**
   * Binds what a configuration needs for so many threads; nobody accepts yet. Returns what undoes it.
   * @throws BindError when one cannot be had; nothing has changed then
   */
  async open(
    plans: readonly SocketPlan[],
    threads: number,
    onBusy: (error: BindError) => void,
  ): Promise<() => void> {
    const fresh: Slot<W>[] = [];
    const undo = (): void => {
      for (const slot of fresh) this.discard(slot);
    };
    try {
      for (const plan of plans) {
        const key = endpointKey(plan.endpoint);
        const stays = !this.keeper.crossesThreads(plan.endpoint);
        const known = this.slots.get(key);
        const slots = known ?? this.adopt(plan, stays);
        if (known === undefined) fresh.push(...slots);
        if (slots.length > 0) this.slots.set(key, slots);
        const missing = (stays ? 1 : threads) - slots.length;
        if (missing <= 0) continue;
        const siblings = slots.map(({ kept }) => kept);
        const bind = (): KeptSocket[] => this.keeper.open(bindOptions(plan), missing, siblings);
        // Nobody but this process can be in the way of another socket of its own.
        const opened = siblings.length > 0 ? bind() : await bindPatiently(plan, this.clock, bind, onBusy);
        for (const kept of opened) {
          const slot: Slot<W> = {
            key,
            endpoint: plan.endpoint,
            number: slots.length,
            kept,
            stays,
            holder: null,
          };
          slots.push(slot);
          fresh.push(slot);
        }
        this.slots.set(key, slots);
      }
    } catch (error) {
      undo();
      throw error;
    }
    this.inheritance.forget();
    return undo;
  }

  /**
   * The process is about to become another user: the kernel lets only sockets of one user share a port, so
   * those that there are become that user's, lest it can bind none beside them.
   */
  giveTo(uid: number, plans: readonly SocketPlan[]): void {
    for (const plan of plans) {
      this.keeper.reserve(bindOptions(plan), uid);
      for (const { kept } of this.slots.get(endpointKey(plan.endpoint)) ?? []) {
        const descriptor = kept.descriptor();
        if (descriptor !== null) fchownSync(descriptor, uid, -1);
      }
    }
  }

  /** What another process has bound. */
  private adopt(plan: SocketPlan, stays: boolean): Slot<W>[] {
    const key = endpointKey(plan.endpoint);
    const inherited = this.keeper.adopt(bindOptions(plan), this.inheritance.take(key));
    return inherited.map((kept, number) => ({
      key,
      endpoint: plan.endpoint,
      number,
      kept,
      stays,
      holder: null,
    }));
  }

  /**
   * The descriptors of all sockets by endpoint, for another process to inherit; null when one cannot be told.
   */
  descriptors(): Map<string, number[]> | null {
    const all = new Map<string, number[]>();
    for (const [key, slots] of this.slots) {
      const known = slots.map(({ kept }) => kept.descriptor()).filter((fd) => fd !== null);
      if (known.length < slots.length) return null;
      all.set(key, known);
    }
    return all;
  }

  /** Nobody accepts from here on; the sockets stay open, until they are distributed again. */
  async shelve({ takeBack }: Borrower<W>): Promise<void> {
    const lent = [...this.slots.values()].flat().filter(({ holder }) => holder !== null);
    for (const [holder, slots] of groupBy(lent, (slot) => slot.holder!)) {
      for (const { key, slot: number, handle } of await takeBack(holder, slots.map(nameOf))) {
        const slot = this.slots.get(key)?.[number];
        if (slot === undefined) continue;
        slot.kept.takeBack(handle);
        slot.kept.shelve();
        slot.holder = null;
      }
    }
  }

  /** Closes what a configuration does not name any more. Its listeners are closed already. */
  keepOnly(plans: readonly SocketPlan[]): void {
    const wanted = new Set(plans.map(({ endpoint }) => endpointKey(endpoint)));
    for (const [key, slots] of this.slots) {
      if (wanted.has(key)) continue;
      for (const { kept } of slots) kept.close(this.inheritance.isShared());
      this.slots.delete(key);
      this.keeper.forget(slots[0]!.endpoint);
    }
  }

  /** What threads gave back of themselves. */
  takeBack(sockets: readonly PassedSocket[]): void {
    for (const { key, slot: number, handle } of sockets) {
      const slot = this.slots.get(key)?.[number];
      if (slot === undefined) continue;
      slot.kept.takeBack(handle);
      slot.holder = null;
    }
  }

  /**
   * Moves sockets so that all threads accept: `main` alone those that cannot move. Those of a thread that is
   * gone stay as they are until it is replaced.
   */
  async distribute(threads: readonly W[], main: W, borrower: Borrower<W>): Promise<void> {
    const { lend, takeBack, isGone } = borrower;
    const wanted = (slot: Slot<W>): W | null => {
      const thread = slot.stays ? main : threads[slot.number % threads.length]!;
      return isGone(thread) ? null : thread;
    };
    const misplaced = [...this.slots.values()].flat().filter((slot) => {
      const thread = wanted(slot);
      return slot.holder !== null && thread !== null && slot.holder !== thread;
    });
    const lending: Promise<void>[] = [];
    for (const [holder, slots] of groupBy(misplaced, (slot) => slot.holder!)) {
      this.takeBack(await takeBack(holder, slots.map(nameOf)));
      lending.push(...this.lendFree(wanted, lend));
    }
    lending.push(...this.lendFree(wanted, lend));
    await Promise.all(lending);
  }

  /** Sockets of a thread that dies go to another one at once; without one they wait for its replacement. */
  async handOn(sockets: readonly PassedSocket[], to: W | null, { lend }: Borrower<W>): Promise<void> {
    this.takeBack(sockets);
    await Promise.all(this.lendFree((slot) => (slot.stays ? null : to), lend));
  }

  /**
   * On Node a socket that came back, or was never lent, accepts in this thread, for nobody, unless it is sent
   * on before this thread turns to its events. So nothing may be waited for in here, or before.
   */
  private lendFree(wanted: (slot: Slot<W>) => W | null, lend: Borrower<W>["lend"]): Promise<void>[] {
    const unused = [...this.slots.values()].flat().filter(({ holder }) => holder === null);
    for (const slot of unused) if (!slot.stays && wanted(slot) === null) slot.kept.shelve();
    const free = unused.filter((slot) => slot.kept.survives() && wanted(slot) !== null);
    return [...groupBy(free, (slot) => wanted(slot)!)].map(([thread, slots]) => {
      const lent = slots.map((slot) => ({ slot, ...slot.kept.lend() }));
      for (const slot of slots) slot.holder = thread;
      const sockets = lent.map(({ slot, handle }) => ({ ...nameOf(slot), handle }));
      const transfer = lent.flatMap((each) => [...each.transfer]);
      return lend(thread, sockets, transfer);
    });
  }

  /** A thread has died: what went with it is bound anew, beside the sockets of the others. */
  replaceLost(dead: W, plans: readonly SocketPlan[]): void {
    for (const plan of plans) {
      const slots = this.slots.get(endpointKey(plan.endpoint)) ?? [];
      for (const slot of slots) {
        if (slot.holder === dead) slot.holder = null;
        if (slot.holder !== null) continue;
        if (slot.kept.survives()) continue;
        const siblings = slots.filter((other) => other !== slot).map(({ kept }) => kept);
        slot.kept = this.keeper.open(bindOptions(plan), 1, siblings)[0]!;
      }
    }
  }

  /** Closes all sockets that no listener has; their ports are free with that. */
  close(): void {
    this.keepOnly([]);
  }

  private discard(slot: Slot<W>): void {
    slot.kept.close(this.inheritance.isShared());
    const rest = (this.slots.get(slot.key) ?? []).filter((other) => other !== slot);
    if (rest.length > 0) this.slots.set(slot.key, rest);
    else this.slots.delete(slot.key);
  }
}

function nameOf(slot: Slot<object>): SocketName {
  return { key: slot.key, slot: slot.number };
}

/** How the socket of an endpoint is to be bound. */
export function bindOptions({ endpoint, addresses }: SocketPlan): Parameters<SocketKeeper["open"]>[0] {
  const key = endpointKey(endpoint);
  const { settings } = addresses.find((each) => endpointKey(each.endpoint) === key)!;
  return { endpoint, backlog: settings.backlog ?? defaultBacklog, ipv6Only: settings.ipv6Only };
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
