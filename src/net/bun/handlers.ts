import type { SocketError, SocketHandlers } from "./api.ts";
import type { InternalErrorHook } from "../guard.ts";
import { beginEvent, endEvent } from "../node/clock.ts";
import type { SocketCount } from "../socket-count.ts";
import type { ReceivedMemory } from "./received-memory.ts";

/**
 * The one set of handlers for all plain sockets of a network: each event goes to the socket's user.
 * Users guard their owners' callbacks themselves; `error` is the net below them.
 */
export function plainHandlers(
  sockets: SocketCount,
  received: ReceivedMemory,
  onInternalError: InternalErrorHook,
): SocketHandlers {
  return {
    binaryType: "buffer",
    open(socket) {
      beginEvent();
      try {
        socket.data.opened(socket);
      } finally {
        sockets.open += 1;
        endEvent();
      }
    },
    data(socket, bytes) {
      beginEvent();
      received.count(bytes.length);
      try {
        socket.data.receive(bytes);
      } finally {
        endEvent();
      }
    },
    end: (socket) => socket.data.ended(),
    drain: (socket) => socket.data.writable(),
    close(socket, error) {
      sockets.open -= 1;
      socket.data.closed(error);
    },
    connectError: (socket, error) => socket.data.connectFailed(error),
    error(socket, error) {
      const { code } = error as SocketError;
      // Not an exception, but what the TLS library says of a peer that renegotiates, for example.
      if (code === "EPROTO") socket.data.closed(error as SocketError);
      socket.terminate();
      if (code !== "EPROTO") onInternalError(error);
    },
  };
}

/** The same for TLS sockets: with a `handshake` handler, `open` comes before the handshake. */
function tlsHandlers(
  sockets: SocketCount,
  received: ReceivedMemory,
  onInternalError: InternalErrorHook,
): SocketHandlers {
  return {
    ...plainHandlers(sockets, received, onInternalError),
    handshake: (socket, ok, error) => socket.data.handshaken(ok, error),
  };
}

/** The same for dialed TLS sockets, which keep sessions. */
export function clientTlsHandlers(
  sockets: SocketCount,
  received: ReceivedMemory,
  onInternalError: InternalErrorHook,
): SocketHandlers {
  return {
    ...tlsHandlers(sockets, received, onInternalError),
    session: (socket, session) => socket.data.keepSession?.(session),
  };
}

/** The same for accepted TLS sockets, which also choose context and protocol. */
export function serverTlsHandlers(
  sockets: SocketCount,
  received: ReceivedMemory,
  onInternalError: InternalErrorHook,
): SocketHandlers {
  return {
    ...tlsHandlers(sockets, received, onInternalError),
    serverName: (_listener, name, socket) => socket.data.chooseContext?.(name),
    alpnCallback: (socket, _name, wire) => socket.data.chooseProtocol?.(wire),
  };
}
