import type { Connection, ConnectionOwner, SocketAddress, TlsInfo } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { VirtualClock } from "./clock.ts";
import type { SocketCount } from "../socket-count.ts";
import type { SeededRandom } from "./random.ts";
import type { Weather } from "./weather.ts";

/** What all connections of one simulated network share. */
export interface World {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly weather: Weather;
  readonly sockets: SocketCount;
  readonly onInternalError: InternalErrorHook;
}

/** Thresholds of `send`'s answer, as found in the wild: strict and lenient. */
const queuedBytesMaxChoices = [1, 16 * 1024, 64 * 1024];

/** That an owner gets a part of what could be read, and the rest later. */
const splitReadChance = 0.25;

const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/**
 * One end of a simulated connection. Bytes go: own queue (`queue`), kernel and wire (counted in
 * `inKernel` until the peer's owner has them), the peer's `received`.
 */
export class MemoryConnection implements Connection {
  owner: ConnectionOwner = nobody;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  tls: TlsInfo | null = null;
  open = true;
  private readonly world: World;
  private readonly queuedBytesMax: number;
  /** Some systems tell a reset at once, some only to who reads. */
  private readonly tellsResetWhilePaused: boolean;
  private peer: MemoryConnection | null = null;
  private queue: Buffer[] = [];
  private queuedBytes = 0;
  private inKernel = 0;
  private received: Buffer[] = [];
  private arrivesAt = 0;
  private paused = false;
  private shutDown = false;
  private finSent = false;
  private finReceived = false;
  private endTold = false;
  private resetReceived = false;
  private drainOwed = false;
  private writableSet = false;
  private deliverySet = false;
  private closed = false;

  constructor(world: World, local: SocketAddress, remote: SocketAddress) {
    this.world = world;
    world.sockets.open += 1;
    this.local = local;
    this.remote = remote;
    this.queuedBytesMax = world.random.pick(queuedBytesMaxChoices) ?? 1;
    this.tellsResetWhilePaused = world.random.chance(0.5);
  }

  /** Makes two ends one connection. Nothing arrives before `usableAtMs`. */
  static join(a: MemoryConnection, b: MemoryConnection, usableAtMs: number): void {
    a.peer = b;
    b.peer = a;
    a.arrivesAt = usableAtMs;
    b.arrivesAt = usableAtMs;
  }

  get queued(): number {
    return this.queuedBytes;
  }

  send(bytes: Buffer): boolean {
    if (!this.open || this.shutDown) return false;
    if (bytes.length === 0) return true;
    // A write is where a reset that was not told yet comes to light.
    if (this.resetReceived) this.end("ECONNRESET");
    this.queue.push(Buffer.from(bytes));
    this.queuedBytes += bytes.length;
    if (this.queue.length === 1) this.fillKernel();
    if (this.queuedBytes < this.queuedBytesMax) return true;
    this.drainOwed = true;
    return false;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.setDelivery();
  }

  shutdown(): void {
    if (!this.open || this.shutDown) return;
    this.shutDown = true;
    if (this.queuedBytes === 0) this.sendFin();
  }

  reset(): void {
    if (!this.open) return;
    this.sendReset();
    this.end(null);
  }

  close(): void {
    if (!this.open) return;
    // As Linux does: unread bytes turn the close into a reset.
    if (this.received.length > 0) this.sendReset();
    else this.sendFin();
    this.end(null);
  }

  setKeepAlive(): void {}

  /** Starts the flow of events; `first` are bytes that were read already and belong to the owner. */
  begin(owner: ConnectionOwner, first: readonly Buffer[] = []): void {
    this.owner = owner;
    this.received.unshift(...first.filter((bytes) => bytes.length > 0));
    this.setDelivery();
  }

  /** The handshake is done; what it sent is no concern of the owner. */
  secured(info: TlsInfo): void {
    this.tls = info;
    this.drainOwed = false;
  }

  /** Holds up everything that this end sends from now on. */
  stall(durationMs: number): void {
    this.arrivesAt = Math.max(this.arrivesAt, this.world.clock.now() + durationMs);
  }

  /** The connection breaks between the two ends: both see a reset. */
  breakOff(): void {
    this.peer?.takeReset();
    this.takeReset();
  }

  /** Runs something of the owner's; an exception resets this connection and no other. */
  guarded(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.reset();
      this.world.onInternalError(error);
    }
  }

  private fillKernel(): void {
    const { random, weather } = this.world;
    while (this.queue.length > 0) {
      const chunk = this.queue[0] ?? Buffer.alloc(0);
      const room = Math.min(chunk.length, weather.kernelBytesMax - this.inKernel);
      const taken = random.chance(weather.partialWriteChance) ? random.integer(0, room) : room;
      this.transmit(chunk.subarray(0, taken));
      this.queuedBytes -= taken;
      if (taken < chunk.length) {
        this.queue[0] = chunk.subarray(taken);
        if (taken < room) this.setWritable();
        return;
      }
      this.queue.shift();
    }
  }

  private transmit(bytes: Buffer): void {
    const { random, weather } = this.world;
    this.inKernel += bytes.length;
    for (let at = 0; at < bytes.length;) {
      const count = random.integer(1, Math.min(weather.segmentBytesMax, bytes.length - at));
      const segment = bytes.subarray(at, at + count);
      at += count;
      if (random.chance(weather.stallChance)) this.stall(random.integer(0, weather.stallMsMax));
      if (random.chance(weather.resetChance)) this.arrival(() => this.breakOff());
      else this.arrival(() => this.peer?.takeSegment(segment));
    }
  }

  /** Runs `arrive` after a delay, never before what was sent earlier. */
  private arrival(arrive: () => void): void {
    const { clock, random, weather } = this.world;
    const delayMs = random.integer(weather.delayMsMin, weather.delayMsMax);
    this.arrivesAt = Math.max(this.arrivesAt, clock.now() + delayMs);
    clock.timer(this.arrivesAt - clock.now(), arrive);
  }

  private sendFin(): void {
    if (this.finSent) return;
    this.finSent = true;
    this.arrival(() => this.peer?.takeFin());
    this.endIfBothDone();
  }

  private sendReset(): void {
    this.arrival(() => this.peer?.takeReset());
  }

  private takeSegment(segment: Buffer): void {
    if (!this.open) {
      // Nobody is here any more: the kernel answers with a reset.
      this.sendReset();
      return;
    }
    // The segment that the reset took the place of is missing before this one.
    if (this.resetReceived) return;
    this.received.push(segment);
    this.setDelivery();
  }

  private takeFin(): void {
    this.finReceived = true;
    this.setDelivery();
  }

  private takeReset(): void {
    if (!this.open) return;
    this.resetReceived = true;
    if (this.paused && this.tellsResetWhilePaused) {
      this.paused = false;
      this.received = [Buffer.concat(this.received)];
    }
    this.setDelivery();
  }

  private setDelivery(): void {
    if (this.deliverySet) return;
    this.deliverySet = true;
    this.world.clock.timer(0, () => {
      this.deliverySet = false;
      this.deliver();
    });
  }

  /** One event for the owner: bytes, or the end once there are none. */
  private deliver(): void {
    if (!this.open || this.paused || this.owner === nobody) return;
    const bytes = this.takeReceived();
    if (bytes !== null) {
      this.setDelivery();
      this.deliverBytes(bytes);
    } else if (this.resetReceived) {
      this.end("ECONNRESET");
    } else if (this.finReceived && !this.endTold) {
      this.endTold = true;
      this.guarded(() => this.owner.onEnd());
      this.endIfBothDone();
    }
  }

  /** A seeded part of what has arrived; null when nothing has. */
  private takeReceived(): Buffer | null {
    const chunk = this.received.shift();
    if (chunk === undefined || chunk.length === 0) return null;
    const { random } = this.world;
    const whole = this.resetReceived || !random.chance(splitReadChance);
    const count = whole ? chunk.length : random.integer(1, chunk.length);
    if (count < chunk.length) this.received.unshift(chunk.subarray(count));
    this.peer?.roomFreed(count);
    return chunk.subarray(0, count);
  }

  /** The owner's view is good for the call only: afterwards it is overwritten, to catch who kept it. */
  private deliverBytes(bytes: Buffer): void {
    const view = Buffer.from(bytes);
    this.guarded(() => this.owner.onData(view));
    view.fill(0xdd);
  }

  private roomFreed(count: number): void {
    this.inKernel -= count;
    // As in Linux, a third must be free before a write is worth it: else it would go byte by byte.
    if (this.queuedBytes > 0 && this.inKernel * 3 <= this.world.weather.kernelBytesMax * 2)
      this.setWritable();
  }

  private setWritable(): void {
    if (this.writableSet) return;
    this.writableSet = true;
    const { clock, random, weather } = this.world;
    clock.timer(random.integer(weather.delayMsMin, weather.delayMsMax), () => {
      this.writableSet = false;
      this.takeWritable();
    });
  }

  private takeWritable(): void {
    if (!this.open) return;
    this.fillKernel();
    if (this.queuedBytes > 0) return;
    if (this.shutDown) this.sendFin();
    if (!this.drainOwed) return;
    this.drainOwed = false;
    this.guarded(() => this.owner.onDrain());
  }

  private endIfBothDone(): void {
    if (this.finSent && this.endTold) this.end(null);
  }

  private end(code: string | null): void {
    if (this.closed) return;
    this.closed = true;
    this.open = false;
    this.world.sockets.open -= 1;
    this.queue = [];
    this.queuedBytes = 0;
    this.received = [];
    this.world.clock.timer(0, () => {
      const { owner } = this;
      this.owner = nobody;
      this.guarded(() => owner.onClose(code));
    });
  }
}
