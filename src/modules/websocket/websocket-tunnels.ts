/**
 * What becomes of WebSockets once they are open: heartbeats, ages and limits, and how they are ended. Longhaul's own.
 */
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseSize } from "../../config/values.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type {
  FrameLimitSpec,
  MessageSize,
  Sides,
  WebSocketAge,
  WebSocketPing,
} from "../../gateway/serve/websocket-policy.ts";
import { CLOSE_GOING_AWAY } from "../../websocket/close-codes.ts";
import { MessageAccount } from "./message-rate.ts";
import { Parameters, readTime } from "./parameters.ts";

interface WebSocketSettings {
  closes: boolean;
  checks: boolean;
  ping: WebSocketPing | null;
  idleMs: number;
  maxAge: WebSocketAge | null;
  maxMessageSize: MessageSize | null;
  rate: FrameLimitSpec | null;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<WebSocketSettings>((scope) => scope.location(websocketTunnels));

const pingTimeoutMs = 10_000;
/** Of the interval. */
const jitterPart = 1 / 10;
const onlyClient: Sides = { client: true, upstream: false };
const bothSides: Sides = { client: true, upstream: true };

export const websocketTunnels: HttpModule<object, object, WebSocketSettings> = {
  name: "longhaul_websocket_tunnels",
  directives: [
    {
      name: "websocket_close",
      contexts,
      args: "flag",
      default: "on",
      doc: "Whether a WebSocket that the gateway ends gets a close frame with code and reason; `off` cuts it, as nginx does.",
      set: slot.flag("closes"),
    },
    {
      name: "websocket_check",
      contexts,
      args: "flag",
      default: "off",
      doc: "Whether frames that break RFC 6455 end the WebSocket (1002) instead of passing; so they do wherever frames have to be known.",
      set: slot.flag("checks"),
    },
    {
      name: "websocket_ping",
      contexts,
      args: "1+",
      default: "off",
      doc: "How long a side may be silent before it is pinged (`timeout=10s to=client jitter=`); one that sends nothing then is gone.",
      set: slot.custom("ping", readPing),
    },
    {
      name: "websocket_idle_timeout",
      contexts,
      args: "1",
      default: "off",
      doc: "How long a WebSocket may be without messages, pings not counted, before it is closed with 1001.",
      set: slot.custom("idleMs", (directive, scope) => (isOff(directive) ? 0 : readTime(scope, directive))),
    },
    {
      name: "websocket_max_age",
      contexts,
      args: "1,2,3",
      default: "off",
      doc: "How old a WebSocket may become before it is closed (`jitter=0 code=1001`).",
      set: slot.custom("maxAge", readAge),
    },
    {
      name: "websocket_max_message_size",
      contexts,
      args: "1,2",
      default: "off",
      doc: "Payload that a message may have, all its frames together, as it is on the wire (`from=both`); beyond it is 1009.",
      set: slot.custom("maxMessageSize", readMessageSize),
    },
    {
      name: "websocket_limit_rate",
      contexts,
      args: "1+",
      default: "off",
      doc: "How fast messages of a WebSocket go (`messages=N/s bytes=size/s burst=N from=client action=delay`); `action=close` is 1008.",
      set: slot.custom("rate", readRate),
    },
  ],
  location: {
    defaults: () => ({
      closes: true,
      checks: false,
      ping: null,
      idleMs: 0,
      maxAge: null,
      maxMessageSize: null,
      rate: null,
    }),
  },
  attach(location, { rate, ...settings }) {
    const { websocket } = location;
    const limits = rate === null ? websocket.limits : [...websocket.limits, rate];
    location.websocket = { ...websocket, ...settings, limits };
  },
};

function isOff({ args }: Directive): boolean {
  return args.length === 1 && args[0] === "off";
}

/** `off | interval [timeout=time] [to=client|upstream|both] [jitter=time]`. */
function readPing(directive: Directive, scope: Scope): WebSocketPing | null {
  if (isOff(directive)) return null;
  const intervalMs = readTime(scope, directive);
  const parameters = new Parameters(scope, directive.args.slice(1));
  const timeoutMs = parameters.time("timeout", pingTimeoutMs);
  const jitterMs = parameters.time("jitter", intervalMs * jitterPart);
  const to = parameters.sides("to", onlyClient);
  parameters.end();
  if (timeoutMs === 0) scope.fail('invalid parameter "timeout=0"');
  if (jitterMs >= intervalMs) scope.fail(`"jitter" of "websocket_ping" must be less than its interval`);
  return { intervalMs, timeoutMs, jitterMs, to };
}

/** `off | time [jitter=time] [code=number]`. */
function readAge(directive: Directive, scope: Scope): WebSocketAge | null {
  if (isOff(directive)) return null;
  const ms = readTime(scope, directive);
  const parameters = new Parameters(scope, directive.args.slice(1));
  const jitterMs = parameters.time("jitter", 0);
  const code = parameters.closeCode("code", CLOSE_GOING_AWAY);
  parameters.end();
  return { ms, jitterMs, code };
}

/** `off | size [from=client|upstream|both]`. */
function readMessageSize(directive: Directive, scope: Scope): MessageSize | null {
  if (isOff(directive)) return null;
  const bytes = parseSize(directive.args[0] ?? "") ?? refuse(scope, directive, "invalid value");
  const parameters = new Parameters(scope, directive.args.slice(1));
  const from = parameters.sides("from", bothSides);
  parameters.end();
  return bytes === 0 ? null : { bytes, from };
}

/** `off | [messages=N/s] [bytes=size/s] [burst=N] [from=client|upstream|both] [action=delay|close]`. */
function readRate(directive: Directive, scope: Scope): FrameLimitSpec | null {
  if (isOff(directive)) return null;
  const parameters = new Parameters(scope, directive.args);
  const messagesPerSecond = parameters.perSecond("messages", "messages");
  const bytesPerSecond = parameters.perSecond("bytes", "bytes");
  const burst = parameters.number("burst", -1);
  const from = parameters.sides("from", onlyClient);
  const action = parameters.word("action", ["delay", "close"], "delay");
  parameters.end();
  if (messagesPerSecond === 0 && bytesPerSecond === 0) {
    scope.fail('"websocket_limit_rate" directive needs "messages=" or "bytes="');
  }
  const rate = { messagesPerSecond, bytesPerSecond, burst: burst < 0 ? null : burst };
  return {
    directive: directive.name,
    from,
    delays: action === "delay",
    open: (_request, clock) => new MessageAccount(rate, clock),
  };
}
