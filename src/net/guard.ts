/**
 * Where an adapter reports an exception that it caught in an owner's callback or in a timer.
 * Must not throw.
 */
export type InternalErrorHook = (error: unknown) => void;

/** The default hook: tells stderr. */
export function reportToStderr(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`longhaul: internal error: ${text}\n`);
}
