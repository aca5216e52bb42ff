import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { isIPv6 } from "node:net";

/** Sends datagrams to one address; what cannot be delivered is lost, as datagrams are. */
export class DatagramSender {
  private readonly socket: Socket;
  private underWay = 0;
  private retired = false;
  private readonly host: string;
  private readonly port: number;

  /** @param host an IP address, or a name that is looked up with each datagram */
  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
    this.socket = openSocket(host);
  }

  /** Sends one datagram. The bytes may not be changed before they are sent, which nothing tells. */
  send(bytes: Buffer): void {
    const { host, port } = this;
    if (this.retired) {
      const socket = openSocket(host);
      socket.send(bytes, port, host, () => socket.close());
      return;
    }
    this.underWay += 1;
    this.socket.send(bytes, port, host, () => {
      this.underWay -= 1;
      if (this.retired && this.underWay === 0) this.socket.close();
    });
  }

  /** Holds no socket from here on: each datagram gets one of its own. */
  retire(): void {
    this.retired = true;
    if (this.underWay === 0) this.socket.close();
  }
}

function openSocket(host: string): Socket {
  const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  socket.on("error", () => undefined);
  socket.unref();
  return socket;
}
