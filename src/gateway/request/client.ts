import type { Connection } from "../../net/connection.ts";
import type { ProxiedConnection } from "../../net/proxy-protocol.ts";
import type { Gateway } from "../serve/gateway.ts";
import type { ListenSocket } from "../serve/listen-socket.ts";
import { Origin } from "./origin.ts";

/** What holds a client's socket, as the gateway as a whole knows it: reading requests, or a tunnel. */
export interface ClientHolder {
  readonly socket: Connection;
  readonly listenSocket: ListenSocket;
  /** A request is being served, or a tunnel is open. */
  readonly serving: boolean;
  /** Between requests: nothing is lost when the connection closes now. */
  readonly idle: boolean;
  /**
   * Closes the connection if it is idle after a request: the client knows that this may happen. One that has
   * only just come would take it for a failure, with its first request on the way.
   */
  closeKept(): void;
  /** Closes at once and waits for nobody. What was said before goes out, and the farewell that the protocol has. */
  dismiss(): void;
}

/**
 * Who is at the other end of an accepted connection, for as long as that lasts: what requests and log lines
 * tell of it. All that remains of a connection once it is a tunnel; thousands of those may be idle.
 */
export class Client {
  readonly gateway: Gateway;
  readonly socket: Connection;
  readonly listenSocket: ListenSocket;
  /** Number of the connection: `$connection`, and "*1" in the error log. */
  readonly serial: number;
  readonly startMs: number;
  /** Requests begun on the connection: `$connection_requests`. */
  requests = 0;
  /** Of every request, as long as it is not changed for one. */
  origin: Origin;
  /** The next request was here already when the one before ended: `$pipe`. */
  pipelined = false;

  constructor(gateway: Gateway, socket: Connection, listenSocket: ListenSocket) {
    this.gateway = gateway;
    this.socket = socket;
    this.listenSocket = listenSocket;
    this.serial = gateway.nextSerial();
    this.startMs = gateway.network.clock.now();
    this.origin = new Origin(socket.remote, socket.local, null, socket.tls);
  }

  /** The PROXY protocol has told of the client. */
  takeProxied(proxied: ProxiedConnection | null): void {
    const { socket } = this;
    this.origin = new Origin(socket.remote, socket.local, proxied, socket.tls);
  }
}
