/**
 * The directives that all protocols of upstream servers have under names of their own: `proxy_read_timeout`,
 * `fastcgi_read_timeout`, … Each module takes the tables that nginx gives it.
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Setter } from "../../config/slots.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import { NextUpstream } from "../../gateway/failure/next-upstream.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { UpstreamSettings } from "../../gateway/upstream/exchange-plan.ts";
import { parseLocalEndpoint } from "../../gateway/upstream/local-endpoint.ts";

/** What governs an exchange, and where its connections leave from. */
export interface PassSettings extends Mutable<UpstreamSettings> {
  passRequestHeaders: boolean;
  /** `*_bind`; null for whatever the system takes. */
  bind: Value | null;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The settings of the level that is being read. */
export type LevelOf<T> = (scope: Scope) => Partial<T>;

const everywhere: readonly Context[] = ["http", "server", "location"];
const minute = 60_000;

/** nginx's defaults, the same for all protocols. */
export function passDefaults(): PassSettings {
  return {
    connectTimeoutMs: minute,
    sendTimeoutMs: minute,
    readTimeoutMs: minute,
    bufferSize: 4096,
    nextUpstream: NextUpstream.error | NextUpstream.timeout,
    nextUpstreamTries: 0,
    nextUpstreamTimeoutMs: 0,
    ignoreClientAbort: false,
    interceptErrors: false,
    requestBuffering: true,
    passRequestBody: true,
    passRequestHeaders: true,
    socketKeepAlive: false,
    bind: null,
  };
}

/** Once a level is merged: `off` stands alone, whatever is beside it. */
export function finishPass(settings: PassSettings): void {
  if ((settings.nextUpstream & NextUpstream.off) !== 0) settings.nextUpstream = NextUpstream.off;
}

/** Connections: where they leave from, and how long things may take. `prefix`: "proxy_". */
export function connectionDirectives(prefix: string, levelOf: LevelOf<PassSettings>): DirectiveSpec[] {
  const slot = slots<PassSettings>(levelOf);
  return [
    {
      name: `${prefix}bind`,
      contexts: everywhere,
      args: "1,2",
      default: null,
      doc: "Local address of connections to upstream servers.",
      set: bindDirective(levelOf),
    },
    {
      name: `${prefix}socket_keepalive`,
      contexts: everywhere,
      args: "flag",
      default: "off",
      doc: "Whether TCP keep-alive probes are sent on connections to upstream servers.",
      set: slot.flag("socketKeepAlive"),
    },
    {
      name: `${prefix}buffer_size`,
      contexts: everywhere,
      args: "1",
      default: "4k|8k",
      doc: "Most bytes that an answer's head may have.",
      set: slot.size("bufferSize"),
    },
    {
      name: `${prefix}connect_timeout`,
      contexts: everywhere,
      args: "1",
      default: "60s",
      doc: "How long connecting may take.",
      set: slot.msec("connectTimeoutMs"),
    },
    {
      name: `${prefix}send_timeout`,
      contexts: everywhere,
      args: "1",
      default: "60s",
      doc: "How long the server may take nothing of the request.",
      set: slot.msec("sendTimeoutMs"),
    },
    {
      name: `${prefix}read_timeout`,
      contexts: everywhere,
      args: "1",
      default: "60s",
      doc: "How long the server may send nothing; the idle limit of tunnels.",
      set: slot.msec("readTimeoutMs"),
    },
  ];
}

/** When another server is asked. `words`: what the module's `next_upstream` may say, as bits of `NextUpstream`. */
export function nextUpstreamDirectives(
  prefix: string,
  levelOf: LevelOf<PassSettings>,
  words: Readonly<Record<string, number>>,
): DirectiveSpec[] {
  const slot = slots<PassSettings>(levelOf);
  return [
    {
      name: `${prefix}next_upstream`,
      contexts: everywhere,
      args: "1+",
      default: "error timeout",
      doc: "In which cases another server is tried.",
      set: nextUpstreamDirective(levelOf, words),
    },
    {
      name: `${prefix}next_upstream_tries`,
      contexts: everywhere,
      args: "1",
      default: "0",
      doc: "Most servers that one request is tried on; 0 sets no limit.",
      set: slot.number("nextUpstreamTries"),
    },
    {
      name: `${prefix}next_upstream_timeout`,
      contexts: everywhere,
      args: "1",
      default: "0",
      doc: "Time after which no other server is tried; 0 sets no limit.",
      set: slot.msec("nextUpstreamTimeoutMs"),
    },
  ];
}

/** What of the client's request is passed on, and when: for protocols whose requests are the client's own. */
export function requestDirectives(prefix: string, levelOf: LevelOf<PassSettings>): DirectiveSpec[] {
  const slot = slots<PassSettings>(levelOf);
  return [
    {
      name: `${prefix}pass_request_headers`,
      contexts: everywhere,
      args: "flag",
      default: "on",
      doc: "Whether the client's header fields are passed on.",
      set: slot.flag("passRequestHeaders"),
    },
    {
      name: `${prefix}pass_request_body`,
      contexts: everywhere,
      args: "flag",
      default: "on",
      doc: "Whether the client's body is passed on.",
      set: slot.flag("passRequestBody"),
    },
    {
      name: `${prefix}request_buffering`,
      contexts: everywhere,
      args: "flag",
      default: "on",
      doc: "Whether a body is read before a server is asked.",
      set: slot.flag("requestBuffering"),
    },
    {
      name: `${prefix}ignore_client_abort`,
      contexts: everywhere,
      args: "flag",
      default: "off",
      doc: "Whether a request goes on upstream when its client is gone.",
      set: slot.flag("ignoreClientAbort"),
    },
  ];
}

/** For protocols whose answers have a status. */
export function interceptErrorsDirective(prefix: string, levelOf: LevelOf<PassSettings>): DirectiveSpec {
  return {
    name: `${prefix}intercept_errors`,
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether `error_page` applies to answers of upstream servers.",
    set: slots<PassSettings>(levelOf).flag("interceptErrors"),
  };
}

/** `*_bind address[:port] | off;` */
function bindDirective(levelOf: LevelOf<PassSettings>): Setter {
  return (scope, directive) => {
    const settings = levelOf(scope);
    if (settings.bind !== undefined) return refuse(scope, directive, "is duplicate");
    const { name, args } = directive;
    const [address = "", word] = args;
    if (word === undefined && address === "off") {
      settings.bind = null;
      return;
    }
    const value = valueOf(scope, address);
    if (value.constant !== null && parseLocalEndpoint(value.constant) === null)
      scope.fail(`invalid address "${address}"`);
    if (word === "transparent") {
      scope.fail(`the "transparent" parameter of the "${name}" directive is not supported by longhaul`);
    }
    if (word !== undefined) scope.fail(`invalid parameter "${word}"`);
    settings.bind = value;
  };
}

function nextUpstreamDirective(
  levelOf: LevelOf<PassSettings>,
  words: Readonly<Record<string, number>>,
): Setter {
  return (scope, { args }) => {
    const settings = levelOf(scope);
    let mask = settings.nextUpstream ?? 0;
    for (const arg of args) {
      const bit = words[arg.toLowerCase()];
      if (bit === undefined) return scope.fail(`invalid value "${arg}"`);
      if (bit !== 0 && (mask & bit) !== 0) scope.warn(`duplicate value "${arg}"`);
      mask |= bit;
    }
    settings.nextUpstream = mask;
  };
}
