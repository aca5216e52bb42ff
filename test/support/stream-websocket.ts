/** WebSockets over HTTP/2 (RFC 8441) by hand: node:http2 opens the stream, `ws` speaks on it. */
import { once } from "node:events";
import http2 from "node:http2";
import type { Duplex } from "node:stream";
import { WebSocket } from "./ws.ts";

/** What `ws` does with a connection once its own handshake is over; not among its types. */
interface Joinable {
  _isServer: boolean;
  setSocket(socket: Duplex, head: Buffer, options: object): void;
}

/** A client's connection. Resolves when the server's settings have come. */
export async function connectHttp2(url: string): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(url, { rejectUnauthorized: false });
  session.on("error", () => {});
  await once(session, "remoteSettings");
  return session;
}

/** A stream that was answered. */
export interface Opened {
  readonly status: number;
  readonly fields: http2.IncomingHttpHeaders;
  readonly stream: http2.ClientHttp2Stream;
}

/** Sends an extended CONNECT. */
export async function extendedConnect(
  session: http2.ClientHttp2Session,
  path: string,
  fields: http2.OutgoingHttpHeaders = {},
): Promise<Opened> {
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "https",
      ":path": path,
      ":authority": "localhost",
      "sec-websocket-version": "13",
      ...fields,
    },
    { endStream: false },
  );
  const [answer] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  return { status: Number(answer[":status"]), fields: answer, stream };
}

/** A WebSocket on a stream of the session. @throws Error when the answer is not 200 */
export async function openStreamWebSocket(
  session: http2.ClientHttp2Session,
  path: string,
  fields: http2.OutgoingHttpHeaders = {},
): Promise<WebSocket> {
  const { status, stream } = await extendedConnect(session, path, fields);
  if (status !== 200) throw new Error(`answered with ${status}`);
  return joinStream(stream, false);
}

/** A WebSocket on a stream whose heads are over, at the server's end or the client's. */
export function joinStream(stream: Duplex, isServer: boolean): WebSocket {
  const options = { autoPong: true, closeTimeout: 30_000 };
  const socket = new WebSocket(null as unknown as string, undefined, options);
  const joinable = socket as unknown as Joinable;
  joinable._isServer = isServer;
  joinable.setSocket(stream, Buffer.alloc(0), { maxPayload: 0 });
  return socket;
}
