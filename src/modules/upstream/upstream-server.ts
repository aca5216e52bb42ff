/** The parameters of `server` in an `upstream` block. */
import type { Scope } from "../../config/scope.ts";
import { parseMilliseconds, parseNumber, parseSeconds } from "../../config/values.ts";
import type { PeerOptions } from "../../gateway/balance/peer.ts";
import type { UpstreamDraft } from "../../gateway/upstream/draft.ts";
import { routeBytesMax } from "./sticky-sessions.ts";

type PeerParameters = Omit<PeerOptions, "name" | "server" | "endpoint">;

/** What stands behind the address in a `server` directive. */
export interface ServerParameters {
  readonly options: PeerParameters;
  /** The name is looked up again and again. */
  readonly resolve: boolean;
  /** `service=`, as written. */
  readonly service: string | null;
}

/** Reads the parameters with nginx's defaults. @throws ConfigError in nginx's words */
export function readServerParameters(
  scope: Scope,
  draft: UpstreamDraft,
  parameters: readonly string[],
): ServerParameters {
  const options: { -readonly [K in keyof PeerParameters]: PeerParameters[K] } = {
    weight: 1,
    maxConns: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
  };
  let resolve = false;
  let service: string | null = null;
  for (const parameter of parameters) {
    if (parameter === "resolve") resolve = true;
    else if (parameter.startsWith("service=")) service = parameter.slice(8) || scope.fail("service is empty");
    else if (parameter.includes("=")) readValue(scope, parameter, options);
    else readWord(scope, draft, parameter, options);
  }
  return { options, resolve, service };
}

function readWord(
  scope: Scope,
  draft: UpstreamDraft,
  word: string,
  options: { -readonly [K in keyof PeerParameters]: PeerParameters[K] },
): void {
  switch (word) {
    case "down":
      options.down = true;
      return;
    case "drain":
      options.drain = true;
      return;
    case "backup":
      if (!draft.allowsBackup) scope.fail('balancing method does not support parameter "backup"');
      options.backup = true;
      return;
    default:
      scope.fail(`invalid parameter "${word}"`);
  }
}

function readValue(
  scope: Scope,
  parameter: string,
  options: { -readonly [K in keyof PeerParameters]: PeerParameters[K] },
): void {
  const equals = parameter.indexOf("=");
  const value = parameter.slice(equals + 1);
  const invalid = (): never => scope.fail(`invalid parameter "${parameter}"`);
  const count = (): number => parseNumber(value) ?? invalid();
  switch (parameter.slice(0, equals)) {
    case "weight":
      options.weight = count() || invalid();
      return;
    case "max_conns":
      options.maxConns = count();
      return;
    case "max_fails":
      options.maxFails = count();
      return;
    case "fail_timeout":
      options.failTimeoutMs = (parseSeconds(value) ?? invalid()) * 1000;
      return;
    case "slow_start":
      options.slowStartMs = parseMilliseconds(value) ?? invalid();
      return;
    case "route":
      if (value === "" || value.length > routeBytesMax) invalid();
      options.route = value;
      return;
    default:
      invalid();
  }
}
