/**
 * `websocket_limit_zone` and `websocket_limit`: how fast the messages of all WebSockets go that share a key, counted by
 * all threads. Longhaul's own.
 */
import type { Scope } from "../../../config/scope.ts";
import { append, refuse } from "../../../config/slots.ts";
import type { Directive } from "../../../config/tree.ts";
import { buildOf, valueOf } from "../../../gateway/build/http-build.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import type { FrameLimit, FrameLimitSpec, Sides } from "../../../gateway/serve/websocket-policy.ts";
import { zoneArgument } from "../../../gateway/zones/zones.ts";
import type { Zone } from "../../../gateway/zones/zones.ts";
import type { Clock } from "../../../net/clock.ts";
import { Parameters } from "../parameters.ts";
import type { FrameCharge, MessageRates } from "./message-rates.ts";
import { messageZoneUse } from "./message-zone.ts";
import type { MessageZone } from "./message-zone.ts";

/** A `websocket_limit` directive. */
interface ZoneLimit {
  readonly zone: Zone<MessageZone>;
  /** Messages that may be ahead of the rate; null: as many as a second brings. */
  readonly burst: number | null;
  readonly from: Sides;
  readonly delays: boolean;
}

interface LimitSettings {
  limits: readonly ZoneLimit[];
}

const onlyClient: Sides = { client: true, upstream: false };
/** Longer keys are not counted, as those of `limit_req`. */
const keyBytesMax = 65_535;

export const websocketLimit: HttpModule<object, object, LimitSettings> = {
  name: "longhaul_websocket_limit",
  directives: [
    {
      name: "websocket_limit_zone",
      contexts: ["http"],
      args: "2+",
      default: null,
      doc: "Declares a zone: the key that messages of WebSockets are counted by, its size, and `messages=N/s` or `bytes=size/s`.",
      set: zoneDirective,
    },
    {
      name: "websocket_limit",
      contexts: ["http", "server", "location"],
      args: "1,2,3,4",
      default: null,
      doc: "Limits WebSockets by a zone's rate, all with one key together (`burst=N from=client action=delay`); `action=close` is 1008.",
      set: limitDirective,
    },
  ],
  location: { defaults: () => ({ limits: [] }) },
  attach(location, { limits }) {
    if (limits.length === 0) return;
    const { websocket } = location;
    location.websocket = { ...websocket, limits: [...websocket.limits, ...limits.map(specOf)] };
  },
};

function zoneDirective(scope: Scope, directive: Directive): void {
  const [text = "", ...others] = directive.args;
  const key = valueOf(scope, text);
  const zoneText = others.find((parameter) => parameter.startsWith("zone="));
  if (zoneText === undefined) return scope.fail(`"${directive.name}" must have "zone" parameter`);
  const named = zoneArgument(scope, zoneText);
  const parameters = new Parameters(
    scope,
    others.filter((parameter) => parameter !== zoneText),
  );
  const messagesPerSecond = parameters.perSecond("messages", "messages") || Infinity;
  const bytesPerSecond = parameters.perSecond("bytes", "bytes") || Infinity;
  parameters.end();
  if (messagesPerSecond === Infinity && bytesPerSecond === Infinity) {
    return refuse(scope, directive, 'needs "messages=" or "bytes="');
  }
  const build = buildOf(scope);
  const zone = build.zones.add(scope, messageZoneUse, named.name, named.size);
  if (zone.data !== null) {
    return scope.fail(`${directive.name} "${zone.name}" is already bound to key "${zone.data.key.text}"`);
  }
  const rate = { messagesPerSecond, bytesPerSecond };
  zone.data = { key, rate, worker: build.worker, rates: null };
}

function limitDirective(scope: Scope, directive: Directive): void {
  const parameters = new Parameters(scope, directive.args);
  const name = parameters.text("zone");
  if (name === null) return scope.fail(`"${directive.name}" must have "zone" parameter`);
  const burst = parameters.number("burst", -1);
  const from = parameters.sides("from", onlyClient);
  const action = parameters.word("action", ["delay", "close"], "delay");
  parameters.end();
  const zone = buildOf(scope).zones.add(scope, messageZoneUse, name, 0);
  const own = scope.location(websocketLimit);
  if (own.limits?.some((limit) => limit.zone === zone) === true) refuse(scope, directive, "is duplicate");
  const limit: ZoneLimit = { zone, burst: burst < 0 ? null : burst, from, delays: action === "delay" };
  own.limits = append(own.limits, limit);
}

function specOf(limit: ZoneLimit): FrameLimitSpec {
  return {
    directive: "websocket_limit",
    from: limit.from,
    delays: limit.delays,
    open: (request) => (request === null ? null : openAccount(request, limit)),
  };
}

/** Null where the limit does not apply: the key is empty. */
function openAccount(request: Request, limit: ZoneLimit): FrameLimit | null {
  const { key } = limit.zone.data!;
  const value = key.evaluate(request);
  if (value.length <= keyBytesMax) {
    return value === "" ? null : new SharedAccount(limit, value, request.client.gateway.network.clock);
  }
  request.log("error", `the value of the "${key.text}" key is more than ${keyBytesMax} bytes: "${value}"`);
  return null;
}

/** The account of a key, as one WebSocket charges it. */
class SharedAccount implements FrameLimit {
  private readonly rates: MessageRates;
  private readonly clock: Clock;
  /** Used again for each frame. */
  private readonly charge: FrameCharge;

  constructor({ zone, burst, delays }: ZoneLimit, key: string, clock: Clock) {
    const { rates, rate } = zone.data!;
    const atOnce = rate.messagesPerSecond === Infinity ? 0 : Math.max(0, rate.messagesPerSecond - 1);
    this.rates = rates!;
    this.clock = clock;
    this.charge = { key, messages: 0, bytes: 0, burst: burst ?? atOnce, waits: delays, nowMs: 0 };
  }

  take(messages: number, bytes: number): number {
    const { charge, clock } = this;
    charge.messages = messages;
    charge.bytes = bytes;
    charge.nowMs = clock.wall();
    return this.rates.take(charge);
  }
}
