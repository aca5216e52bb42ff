import type { ConnectionOwner, SocketAddress } from "../connection.ts";
import type { ListenOptions, Listener, ListenerEvents, Prologue } from "../network.ts";
import type { MemoryConnection, World } from "./connection.ts";
import { MemoryServerHandshake } from "./handshake.ts";

/** A simulated listening socket. */
export class MemoryListener implements Listener {
  readonly address: SocketAddress;
  readonly options: ListenOptions;
  private readonly events: ListenerEvents;
  private readonly world: World;
  private readonly onStop: (listener: MemoryListener) => void;

  constructor(
    address: SocketAddress,
    options: ListenOptions,
    events: ListenerEvents,
    world: World,
    onStop: (listener: MemoryListener) => void,
  ) {
    this.address = address;
    this.options = options;
    this.events = events;
    this.world = world;
    this.onStop = onStop;
  }

  stop(): Promise<void> {
    this.onStop(this);
    return Promise.resolve();
  }

  /** A connection came out of the accept queue. */
  accept(connection: MemoryConnection): void {
    if (this.events.admits?.() === false) {
      connection.close();
      return;
    }
    const { tls } = this.options;
    if (tls === null) connection.guarded(() => connection.begin(this.events.onConnection(connection, null)));
    else this.secure(connection, tls);
  }

  private secure(connection: MemoryConnection, tls: NonNullable<ListenOptions["tls"]>): void {
    const prologue = tls.prologueFor?.(connection.remote, connection.local) ?? null;
    const handshake = new MemoryServerHandshake(connection, tls, this.world, {
      onDone: (info, rest) => {
        handshake.stopTimer();
        connection.secured(info);
        connection.guarded(() => connection.begin(this.events.onConnection(connection, prologue), [rest]));
      },
      onPlain: (bytes) => {
        handshake.stopTimer();
        this.takePlain(connection, prologue, bytes);
      },
      onFailed: (code, message) => {
        handshake.stopTimer();
        if (reader === null || reader.done) this.tellFailure(connection, code, message);
        else reader.cut(code);
      },
    });
    const reader = prologue === null ? null : new PrologueReader(connection, prologue, handshake);
    connection.begin(reader ?? handshake);
  }

  private takePlain(connection: MemoryConnection, prologue: Prologue | null, bytes: Buffer): void {
    const events = this.events;
    if (events.onPlainOnTls === undefined) {
      connection.close();
      this.tellFailure(connection, "ERR_SSL_HTTP_REQUEST", "http request");
      return;
    }
    const takePlain = events.onPlainOnTls.bind(events);
    connection.guarded(() => connection.begin(takePlain(connection, prologue), [bytes]));
  }

  private tellFailure(connection: MemoryConnection, code: string, message: string): void {
    connection.guarded(() => {
      this.events.onHandshakeError(connection.remote, connection.local, code, message);
    });
  }
}

/** Has the connection until its prologue is over, then leaves it to the handshake. */
class PrologueReader implements ConnectionOwner {
  done = false;
  private refused = false;
  private readonly connection: MemoryConnection;
  private readonly prologue: Prologue;
  private readonly handshake: MemoryServerHandshake;

  constructor(connection: MemoryConnection, prologue: Prologue, handshake: MemoryServerHandshake) {
    this.connection = connection;
    this.prologue = prologue;
    this.handshake = handshake;
  }

  onData(bytes: Buffer): void {
    const taken = this.prologue.read(bytes);
    if (taken === "more") return;
    if (taken === "refused") {
      this.refused = true;
      this.connection.close();
      return;
    }
    this.done = true;
    this.connection.owner = this.handshake;
    if (taken < bytes.length) this.handshake.onData(bytes.subarray(taken));
  }

  onEnd(): void {
    this.handshake.onEnd();
  }

  onDrain(): void {}

  onClose(code: string | null): void {
    this.handshake.onClose(code);
  }

  cut(code: string): void {
    if (!this.refused) this.prologue.onCut(code === "HANDSHAKE_TIMEOUT" ? "timeout" : "closed");
  }
}
