import type { Timer } from "../clock.ts";
import type { SocketAddress } from "../connection.ts";
import type { InternalErrorHook } from "../guard.ts";
import type { ListenOptions, Listener, ListenerEvents, ServerTls, TlsContext } from "../network.ts";
import { isAnyAddress } from "../node/address.ts";
import type { SystemClock } from "../node/clock.ts";
import { startsTls } from "../node/handshake.ts";
import { nodeContext } from "../node/tls-context.ts";
import { type BunListener, type BunSocket, requireBun, type SocketHandlers } from "./api.ts";
import { BunConnection } from "./connection.ts";
import { BunHandshake } from "./handshake.ts";
import type { Libc } from "./libc.ts";
import { BunAcceptor, endsOf, boundAddress, bunListenOptions } from "./listener.ts";
import { bunTlsOptions } from "./tls-options.ts";

/** How long a client may take for its first bytes before it is accepted without: see `Libc.deferAccept`. */
const firstBytesSeconds = 2;

/** Timers cannot be longer. */
const timerMsMax = 2 ** 31 - 1;

/**
 * What `BunTlsListener` is made from. The handlers are those of the network's TLS and plain sockets: a
 * client's first byte decides which of them it gets.
 */
export interface BunTlsListenerInit {
  readonly options: ListenOptions;
  readonly serverTls: ServerTls;
  /** What `contextFor(null, null)` gives now. */
  readonly context: TlsContext;
  readonly events: ListenerEvents;
  readonly tlsHandlers: SocketHandlers;
  readonly plainHandlers: SocketHandlers;
  readonly libc: Libc;
  readonly clock: SystemClock;
  readonly onInternalError: InternalErrorHook;
}

/** A TLS listening socket of Bun's own. */
export class BunTlsListener extends BunAcceptor implements Listener {
  address: SocketAddress;
  private readonly init: BunTlsListenerInit;
  private readonly anyAddress: boolean;
  private listener: BunListener;
  private context: TlsContext;
  private stopped = false;
  private ticketTimer: Timer | null = null;

  /** @throws Error with the system's code. */
  constructor(init: BunTlsListenerInit) {
    super();
    this.init = init;
    this.context = init.context;
    this.anyAddress = isAnyAddress(init.options.endpoint);
    this.listener = this.listen(bunListenOptions(init.options));
    this.address = boundAddress(init.options, this.listener);
    this.limitTickets();
    init.libc.deferAccept(this.listener.fd, firstBytesSeconds);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.ticketTimer?.cancel();
    this.listener.stop();
  }

  release(): null {
    void this.stop();
    return null;
  }

  opened(socket: BunSocket): void {
    const { serverTls, events, clock, onInternalError } = this.init;
    const admitted = events.admits?.() !== false;
    const addresses = admitted ? endsOf(socket, this.address, this.anyAddress) : null;
    if (addresses === null) {
      socket.close();
      return;
    }
    const handshake = new BunHandshake({ socket, ...addresses, serverTls, events, clock, onInternalError });
    const first = this.init.libc.peekByte(socket.fd);
    handshake.heard = first !== null;
    if (first !== null && !startsTls(first)) this.takePlain(socket, handshake, addresses);
    else this.applyContext(socket, handshake);
  }

  private listen(where: ReturnType<typeof bunListenOptions>): BunListener {
    return requireBun().listen({
      ...where,
      tls: bunTlsOptions(nodeContext(this.context).options),
      data: this,
      socket: this.init.tlsHandlers,
    });
  }

  /** The key material for clients without SNI may have changed since the listener was made. */
  private applyContext(socket: BunSocket, handshake: BunHandshake): void {
    try {
      const context = this.init.serverTls.contextFor(null, null);
      if (context === this.context) return;
      if (context === null || context === "unavailable") {
        handshake.refuse();
        return;
      }
      socket.setKeyCert(nodeContext(context).secure.context);
      this.context = context;
      this.renew();
    } catch (error) {
      handshake.refuse();
      this.init.onInternalError(error);
    }
  }

  /** The same listening socket with new TLS settings; its accept queue is kept, so nobody is lost. */
  private renew(): void {
    const fd = this.init.libc.duplicate(this.listener.fd);
    if (fd === null || this.stopped) return;
    const previous = this.listener;
    this.listener = this.listen({ fd, allowHalfOpen: true });
    previous.stop();
    this.limitTickets();
  }

  /** The keys of tickets belong to the listener's own context: it is made anew when they are old. */
  private limitTickets(): void {
    this.ticketTimer?.cancel();
    const { ticketLifeMs } = nodeContext(this.context);
    this.ticketTimer = Number.isFinite(ticketLifeMs)
      ? this.init.clock.timer(Math.min(ticketLifeMs, timerMsMax), () => this.renew())
      : null;
  }

  private takePlain(
    socket: BunSocket,
    handshake: BunHandshake,
    addresses: { remote: SocketAddress; local: SocketAddress },
  ): void {
    const { events, libc, plainHandlers, onInternalError } = this.init;
    const takePlain = events.onPlainOnTls?.bind(events);
    const fd = takePlain === undefined ? null : libc.duplicate(socket.fd);
    if (fd === null || takePlain === undefined) {
      handshake.refuse("ERR_SSL_HTTP_REQUEST", "http request");
      return;
    }
    handshake.abandon();
    const adopted = new AdoptedPlain((plain) => {
      const connection = new BunConnection({ socket: plain, ...addresses, tls: null, onInternalError });
      connection.begin(() => takePlain(connection, null));
    });
    requireBun()
      .connect({ fd, allowHalfOpen: true, data: adopted, socket: plainHandlers })
      .catch(onInternalError);
  }
}

/** The plain socket that takes over a descriptor. */
class AdoptedPlain extends BunAcceptor {
  readonly opened: (socket: BunSocket) => void;

  constructor(opened: (socket: BunSocket) => void) {
    super();
    this.opened = opened;
  }
}
