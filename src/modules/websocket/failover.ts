/**
 * `websocket_failover`: WebSockets that go on with another server, and what their handshakes need for it. Longhaul's own.
 */
import type { Context, SettingsByModule } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseNumber, parseSize } from "../../config/values.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { FailoverPolicy } from "../../gateway/serve/websocket-policy.ts";
import { isSendableCloseCode } from "../../websocket/close-codes.ts";
import { agreedExtensions, offerWithoutTakeover } from "../../websocket/extensions.ts";

interface FailoverSettings {
  failover: FailoverPolicy | null;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<FailoverSettings>((scope) => scope.location(websocketFailover));

const usual: FailoverPolicy = {
  onLoss: true,
  onDrain: true,
  onCodes: new Set(),
  tries: 3,
  timeoutMs: 10_000,
  bufferBytes: 64 * 1024,
};

export const websocketFailover: HttpModule<object, object, FailoverSettings> = {
  name: "longhaul_websocket_failover",
  directives: [
    {
      name: "websocket_failover",
      contexts,
      args: "1+",
      default: "off",
      doc: "When a WebSocket goes on with another server instead of ending: `on=lost,drain,close:1012,…`, with `tries=`, `timeout=` and `buffer=`.",
      set: slot.custom("failover", readFailover),
    },
  ],
  location: { defaults: () => ({ failover: null }) },
  attach(location, { failover }) {
    if (failover !== null) location.websocket = { ...location.websocket, failover };
  },
};

/** What `websocket_failover` says at a level; null for "off". */
export function failoverOf(settings: SettingsByModule): FailoverPolicy | null {
  return (settings.get(websocketFailover) as FailoverSettings).failover;
}

function readFailover({ args }: Directive, scope: Scope): FailoverPolicy | null {
  if (args.length === 1 && args[0] === "off") return null;
  let policy = usual;
  for (const [index, parameter] of args.entries()) {
    if (index === 0 && parameter === "on") continue;
    const equals = parameter.indexOf("=") + 1;
    const part = readParameter(scope, parameter.slice(0, equals), parameter.slice(equals));
    policy = { ...policy, ...(part ?? scope.fail(`invalid parameter "${parameter}"`)) };
  }
  return policy;
}

/** Null for a parameter that there is not, or a value that makes no sense. */
function readParameter(scope: Scope, name: string, value: string): Partial<FailoverPolicy> | null {
  switch (name) {
    case "on=":
      return readOccasions(scope, value);
    case "tries=": {
      const tries = parseNumber(value) ?? 0;
      return tries === 0 ? null : { tries };
    }
    case "timeout=": {
      const timeoutMs = parseMilliseconds(value) ?? 0;
      return timeoutMs === 0 ? null : { timeoutMs };
    }
    case "buffer=": {
      const bufferBytes = parseSize(value);
      return bufferBytes === null ? null : { bufferBytes };
    }
  }
  return null;
}

function readOccasions(scope: Scope, value: string): Partial<FailoverPolicy> {
  const words = value.split(",");
  const codes = words.filter((word) => word.startsWith("close:")).map((word) => Number(word.slice(6)));
  const unknown = words.find((word) => !/^(lost|drain|close:\d{4})$/.test(word));
  if (unknown !== undefined) return scope.fail(`invalid value "${unknown}" in "on=${value}"`);
  const bad = codes.find((code) => !isSendableCloseCode(code));
  if (bad !== undefined) return scope.fail(`no server sends close code ${bad} in "on=${value}"`);
  return { onLoss: words.includes("lost"), onDrain: words.includes("drain"), onCodes: new Set(codes) };
}

/** What a head is made of that takes a handshake on. */
interface HeadSettings {
  readonly setHeaders: readonly (readonly [name: string, value: Value])[];
}

const extensionsField = "Sec-WebSocket-Extensions";
/** Tells a server that it goes on for another: the number of the move. A client's own is not passed on. */
const resumedField = "Longhaul-Resumed";

/**
 * The same settings for handshakes of WebSockets that may move: no message is compressed with what another server knows,
 * and who takes over is told so.
 */
export function forMoves<T extends HeadSettings>(settings: T): T {
  const isExtensions = (name: string): boolean => name.toLowerCase() === extensionsField.toLowerCase();
  const set = settings.setHeaders.findLast(([name]) => isExtensions(name))?.[1] ?? null;
  const offer = (request: Request): string =>
    set === null ? (request.fields.getJoined(extensionsField.toLowerCase()) ?? "") : set.evaluate(request);
  const others = settings.setHeaders.filter(
    ([name]) => !isExtensions(name) && name.toLowerCase() !== resumedField.toLowerCase(),
  );
  const setHeaders = [
    ...others,
    [extensionsField, computed((request) => offerWithoutTakeover(offer(request)))] as const,
    [resumedField, computed(({ moves }) => (moves === 0 ? "" : String(moves)))] as const,
  ];
  return { ...settings, setHeaders };
}

function computed(evaluate: (request: Request) => string): Value {
  return { text: "", constant: null, evaluate };
}

/** The answer to such a handshake: the client is told what the server has agreed to, and to forget as well. */
export function tellExtensions({ response }: Request): void {
  const lower = extensionsField.toLowerCase();
  const answer = response.fields.getJoined(lower);
  if (answer === null) return;
  response.fields.remove(lower);
  response.fields.add(extensionsField, agreedExtensions(answer).value);
}
