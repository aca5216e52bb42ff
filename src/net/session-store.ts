import type { ClientTls, Endpoint } from "./network.ts";

/** Servers whose sessions are remembered at most; the one that came first gives way. */
const entriesMax = 256;

/** Sessions of dialed TLS connections: the next handshake with the same server takes less. */
export class SessionStore {
  private readonly sessions = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.sessions.get(key);
  }

  set(key: string, session: Buffer): void {
    if (this.sessions.size >= entriesMax && !this.sessions.has(key)) {
      for (const [oldest] of this.sessions) {
        this.sessions.delete(oldest);
        break;
      }
    }
    this.sessions.set(key, session);
  }

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

  get(): Buffer | undefined {
    return this.store.get(this.key);
  }

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
