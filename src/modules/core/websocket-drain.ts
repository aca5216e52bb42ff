import { refuse } from "../../config/slots.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseNumber } from "../../config/values.ts";
import type { WebSocketDrain } from "../../gateway/serve/drain.ts";
import { isSendableCloseCode } from "../../websocket/close-codes.ts";

const graceMsDefault = 10_000;
/** Of the window. */
const jitterPart = 1 / 10;

/** `websocket_drain off | window [jitter=time] [grace=time] [code=number]`; null for "off". */
export function readWebSocketDrain(directive: Directive, scope: Scope): WebSocketDrain | null {
  const [first = "", ...parameters] = directive.args;
  const unknown = (parameter: string): never => scope.fail(`invalid parameter "${parameter}"`);
  if (first === "off") return parameters.length === 0 ? null : unknown(parameters[0]!);
  const windowMs = parseMilliseconds(first) ?? refuse(scope, directive, "invalid value");
  let jitterMs = Math.round(windowMs * jitterPart);
  let graceMs = graceMsDefault;
  let code: number | null = null;
  for (const parameter of parameters) {
    const equals = parameter.indexOf("=");
    const value = parameter.slice(equals + 1);
    switch (parameter.slice(0, equals + 1)) {
      case "jitter=":
        jitterMs = parseMilliseconds(value) ?? unknown(parameter);
        break;
      case "grace=":
        graceMs = parseMilliseconds(value) ?? unknown(parameter);
        break;
      case "code=":
        code = parseNumber(value) ?? unknown(parameter);
        if (!isSendableCloseCode(code)) unknown(parameter);
        break;
      default:
        unknown(parameter);
    }
  }
  return { windowMs, jitterMs, graceMs, code };
}
