import type { Connection, ConnectionOwner } from "./connection.ts";
import type { DialOptions, Listener, ListenOptions, Network } from "./network.ts";

/** An owner that remembers what it was told, for the contract's tests. */
export class ContractPeer implements ConnectionOwner {
  readonly connection: Connection;
  bytes: Buffer[] = [];
  ends = 0;
  drains = 0;
  readonly closes: (string | null)[] = [];
  /** Called after each event was noted. */
  onAny: (() => void) | null = null;
  private readonly waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  constructor(connection: Connection) {
    this.connection = connection;
  }

  get text(): string {
    return Buffer.concat(this.bytes).toString("latin1");
  }

  get byteCount(): number {
    return this.bytes.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Resolves once `holds` is true; looked at after each event. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push({ holds, resolve }));
  }

  /** Resolves once the connection is told to be closed. */
  closed(): Promise<void> {
    return this.until(() => this.closes.length > 0);
  }

  onData(bytes: Buffer): void {
    this.bytes.push(Buffer.from(bytes));
    this.noted();
  }

  onEnd(): void {
    this.ends++;
    this.noted();
  }

  onDrain(): void {
    this.drains++;
    this.noted();
  }

  onClose(code: string | null): void {
    this.closes.push(code);
    this.noted();
  }

  private noted(): void {
    this.onAny?.();
    for (const entry of this.waiting.splice(0)) {
      if (entry.holds()) entry.resolve();
      else this.waiting.push(entry);
    }
  }
}

/** What a failed dial told. */
export class DialFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

/** Connects, or rejects with a `DialFailure`. */
export function connect(network: Network, options: DialOptions): Promise<ContractPeer> {
  return new Promise((resolve, reject) => {
    network.dial(options, {
      onConnected(connection) {
        const peer = new ContractPeer(connection);
        resolve(peer);
        return peer;
      },
      onFailed: (code, message) => reject(new DialFailure(code, message)),
    });
  });
}

/** What `onHandshakeError` was told. */
export interface HandshakeError {
  readonly code: string;
  readonly message: string;
}

/** A listener whose connections and handshake errors can be waited for, in order. */
export class AwaitedListener {
  readonly listener: Listener;
  readonly peers: Queue<ContractPeer>;
  readonly plain: Queue<ContractPeer>;
  readonly errors: Queue<HandshakeError>;
  /** Every connection that came, taken or not. */
  readonly accepted: readonly ContractPeer[];

  private constructor(
    listener: Listener,
    accepted: readonly ContractPeer[],
    queues: Pick<AwaitedListener, "peers" | "plain" | "errors">,
  ) {
    this.listener = listener;
    this.accepted = accepted;
    this.peers = queues.peers;
    this.plain = queues.plain;
    this.errors = queues.errors;
  }

  /**
   * Listens. With `takePlain`, plain text on a TLS listener is a connection, in `plain`; `admits` is asked
   * before each.
   */
  static async start(
    network: Network,
    options: ListenOptions,
    takePlain = false,
    admits: (() => boolean) | null = null,
  ): Promise<AwaitedListener> {
    const queues = {
      peers: new Queue<ContractPeer>(),
      plain: new Queue<ContractPeer>(),
      errors: new Queue<HandshakeError>(),
    };
    const accepted: ContractPeer[] = [];
    const enter = (queue: Queue<ContractPeer>, connection: Connection): ContractPeer => {
      const peer = new ContractPeer(connection);
      accepted.push(peer);
      queue.push(peer);
      return peer;
    };
    const listener = await network.listen(options, {
      onConnection: (connection) => enter(queues.peers, connection),
      onHandshakeError: (_remote, _local, code, message) => queues.errors.push({ code, message }),
      ...(admits === null ? {} : { admits }),
      ...(takePlain ? { onPlainOnTls: (connection: Connection) => enter(queues.plain, connection) } : {}),
    });
    return new AwaitedListener(listener, accepted, queues);
  }
}

/** Values that arrive one by one and are taken one by one. */
export class Queue<T> {
  private readonly values: T[] = [];
  private readonly takers: ((value: T) => void)[] = [];

  /** Gives a value to who has waited longest, or keeps it. */
  push(value: T): void {
    const taker = this.takers.shift();
    if (taker === undefined) this.values.push(value);
    else taker(value);
  }

  /** The oldest value, once there is one. */
  take(): Promise<T> {
    const value = this.values.shift();
    if (value !== undefined) return Promise.resolve(value);
    return new Promise((resolve) => this.takers.push(resolve));
  }

  get length(): number {
    return this.values.length;
  }
}

/** Bytes that differ from place to place, the same for the same seed. */
export function patternBytes(count: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(count);
  let state = seed | 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Sends all of `payload` in pieces through one reused buffer, stopping as `send` asks. */
export async function sendAll(peer: ContractPeer, payload: Buffer, pieceBytes: number): Promise<void> {
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0; at < payload.length; at += pieceBytes) {
    const count = payload.copy(piece, 0, at);
    const drained = peer.drains + 1;
    if (peer.connection.send(piece.subarray(0, count))) continue;
    piece.fill(0);
    await peer.until(() => peer.drains >= drained || peer.closes.length > 0);
  }
}
