import type { SettingOrigin } from "../../config/setting-origin.ts";
import { describeSystemError } from "../../config/errors.ts";
import { failureKinds } from "./kinds.ts";
import type { FailureFacts, FailureKind, FailureSource } from "./kinds.ts";
import { conditionOfStatus } from "./next-upstream.ts";

/** Something that went wrong between a client and a server behind: one value for log, status, retry and metrics. */
export interface Failure {
  readonly kind: FailureKind;
  readonly source: FailureSource;
  /** The condition of `proxy_next_upstream` under which another server may be asked; 0: none. */
  readonly retry: number;
  /** What the client is answered with; 499 for one that is gone. */
  readonly status: number;
  /** What the system, TLS or the codec said of it, in nginx's words; "" for nothing beyond the kind. */
  readonly cause: string;
  /** The directive whose value brought it about; null where that is the default, or where there is none. */
  readonly setting: SettingOrigin | null;
}

/** A failure of a kind that says all by itself but for its cause. */
export function failureOf(kind: FailureKind, cause = "", setting: SettingOrigin | null = null): Failure {
  const { source, retry, status } = failureKinds[kind];
  return { kind, source, retry, status, cause, setting };
}

/** An answer's status sends the request to another server; null when it is none of those. */
export function failureOfStatus(status: number): Failure | null {
  const retry = conditionOfStatus(status);
  if (retry === 0) return null;
  return { kind: "refusingStatus", source: "upstream", retry, status, cause: String(status), setting: null };
}

/** The request's body cannot be had, which was logged; the request ends with `status`. */
export function failureOfBody(status: number): Failure {
  return { ...failureOf("clientBodyFailed"), status };
}

/** A connection to a server ended before the answer did. `code`: what the socket told; null for an orderly end. */
export function lostUpstream(code: string | null): Failure {
  return code === null ? failureOf("upstreamClosed") : failureOf("upstreamReset", describeSystemError(code));
}

/** A side of a tunnel is gone. `code`: what the socket told; null for an orderly end. */
export function endOfTunnel(side: "client" | "upstream", code: string | null): Failure {
  if (code === null) return failureOf(side === "client" ? "clientEnded" : "upstreamEnded");
  return failureOf(side === "client" ? "clientReset" : "upstreamReset", describeSystemError(code));
}

/** The log line's text, in nginx's words, without what was being done; "" when there is none. */
export function wordsOf({ kind, cause }: Failure): string {
  return failureKinds[kind].words.replace("%", () => cause);
}

/** What follows from the failure's kind: status, log words and level, and the rest of the table. */
export function factsOf({ kind }: Failure): FailureFacts {
  return failureKinds[kind];
}

/** The level of the line about a tunnel that ended by this. */
export function tunnelLevelOf(failure: Failure): FailureFacts["level"] {
  const { tunnelLevel, level } = factsOf(failure);
  return tunnelLevel ?? level;
}
