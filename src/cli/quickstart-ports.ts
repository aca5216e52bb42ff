import type { ConnectionOwner } from "../net/connection.ts";
import type { ListenerEvents, Network } from "../net/network.ts";

const nobody: ConnectionOwner = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

/** For a listener that only shows that its port is free. */
const refuseAll: ListenerEvents = {
  onConnection(connection) {
    connection.reset();
    return nobody;
  },
  onHandshakeError() {},
};

/** How far from the wished port to look. */
const triesMax = 100;

/**
 * Calls `bind` with `wished`, then with the ports after it, until one is not taken.
 *
 * @throws what `bind` throws, unless its `code` says that the port is taken or forbidden.
 */
export async function onFreePort<T>(wished: number, bind: (port: number) => Promise<T>): Promise<T> {
  for (let port = wished; ; port++) {
    try {
      return await bind(port);
    } catch (error) {
      if (!isTaken(error) || port === wished + triesMax) throw error;
    }
  }
}

/** A port of 127.0.0.1, `wished` or one after it, that can be listened on now. */
export function findFreePort(network: Network, wished: number): Promise<number> {
  return onFreePort(wished, async (port) => {
    const endpoint = { kind: "tcp", address: "127.0.0.1", port } as const;
    const listener = await network.listen({ endpoint, tls: null }, refuseAll);
    await listener.stop();
    return port;
  });
}

function isTaken(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EADDRINUSE" || code === "EACCES";
}
