import { describeSettingOrigin } from "../../config/setting-origin.ts";
import type { Failure } from "../failure/failure.ts";
import type { FailureKind } from "../failure/kinds.ts";

/** Failures that are the end of a side, as it came; a closing handshake ends so, too. */
export const sideOfEnd: Readonly<Partial<Record<FailureKind, "client" | "upstream">>> = {
  clientEnded: "client",
  clientReset: "client",
  upstreamEnded: "upstream",
  upstreamReset: "upstream",
};

/** Ends that no directive has brought about, in the words of records and close frames. */
const ends: Readonly<Partial<Record<FailureKind, string>>> = {
  clientEnded: "client closed the connection",
  clientReset: "client reset the connection",
  upstreamEnded: "upstream closed the connection",
  upstreamReset: "upstream reset the connection",
};

/**
 * `$websocket_close_cause` of an end: the directive that brought it about with value, file and line, or what happened.
 *
 * @param byDefault the limit that is over where no directive has set it; "" where there is none
 */
export function causeOf(ending: Failure, byDefault: string): string {
  const { kind, cause, setting } = ending;
  const place = setting === null ? "" : describeSettingOrigin(setting);
  // The rule is what one wants to know; frames are judged for the sake of several directives.
  if (kind === "websocketBroken") return place === "" ? cause : `${cause} (${place})`;
  if (place !== "") return place;
  if (byDefault !== "") return `${byDefault} by default`;
  if (kind === "gatewayLeaves") return "stop";
  return ends[kind] ?? cause;
}

/** The reason in the close frame of an end: what a client may know, and no path of a file. */
export function limitWords(ending: Failure, byDefault: string): string {
  const { kind, cause, setting } = ending;
  if (kind === "websocketBroken") return cause.slice(cause.indexOf(": ") + 2);
  if (setting !== null) return [setting.directive, ...setting.args].join(" ");
  return byDefault === "" ? (ends[kind] ?? "") : byDefault;
}

/** A time as configurations write it: "60s", "1500ms". */
export function timeWords(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
