/** The levels that `limit_*_log_level` may name. */
export type LimitLogLevel = "info" | "notice" | "warn" | "error";

/** The levels by their words, as `slots().word` wants them. */
export const limitLogLevels: Readonly<Record<LimitLogLevel, LimitLogLevel>> = {
  info: "info",
  notice: "notice",
  warn: "warn",
  error: "error",
};
