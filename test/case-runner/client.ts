import { readFileSync } from "node:fs";
import { connect as connectTcp, type NetConnectOpts, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { ByteStream, WAIT_MS } from "./byte-stream.ts";
import { Http2Client } from "./http2-client.ts";
import { framingOf, normalised, readBody, readHead, type Message } from "./message.ts";

export interface TlsChoice {
  /** Name for SNI; null sends none. */
  readonly serverName: string | null;
  /** The only version offered, "TLSv1.2" or "TLSv1.3"; null offers both. */
  readonly version: "TLSv1.2" | "TLSv1.3" | null;
  /** Names for ALPN; null sends none. */
  readonly protocols: readonly string[] | null;
  /** "plain" shows `certificates/client-plain.crt`; null shows none. */
  readonly certificate: string | null;
}

/** How HTTP/2 is begun: with SETTINGS of the client's own (null: usual ones), or without sending anything (`bare`). */
export interface Http2Choice {
  readonly settings: readonly string[] | null;
  readonly bare: boolean;
}

export type Target = { readonly host: string; readonly port: number } | { readonly path: string };

/** A client connection that knows which responses it is still owed. */
export class Client {
  readonly stream: ByteStream;
  /** The subject's common name of the certificate that the server showed; null without TLS. */
  readonly certificateName: string | null;
  readonly localPort: number;
  /** The protocol that ALPN agreed on; null without. */
  readonly protocol: string | null;
  /** Set when the connection speaks HTTP/2. */
  http2: Http2Client | null = null;
  /** Methods of requests whose responses have not been read. */
  #owed: string[] = [];
  used = false;

  constructor(socket: Socket, certificateName: string | null, protocol: string | null) {
    this.stream = new ByteStream(socket);
    this.localPort = socket.localPort ?? 0;
    this.certificateName = certificateName;
    this.protocol = protocol;
  }

  /** From now on both sides speak HTTP/2. */
  speakHttp2({ settings, bare }: Http2Choice): void {
    this.http2 = new Http2Client(this.stream, this.protocol !== null, settings, bare);
  }

  /** Sends bytes; heads that begin in them are noted, for the sake of HEAD. */
  send(bytes: string): void {
    this.used = true;
    const starts = bytes.matchAll(/(?:^|\r\n\r\n)([A-Z]+) \S+ HTTP\/1\.\d\r\n/g);
    for (const [, method = ""] of starts) this.#owed.push(method);
    this.stream.send(bytes);
  }

  /** The next response (of HTTP/2: on a stream, or the oldest), normalised. Null when none came. */
  async response(onStream: number | null): Promise<Message | null> {
    if (this.http2 !== null) return this.http2.response(onStream);
    const head = await readHead(this.stream);
    if (head === null) return null;
    const status = Number(head.startLine.split(" ")[1]);
    if (status >= 100 && status < 200) return normalised(head);
    const method = this.#owed.shift() ?? "GET";
    const bodiless = method === "HEAD" || status === 204 || status === 304;
    await readBody(this.stream, head, bodiless ? { kind: "none" } : framingOf(head, { kind: "end" }));
    return normalised(head);
  }
}

/** Connects and sends `first`, ahead of TLS; rejects with the error of the connection or the handshake. */
export async function connectClient(target: Target, tls: TlsChoice | null, first: string): Promise<Client> {
  const socket = await connectPlain(target);
  if (first !== "") socket.write(Buffer.from(first, "latin1"));
  return tls === null ? new Client(socket, null, null) : await connectSecure(socket, tls);
}

function connectPlain(target: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options: NetConnectOpts = { ...target, allowHalfOpen: true };
    const socket = connectTcp(options);
    socket.setTimeout(WAIT_MS, () => socket.destroy(new Error("connecting timed out")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

function connectSecure(plain: Socket, tls: TlsChoice): Promise<Client> {
  return new Promise((resolve, reject) => {
    const versions = tls.version === null ? {} : { minVersion: tls.version, maxVersion: tls.version };
    const name = tls.serverName === null ? {} : { servername: tls.serverName };
    const offer = tls.protocols === null ? {} : { ALPNProtocols: [...tls.protocols] };
    const own = tls.certificate === null ? {} : clientCertificate(tls.certificate);
    plain.once("error", reject);
    const socket: TLSSocket = connectTls({
      socket: plain,
      ...versions,
      ...name,
      ...own,
      ...offer,
      rejectUnauthorized: false,
    });
    socket.setTimeout(WAIT_MS, () => socket.destroy(new Error("handshake timed out")));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("closed during the handshake")));
    socket.once("secureConnect", () => {
      socket.setTimeout(0);
      const name = socket.getPeerCertificate().subject?.CN;
      const { alpnProtocol } = socket;
      const protocol = typeof alpnProtocol === "string" && alpnProtocol !== "" ? alpnProtocol : null;
      resolve(new Client(socket, typeof name === "string" ? name : null, protocol));
    });
  });
}

function clientCertificate(name: string): { readonly cert: Buffer; readonly key: Buffer } {
  const file = (suffix: string): Buffer =>
    readFileSync(new URL(`certificates/client-${name}.${suffix}`, import.meta.url));
  return { cert: file("crt"), key: file("key") };
}
