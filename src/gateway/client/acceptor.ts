import type { Connection, ConnectionOwner, SocketAddress } from "../../net/connection.ts";
import type { ListenerEvents, Prologue } from "../../net/network.ts";
import { plainTlsMessage } from "../../net/tls-error.ts";
import { Client } from "../request/client.ts";
import { ClientConnection } from "./client-connection.ts";
import { Http2Connection } from "./http2-connection.ts";
import { PrefaceOwner } from "./preface-owner.ts";
import type { Gateway } from "../serve/gateway.ts";
import { endpointKey } from "../serve/listen-socket.ts";
import type { ListenSocket } from "../serve/listen-socket.ts";
import { ProxyHeaderReader } from "./proxy-header.ts";

/** What a listener on this socket calls: it makes of each connection one that reads requests. */
export function acceptor(gateway: Gateway, listenSocket: ListenSocket): ListenerEvents {
  return {
    admits: () => gateway.admits && gateway.limit.admits(),
    onConnection: (connection, prologue) => accept(gateway, connection, listenSocket, false, prologue),
    onPlainOnTls: (connection, prologue) => accept(gateway, connection, listenSocket, true, prologue),
    onHandshakeError: (remote, local, code, message) => {
      const server = listenSocket.serversFor(local).choice.defaultServer;
      const address = remote.family === "unix" ? "unix:" : remote.address;
      const where = `while SSL handshaking, client: ${address}, server: ${endpointKey(listenSocket.endpoint)}`;
      const text = `${handshakeReason(code, message)} ${where}`;
      server.root.core.errorLog.write("info", text, gateway.nextSerial());
    },
  };
}

/** Reads the PROXY protocol's header ahead of a TLS handshake; null when the client's address has none. */
export function proxyHeaderFor(
  gateway: Gateway,
  listenSocket: ListenSocket,
  remote: SocketAddress,
  local: SocketAddress,
): Prologue | null {
  if (!listenSocket.serversFor(local).settings.proxyProtocol) return null;
  return new ProxyHeaderReader(listenSocket, remote, local, gateway.nextSerial());
}

function accept(
  gateway: Gateway,
  connection: Connection,
  listenSocket: ListenSocket,
  plainOnTls: boolean,
  prologue: Prologue | null,
): ConnectionOwner {
  gateway.counters.countAccepted();
  gateway.counters.setActive(gateway.connections.size + 1);
  const client = new Client(gateway, connection, listenSocket);
  if (prologue instanceof ProxyHeaderReader) client.takeProxied(prologue.connection);
  if (connection.tls?.alpnProtocol === "h2") return acceptHttp2(client);
  const reading = new ClientConnection(client, plainOnTls);
  reading.awaitRequest();
  if (connection.tls !== null || plainOnTls) return reading;
  const { settings, choice } = reading.servers;
  const first = settings.http2 || choice.defaultServer.http2.enabled ? new PrefaceOwner(reading) : reading;
  return settings.proxyProtocol ? reading.awaitProxyHeader(first) : first;
}

/** The handshake has agreed on it. */
function acceptHttp2(client: Client): ConnectionOwner {
  const connection = new Http2Connection(client);
  connection.start();
  return connection;
}

/** Why there was no handshake, in nginx's words. */
function handshakeReason(code: string, message: string): string {
  if (code === "ECONNRESET") return message;
  if (code === "HANDSHAKE_TIMEOUT") return "client timed out (110: Connection timed out)";
  const plain = plainTlsMessage(message);
  return plain === "handshake rejected" ? plain : `SSL_do_handshake() failed (SSL: ${plain})`;
}
