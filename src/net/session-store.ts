import type { ClientTls, Endpoint } from "./network.ts";

/** Servers whose sessions are remembered at most; the one that came first gives way. */
const entriesMax = 256;

/** Sessions of dialed TLS connections: the next handshake with the same server takes less. */
export class SessionStore {
  private readonly sessions = new Map<string, Buffer>();

  /** The session that is kept for a key, if any. */
  get(key: string): Buffer | undefined {
    return this.sessions.get(key);
  }

  /** Keeps a session in place of the key's older one. */
  set(key: string, session: Buffer): void {
    if (this.sessions.size >= entriesMax && !this.sessions.has(key)) {
      for (const [oldest] of this.sessions) {
        this.sessions.delete(oldest);
        break;
      }
    }
    this.sessions.set(key, session);
  }

  /** Forgets a session, if there is one. */
  delete(key: string): void {
    this.sessions.delete(key);
  }
}

/**
 * One server's session of one dial: a session is only used where it would have been accepted anew. What comes
 * during the handshake is kept once the server has been accepted: a resumed session says nothing any more of
 * what it was that was accepted.
 */
export class DialSession {
  private readonly store: SessionStore;
  private readonly key: string;
  private pending: Buffer | null = null;
  private verdict: "open" | "accepted" | "refused" = "open";

  constructor(store: SessionStore, endpoint: Endpoint, { serverName, verifyName, verifyDepth }: ClientTls) {
    this.store = store;
    const place = endpoint.kind === "unix" ? endpoint.path : `${endpoint.address}:${endpoint.port}`;
    this.key = JSON.stringify([place, serverName, verifyName, verifyDepth ?? null]);
  }

  /** The session to offer to the server, if one is kept. */
  get(): Buffer | undefined {
    return this.store.get(this.key);
  }

  /** A session that the server has issued: kept once the server is accepted, dropped where it is refused. */
  keep(session: Buffer): void {
    if (this.verdict === "accepted") this.store.set(this.key, session);
    else if (this.verdict === "open") this.pending = session;
  }

  /** The server passed all that was asked of it. */
  accept(): void {
    this.verdict = "accepted";
    if (this.pending !== null) this.store.set(this.key, this.pending);
    this.pending = null;
  }

  /** The server did not like it, or something else went wrong: the next handshake is a whole one. */
  forget(): void {
    this.verdict = "refused";
    this.pending = null;
    this.store.delete(this.key);
  }
}
