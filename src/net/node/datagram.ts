import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { isIPv6 } from "node:net";

/** Sends datagrams to one address; what cannot be delivered is lost, as datagrams are. */
export class DatagramSender {
  private readonly socket: Socket;
  private readonly host: string;
  private readonly port: number;

  /** @param host an IP address, or a name that is looked up with each datagram */
  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
    this.socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    this.socket.on("error", () => undefined);
    this.socket.unref();
  }

  send(bytes: Buffer): void {
    this.socket.send(bytes, this.port, this.host, () => undefined);
  }
}
