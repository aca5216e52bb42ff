/** Close codes of RFC 6455, section 7.4, and of IANA's registry. */
const CLOSE_NORMAL = 1000;
/** An endpoint goes away: a server that stops, a page that is left. */
export const CLOSE_GOING_AWAY = 1001;
/** The peer's frames break the protocol. */
export const CLOSE_PROTOCOL_ERROR = 1002;
const CLOSE_UNSUPPORTED_DATA = 1003;
/** Never sent: the close frame had no code. */
export const CLOSE_NO_STATUS = 1005;
/** Never sent: the connection ended without a close frame. */
export const CLOSE_ABNORMAL = 1006;
/** A text message, or the reason of a close frame, is not UTF-8. */
export const CLOSE_INVALID_DATA = 1007;
const CLOSE_POLICY_VIOLATION = 1008;
/** A message is larger than the endpoint takes. */
export const CLOSE_TOO_BIG = 1009;
const CLOSE_MISSING_EXTENSION = 1010;
const CLOSE_INTERNAL_ERROR = 1011;
/** The server restarts; the client may come back, after some chosen delay. (IANA's registry) */
export const CLOSE_SERVICE_RESTART = 1012;
const CLOSE_TRY_AGAIN_LATER = 1013;
/** The gateway has no server to go on with. (IANA's registry) */
export const CLOSE_BAD_GATEWAY = 1014;

const NAMES: Readonly<Record<number, string>> = {
  [CLOSE_NORMAL]: "normal closure",
  [CLOSE_GOING_AWAY]: "going away",
  [CLOSE_PROTOCOL_ERROR]: "protocol error",
  [CLOSE_UNSUPPORTED_DATA]: "unsupported data",
  [CLOSE_NO_STATUS]: "no status received",
  [CLOSE_ABNORMAL]: "abnormal closure",
  [CLOSE_INVALID_DATA]: "invalid payload data",
  [CLOSE_POLICY_VIOLATION]: "policy violation",
  [CLOSE_TOO_BIG]: "message too big",
  [CLOSE_MISSING_EXTENSION]: "mandatory extension",
  [CLOSE_INTERNAL_ERROR]: "internal error",
  [CLOSE_SERVICE_RESTART]: "service restart",
  [CLOSE_TRY_AGAIN_LATER]: "try again later",
  [CLOSE_BAD_GATEWAY]: "bad gateway",
};

/** Words for a close code. */
export function closeCodeName(code: number): string {
  const name = NAMES[code];
  if (name !== undefined) return name;
  if (code >= 4000 && code <= 4999) return "private use";
  return code >= 3000 && code <= 3999 ? "registered use" : "unknown";
}

/** True for codes that may stand in a close frame. */
export function isSendableCloseCode(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== CLOSE_NO_STATUS && code !== CLOSE_ABNORMAL;
}
