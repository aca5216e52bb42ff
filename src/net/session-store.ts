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

/** One server's session of one dial: a session is only used where it would have been accepted anew. */
export class DialSession {
  private readonly store: SessionStore;
  private readonly key: string;

  constructor(store: SessionStore, endpoint: Endpoint, { serverName, verifyName, verifyDepth }: ClientTls) {
    this.store = store;
    const place = endpoint.kind === "unix" ? endpoint.path : `${endpoint.address}:${endpoint.port}`;
    this.key = [place, serverName ?? "", verifyName ?? "", verifyDepth ?? ""].join(" ");
  }

  get(): Buffer | undefined {
    return this.store.get(this.key);
  }

  keep(session: Buffer): void {
    this.store.set(this.key, session);
  }

  /** The server did not like it, or something else went wrong: the next handshake is a whole one. */
  forget(): void {
    this.store.delete(this.key);
  }
}
