const tickMs = 10;

/** How late the client's own event loop was at worst: what it measures can be wrong by that much. */
export class Lag {
  maxMs = 0;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    let dueAt = performance.now() + tickMs;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.maxMs = Math.max(this.maxMs, Math.round(now - dueAt));
      dueAt = now + tickMs;
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
