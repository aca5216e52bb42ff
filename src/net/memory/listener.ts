import type { SocketAddress } from "../connection.ts";
import type { ListenOptions, Listener, ListenerEvents } from "../network.ts";
import type { MemoryConnection, World } from "./connection.ts";
import { ServerHandshake } from "./handshake.ts";

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
    if (tls === null) connection.guarded(() => connection.begin(this.events.onConnection(connection)));
    else this.secure(connection, tls);
  }

  private secure(connection: MemoryConnection, tls: NonNullable<ListenOptions["tls"]>): void {
    const handshake = new ServerHandshake(connection, tls, this.world, {
      onDone: (info, rest) => {
        handshake.stopTimer();
        connection.secured(info);
        connection.guarded(() => connection.begin(this.events.onConnection(connection), [rest]));
      },
      onPlain: (bytes) => {
        handshake.stopTimer();
        this.takePlain(connection, bytes);
      },
      onFailed: (code, message) => {
        handshake.stopTimer();
        this.tellFailure(connection, code, message);
      },
    });
    connection.begin(handshake);
  }

  private takePlain(connection: MemoryConnection, bytes: Buffer): void {
    const events = this.events;
    if (events.onPlainOnTls === undefined) {
      connection.close();
      this.tellFailure(connection, "ERR_SSL_HTTP_REQUEST", "http request");
      return;
    }
    const takePlain = events.onPlainOnTls.bind(events);
    connection.guarded(() => connection.begin(takePlain(connection), [bytes]));
  }

  private tellFailure(connection: MemoryConnection, code: string, message: string): void {
    connection.guarded(() => {
      this.events.onHandshakeError(connection.remote, connection.local, code, message);
    });
  }
}
