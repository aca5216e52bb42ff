import { createSocket } from "node:dgram";
import type { TcpEndpoint } from "./network.ts";

/** Sends datagrams back to where they came from. `stop` ends all that were started. */
export class DatagramEchoes {
  private readonly stops: (() => void)[] = [];

  readonly start = (): Promise<TcpEndpoint> => {
    const socket = createSocket("udp4");
    socket.on("message", (bytes, from) => socket.send(bytes, from.port, from.address));
    this.stops.push(() => socket.close());
    return new Promise((resolve) => {
      socket.bind(0, "127.0.0.1", () => {
        resolve({ kind: "tcp", address: "127.0.0.1", port: socket.address().port });
      });
    });
  };

  stop(): void {
    for (const stop of this.stops) stop();
  }
}
