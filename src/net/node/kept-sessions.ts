import { EventEmitter } from "node:events";
import type tls from "node:tls";
import type { TlsInfo } from "../connection.ts";
import type { ConnectionEnds, ServerSessions, ServerTls } from "../network.ts";
import { runsOnBun } from "./runtime.ts";

/** Sessions that one handshake may leave: OpenSSL sends two tickets, more only to who comes with one. */
const pendingMax = 8;

/** node:tls has the callback for TLS 1.2 only; the handle takes a session for both. */
interface SessionHandle {
  readonly _handle?: { loadSession?(session: Buffer): void } | null;
}

/** A server's sessions from the view of one handshake: what comes of it is kept once the client is accepted. */
export class KeptSessions {
  /** What node:tls takes for the server of the socket. */
  readonly events: tls.Server;
  private readonly sessions: ServerSessions;
  private readonly pending: (readonly [id: string, session: Buffer])[] = [];
  private accepted: boolean | null = null;

  /** Null where tickets hold them, or nobody does. BoringSSL calls nobody. */
  static of(serverTls: ServerTls, serverName: string | null, ends: ConnectionEnds): KeptSessions | null {
    const sessions = runsOnBun ? null : (serverTls.sessionsFor?.(serverName, ends) ?? null);
    return sessions === null ? null : new KeptSessions(sessions);
  }

  private constructor(sessions: ServerSessions) {
    this.sessions = sessions;
    const events = new EventEmitter();
    events.on("newSession", (id: Buffer, session: Buffer, done: () => void) => {
      this.keep(id.toString("hex"), session);
      done();
    });
    this.events = events as tls.Server;
  }

  /** Before the hello is read: the session that it names, if it is known here. */
  offer(socket: tls.TLSSocket, id: string): void {
    const known = id === "" ? null : this.sessions.get(id);
    if (known !== null) (socket as unknown as SessionHandle)._handle?.loadSession?.(known);
  }

  /** The handshake is done. */
  settle(info: TlsInfo): void {
    this.accepted = info.sessionReused || this.sessions.accepts(info);
    if (this.accepted) for (const [id, session] of this.pending) this.sessions.set(id, session);
    this.pending.length = 0;
  }

  private keep(id: string, session: Buffer): void {
    if (this.accepted === true) this.sessions.set(id, session);
    else if (this.accepted === null && this.pending.length < pendingMax) this.pending.push([id, session]);
  }
}
