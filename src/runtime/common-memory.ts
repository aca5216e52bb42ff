import { randomBytes } from "node:crypto";
import { PeerRows } from "../gateway/balance/peer-rows.ts";
import type { RowMap } from "../gateway/balance/peer-rows.ts";
import { HeldRows, PeerTable } from "../gateway/balance/peer-table.ts";
import { Counters } from "../gateway/zones/counters.ts";
import { Heartbeat } from "../gateway/zones/heartbeat.ts";
import { SharedRegions } from "../gateway/zones/shared-memory.ts";
import { workersMax } from "../modules/core/main.ts";

/** Threads that may live at a time, those included that retire after a reload. Number 0 is the main thread. */
const threadsMax = 4 * workersMax;

/** How long the secret of session tickets lasts at least: the reload after that brings another. */
const ticketSecretMs = 24 * 60 * 60 * 1000;

/** What a worker thread is given once, when it starts. */
export interface WorkerMemory {
  /** Number of the thread: its row of counters. */
  readonly worker: number;
  readonly counters: SharedArrayBuffer;
  readonly peers: SharedArrayBuffer;
  /** What this thread has counted in the table of peers: `HeldRows`. */
  readonly held: SharedArrayBuffer;
  /** `Heartbeat` */
  readonly heartbeat: SharedArrayBuffer;
}

/** The shared part of a configuration while it is compiled. */
export interface MemoryDraft {
  readonly shared: SharedRegions;
  readonly peerRows: PeerRows;
  readonly ticketSecret: Buffer;
  readonly worker: number;
}

/** The memory that outlives configurations and threads, seen from the main thread. */
export class CommonMemory {
  readonly counters: Counters;
  private readonly countersBuffer = new SharedArrayBuffer(Counters.byteLength(threadsMax));
  private readonly peersBuffer = new SharedArrayBuffer(PeerTable.byteLength(PeerRows.capacity));
  private readonly peers = new PeerTable(PeerRows.capacity, this.peersBuffer);
  private readonly workers = new Map<number, WorkerMemory>();
  private regions: ReadonlyMap<string, SharedArrayBuffer> = new Map();
  private rows: RowMap = new Map();
  private ticketSecret = Buffer.alloc(0);
  private ticketSecretMadeMs = -Infinity;

  constructor() {
    this.counters = new Counters(this.countersBuffer);
  }

  /** For compiling the next configuration. */
  begin(nowMs = performance.now()): MemoryDraft {
    this.renewTicketSecret(nowMs);
    return {
      shared: new SharedRegions(this.regions),
      peerRows: new PeerRows(this.peers, this.rows, true),
      ticketSecret: this.ticketSecret,
      worker: 0,
    };
  }

  /** That configuration is in use now. */
  adopt({ shared, peerRows }: Pick<MemoryDraft, "shared" | "peerRows">): void {
    this.regions = shared.used;
    this.rows = peerRows.rows;
  }

  /** Sessions survive reloads, as with nginx's shared cache. */
  private renewTicketSecret(nowMs: number): void {
    if (nowMs - this.ticketSecretMadeMs < ticketSecretMs) return;
    this.ticketSecret = randomBytes(48);
    this.ticketSecretMadeMs = nowMs;
  }

  /** A number and memory for another thread. @throws Error when there are too many */
  admit(): WorkerMemory {
    let worker = 1;
    while (this.workers.has(worker)) worker += 1;
    if (worker >= threadsMax) throw new Error("too many worker threads");
    const held = new SharedArrayBuffer(HeldRows.byteLength(PeerRows.capacity));
    const heartbeat = new SharedArrayBuffer(Heartbeat.byteLength);
    const memory = { worker, counters: this.countersBuffer, peers: this.peersBuffer, held, heartbeat };
    this.workers.set(worker, memory);
    return memory;
  }

  /** The thread is gone: what it held is free again. */
  dismiss({ worker, held }: WorkerMemory): void {
    this.peers.freeAll(new HeldRows(PeerRows.capacity, held));
    this.counters.inherit(worker);
    this.workers.delete(worker);
  }
}
