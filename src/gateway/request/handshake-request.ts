import type { Connection, SocketAddress, TlsInfo } from "../../net/connection.ts";
import type { ConnectionEnds } from "../../net/network.ts";
import { Fields } from "../../http/fields.ts";
import { lostWriter } from "./answer-writer.ts";
import { noBodySource } from "./body-source.ts";
import { Client } from "./client.ts";
import type { Gateway } from "../serve/gateway.ts";
import type { ListenSocket } from "../serve/listen-socket.ts";
import { RequestBody } from "./request-body.ts";
import { Request } from "./request.ts";
import type { VirtualServer } from "../serve/virtual-server.ts";

/** A handshake that waits for what its server uses. */
export interface HandshakeScene {
  readonly gateway: Gateway;
  readonly listenSocket: ListenSocket;
  readonly server: VirtualServer;
  /** The name that the client sent, in lower case. */
  readonly name: string | null;
  readonly ends: ConnectionEnds;
}

/**
 * What variables are read from during a handshake: a request without a head, on a connection that tells its ends
 * and the client's name. Nothing is sent on it, and nobody keeps it.
 */
export function handshakeRequest({ gateway, listenSocket, server, name, ends }: HandshakeScene): Request {
  const client = new Client(gateway, new ShakingConnection(ends, name), listenSocket);
  const body = new RequestBody(noBodySource, 0, false);
  const head = { ...noHead, fields: new Fields() };
  const request = new Request({ client, writer: lostWriter, head, body, server });
  request.location = server.root;
  return request;
}

const noHead: Omit<Request["head"], "fields"> = {
  method: "",
  requestLine: "",
  target: "",
  requestUri: "",
  path: "",
  args: null,
  uri: "",
  requestUriValid: false,
  uriChanged: false,
  versionMajor: 1,
  versionMinor: 0,
  protocol: "",
  schemeFromAbsoluteForm: null,
  hostFromAbsoluteForm: null,
  host: null,
  port: null,
  contentLength: null,
  chunked: false,
  connection: null,
  bytes: 0,
};

class ShakingConnection implements Connection {
  owner: Connection["owner"] = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly tls: TlsInfo;
  readonly queued = 0;
  readonly open = false;

  constructor({ remote, local }: ConnectionEnds, serverName: string | null) {
    this.remote = remote;
    this.local = local;
    this.tls = { ...nothingAgreed, serverName };
  }

  send(): boolean {
    return false;
  }

  pause(): void {}
  resume(): void {}
  shutdown(): void {}
  reset(): void {}
  close(): void {}
  setKeepAlive(): void {}
}

const nothingAgreed: TlsInfo = {
  protocol: "",
  cipher: "",
  serverName: null,
  alpnProtocol: null,
  sessionReused: false,
  sessionAccepted: false,
  sessionId: "",
  curve: "",
  hello: null,
  verifyError: null,
  peerCertificates: () => [],
};
