/** The upstream that an address in a `*_pass` leads to: a block of that name, or one made of the address. */
import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import type { ParsedUrl } from "../../config/url.ts";
import type { Endpoint } from "../../net/network.ts";
import { peerName } from "../balance/peer.ts";
import { PeerSet } from "../balance/peer-set.ts";
import { RoundRobin } from "../balance/round-robin.ts";
import { newUpstreamDraft } from "./draft.ts";
import type { UpstreamBuild, UpstreamDraft } from "./draft.ts";
import { addServer, makePeerGroup, makeUpstream } from "./make-upstream.ts";
import { Upstream } from "./upstream.ts";

/** What `server` says by default holds for an address, too. */
const serverOptions = {
  weight: 1,
  maxConns: 0,
  maxFails: 1,
  failTimeoutMs: 10_000,
  backup: false,
  down: false,
} as const;

/**
 * The upstream that an address without variables names: a block, or a server of its own, which all that name it
 * share. A block may stand further down.
 *
 * @throws ConfigError for a block with a port; once all is read, for an address that has none
 */
export function referToUpstream(
  scope: Scope,
  build: UpstreamBuild,
  url: ParsedUrl,
  place: { readonly file: string; readonly line: number },
): UpstreamDraft {
  const byName = build.upstreams.get(url.hostText.toLowerCase());
  if (byName?.explicit === true) {
    return url.portWritten ? scope.fail(`upstream "${url.hostText}" may not have port ${url.port}`) : byName;
  }
  const key =
    url.kind === "unix"
      ? url.hostText
      : `${url.hostText.toLowerCase()}${url.portWritten ? ":" : " "}${url.port}`;
  const known = build.upstreams.get(key);
  if (known !== undefined) return known;
  const draft = newUpstreamDraft(url.hostAndPort, url, place);
  build.upstreams.set(key, draft);
  build.upstreamDrafts.push(draft);
  // Without a port it can only be a block.
  if (hasPort(url)) addServer(build, draft, url, place, serverOptions);
  return draft;
}

/**
 * All is read, and the upstreams of blocks are made: what an address leads to. A block further down may have its
 * name.
 * @throws ConfigError for an address that lacks a port, and is no block
 */
export function finishAddress(build: UpstreamBuild, draft: UpstreamDraft): void {
  const url = draft.url!;
  const block = url.portWritten ? undefined : build.upstreams.get(url.hostText.toLowerCase());
  if (block?.explicit === true) draft.upstream = block.upstream;
  else if (hasPort(url)) draft.upstream = makeUpstream(build, draft, makePeerGroup(build, draft, 0), null);
  else throw new ConfigError(`no port in upstream "${draft.name}"`, draft.file, draft.line);
}

/** The upstream of an address that is known only with the request: a block, or one that a `*_pass` names elsewhere. */
export function findUpstream(upstreams: ReadonlyMap<string, UpstreamDraft>, url: ParsedUrl): Upstream | null {
  if (url.kind === "unix") return upstreams.get(url.hostText)?.upstream ?? null;
  const host = url.hostText.toLowerCase();
  const block = url.portWritten ? undefined : upstreams.get(host);
  const found = block ?? upstreams.get(`${host}:${url.port}`) ?? upstreams.get(`${host} ${url.port}`);
  return found?.upstream ?? null;
}

/** An upstream made for one request: nothing is remembered of its servers. */
export function passingUpstream({ hostAndPort }: ParsedUrl, endpoints: readonly Endpoint[]): Upstream {
  const peers = endpoints.map((endpoint) => ({
    ...serverOptions,
    name: peerName(endpoint),
    server: hostAndPort,
    endpoint,
  }));
  const set = PeerSet.of(peers);
  return new Upstream(hostAndPort, { balancer: new RoundRobin(set), peers: set }, null, null);
}

/** False where none was written and the scheme has none of its own. */
export function hasPort({ kind, port }: ParsedUrl): boolean {
  return kind === "unix" || port !== 0;
}
