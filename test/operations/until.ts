const pauseMs = 15;

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Asks again and again until the answer is not null; for states of other processes, which send no events.
 * @throws Error naming what was waited for, after `limitMs`
 */
export async function until<T>(
  what: string,
  limitMs: number,
  probe: () => Promise<T | null> | T | null,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await pause(pauseMs);
  }
}
