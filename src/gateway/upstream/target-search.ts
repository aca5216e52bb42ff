/** Finds the target of each request that a location passes on, and asks name servers where it must. */
import type { ParsedUrl } from "../../config/url.ts";
import { NameWait } from "../../net/name-resolver.ts";
import type { Resolution } from "../../net/name-resolver.ts";
import type { Endpoint } from "../../net/network.ts";
import type { PhaseHandler, Verdict } from "../request/handler.ts";
import type { ClientWatcher } from "../request/holders.ts";
import type { Request } from "../request/request.ts";
import type { UpstreamDraft } from "./draft.ts";
import { parseAddress, partsOfAddress, splitScheme } from "./target.ts";
import type { AddressForm, Pass, Target, VariablePass } from "./target.ts";
import { findUpstream, hasPort, passingUpstream } from "./target-upstream.ts";

/** What the search goes by, apart from the `*_pass` itself. */
export interface TargetSearch {
  readonly form: AddressForm;
  /** Those of the configuration, by name. */
  readonly upstreams: ReadonlyMap<string, UpstreamDraft>;
  /** A request whose client has left goes on. */
  readonly ignoreClientAbort: boolean;
}

type Found = Target | Verdict;

/**
 * Makes the content handler of a location with a `*_pass`: `start` gets each request with its target. One target
 * serves all requests where there are no variables.
 */
export function passHandler(
  pass: Pass,
  search: TargetSearch,
  start: (request: Request, target: Target) => Verdict,
): PhaseHandler {
  if (pass.variable === null) {
    const { draft, scheme, host, port, uri } = pass;
    let target: Target | null = null;
    return (request) => {
      // The upstream is there once the configuration is whole.
      target ??= { scheme, upstream: draft.upstream!, host, port, uri };
      return start(request, target);
    };
  }
  return (request) => {
    const go = (found: Found): Verdict => (typeof found === "number" ? found : start(request, found));
    const found = findTarget(request, pass, search);
    return found instanceof Promise ? found.then(go) : go(found);
  };
}

/** An address with variables: the name of an upstream block, or where a server is. */
function findTarget(request: Request, pass: VariablePass, search: TargetSearch): Found | Promise<Found> {
  const { form, upstreams, ignoreClientAbort } = search;
  const url = pass.variable.evaluate(request);
  const split = splitScheme(url, form);
  if (split === null || (split.rest === "" && url !== "")) {
    request.log("error", `invalid URL prefix in "${url}"`);
    return 500;
  }
  const { scheme, rest } = split;
  const parsed = parseAddress(split, form);
  if (typeof parsed === "string") {
    request.log("error", `${parsed} in upstream "${rest}"`);
    return 500;
  }
  const where = { scheme, ...partsOfAddress(parsed, scheme) };
  const known = findUpstream(upstreams, parsed);
  if (known !== null) return { ...where, upstream: known };
  if (!hasPort(parsed)) {
    request.log("error", `no port in upstream "${parsed.hostAndPort}"`);
    return 500;
  }
  if (parsed.kind === "name") return resolveName(request, parsed, where, ignoreClientAbort);
  const endpoint: Endpoint =
    parsed.kind === "unix"
      ? { kind: "unix", path: parsed.host }
      : { kind: "tcp", address: parsed.host, port: parsed.port };
  return { ...where, upstream: passingUpstream(parsed, [endpoint]) };
}

/** Asks the location's name servers for a host. */
function resolveName(
  request: Request,
  url: ParsedUrl,
  where: Omit<Target, "upstream">,
  ignoreClientAbort: boolean,
): Found | Promise<Found> {
  const { host, port } = url;
  const { resolver, resolverTimeoutMs } = request.location.core;
  if (resolver === null) {
    request.log("error", `no resolver defined to resolve ${host}`);
    return 502;
  }
  const go = (resolution: Resolution): Found => {
    if ("failure" in resolution) {
      request.log("error", `${host} could not be resolved (${resolution.failure}: ${resolution.reason})`);
      return 502;
    }
    const endpoints = resolution.addresses.map((address): Endpoint => ({ kind: "tcp", address, port }));
    return { ...where, upstream: passingUpstream(url, endpoints) };
  };
  const known = resolver.remembered(host);
  if (known !== null) return go(known);
  const wait = new NameWait();
  const watcher = new NameWatcher(request, wait);
  if (!ignoreClientAbort) request.watch(watcher);
  return resolver.ask(host, resolverTimeoutMs, wait).then((found) => {
    request.unwatch(watcher);
    return go(found);
  });
}

/** A client that leaves while its name is asked for. */
class NameWatcher implements ClientWatcher {
  private readonly request: Request;
  private readonly wait: NameWait;

  constructor(request: Request, wait: NameWait) {
    this.request = request;
    this.wait = wait;
  }

  onRequestEnd(): void {
    this.wait.cancel();
  }

  onClientGone(): void {
    const { request } = this;
    this.wait.cancel();
    request.unwatch(this);
    request.log("info", "epoll_wait() reported that client prematurely closed connection");
    request.response.fail(499);
  }
}
