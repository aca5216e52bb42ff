import type { Clock } from "../net/clock.ts";

/** What a session takes in a zone: nginx has room for about 4000 in a megabyte. */
const sessionBytes = 256;

interface Session {
  readonly route: string;
  readonly untilMs: number;
}

/** Sessions that were learned, and the routes of their servers. The one not used for longest makes room. */
export class LearnedSessions {
  /** In the order of their last use. */
  private sessions = new Map<string, Session>();
  private readonly sessionsMax: number;
  private readonly timeoutMs: number;
  private readonly clock: Clock;

  constructor(zoneBytes: number, timeoutMs: number, clock: Clock) {
    this.sessionsMax = Math.floor(zoneBytes / sessionBytes);
    this.timeoutMs = timeoutMs;
    this.clock = clock;
  }

  /** The route of a session's server, null when none is known. Looking prolongs the session. */
  find(id: string): string | null {
    const session = this.sessions.get(id);
    if (session === undefined) return null;
    this.sessions.delete(id);
    if (session.untilMs <= this.clock.now()) return null;
    this.put(id, session.route);
    return session.route;
  }

  learn(id: string, route: string): void {
    this.sessions.delete(id);
    for (const [oldest, { untilMs }] of this.sessions) {
      if (untilMs > this.clock.now() && this.sessions.size < this.sessionsMax) break;
      this.sessions.delete(oldest);
    }
    this.put(id, route);
  }

  /** Goes on with the sessions of the configuration before. */
  inherit(before: LearnedSessions): void {
    this.sessions = before.sessions;
  }

  private put(id: string, route: string): void {
    this.sessions.set(id, { route, untilMs: this.clock.now() + this.timeoutMs });
  }
}
