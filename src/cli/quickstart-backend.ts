import type { Listener, Network } from "../net/network.ts";
import { WebSocketServerConnection } from "../websocket/server.ts";

/** A WebSocket server for people to try the gateway with. */
export interface QuickstartBackend {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts a backend that answers every text message by a JSON text that says which backend it is, on
 * which of its connections, and what the message was. Binary messages come back as they are.
 *
 * @throws Error with `code` "EADDRINUSE" when the port is taken.
 */
export async function startBackend(network: Network, port: number): Promise<QuickstartBackend> {
  const open = new Set<WebSocketServerConnection>();
  let opened = 0;
  const listener: Listener = await network.listen(
    { endpoint: { kind: "tcp", address: "127.0.0.1", port }, tls: null },
    {
      onConnection(connection) {
        const number = ++opened;
        const socket = new WebSocketServerConnection(connection, {
          clock: network.clock,
          events: {
            onOpen: () => open.add(socket),
            onMessage(_, data, isText) {
              if (!isText) socket.send(data, false);
              else socket.send(answer(port, number, data), true);
            },
            onClose: () => open.delete(socket),
          },
        });
        return socket;
      },
      onHandshakeError() {},
    },
  );
  return {
    port,
    async stop() {
      await listener.stop();
      for (const socket of open) socket.connection.close();
    },
  };
}

function answer(port: number, connection: number, message: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ backend: port, connection, message: message.toString() }));
}
