import { EventEmitter, once } from "node:events";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { RawConnection } from "./raw.ts";
import { WebSocketServer, type WebSocket } from "./ws.ts";

/** A server behind the gateway. */
export interface Backend {
  readonly port: number;
  stop(): Promise<void>;
}

/** A WebSocket echo that also answers plain requests, and keeps what it was asked. */
export interface EchoBackend extends Backend {
  readonly requests: http.IncomingMessage[];
  /** The next connection that is opened. */
  nextConnection(): Promise<WebSocket>;
  /** The next connection that is opened on this path. */
  connectionTo(path: string): Promise<WebSocket>;
}

export interface EchoOptions {
  /** Certificate and key of a server that speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Answers some plain requests in its own way, and says so by true. */
  readonly answer?: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
}

/**
 * Echoes every message as it came, except on paths that end in "/silent"; a plain request is
 * answered by "METHOD TARGET from NAME".
 */
export async function startEchoBackend(
  name: string,
  port = 0,
  { tls, answer }: EchoOptions = {},
): Promise<EchoBackend> {
  const requests: http.IncomingMessage[] = [];
  const events = new EventEmitter().setMaxListeners(0);
  const onRequest: http.RequestListener = (request, response) => {
    requests.push(request);
    request.resume();
    if (answer?.(request, response) === true) return;
    response.end(`${request.method} ${request.url} from ${name}`);
  };
  const server = tls === undefined ? http.createServer(onRequest) : https.createServer(tls, onRequest);
  const sockets = new WebSocketServer({ server });
  sockets.on("headers", (fields) => fields.push(`X-Backend: ${name}`));
  sockets.on("connection", (socket, request) => {
    requests.push(request);
    socket.on("error", () => {});
    const silent = request.url?.endsWith("/silent") === true;
    if (!silent) socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    events.emit("connection", socket);
    events.emit(`connection to ${request.url}`, socket);
  });
  await listen(server, port);
  return {
    port: portOf(server),
    requests,
    async nextConnection() {
      const [socket] = (await once(events, "connection")) as [WebSocket];
      return socket;
    },
    async connectionTo(path) {
      const [socket] = (await once(events, `connection to ${path}`)) as [WebSocket];
      return socket;
    },
    async stop() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await close(server);
    },
  };
}

/** A server that hands every connection to the test, byte by byte. */
export async function startRawBackend(serve: (connection: RawConnection) => Promise<void>): Promise<Backend> {
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    serve(new RawConnection(socket)).catch(() => socket.destroy());
  });
  await listen(server, 0);
  return {
    port: portOf(server),
    async stop() {
      for (const socket of open) socket.destroy();
      await close(server);
    },
  };
}

export async function listen(server: net.Server, port: number): Promise<void> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
}

export function portOf(server: net.Server): number {
  return (server.address() as net.AddressInfo).port;
}

export function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
