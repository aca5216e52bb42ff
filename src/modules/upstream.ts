/**
 * ngx_http_upstream_module: groups of servers that requests are passed to.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html
 */
import type { DirectiveSpec } from "../config/module.ts";
import { Scope } from "../config/scope.ts";
import type { Directive } from "../config/tree.ts";
import { parseNumber, parseSeconds } from "../config/values.ts";
import { parseUrl } from "../config/url.ts";
import type { ParsedUrl } from "../config/url.ts";
import { buildOf, failAt } from "../gateway/http-build.ts";
import type { HttpBuild } from "../gateway/http-build.ts";
import type { HttpModule } from "../gateway/http-module.ts";
import { PeerSet } from "../gateway/balance/peer-set.ts";
import { RoundRobin } from "../gateway/balance/round-robin.ts";
import type { PeerOptions } from "../gateway/balance/peer.ts";
import type { UpstreamDraft, UpstreamServerDraft } from "../gateway/upstream/draft.ts";
import { KeepalivePool } from "../gateway/upstream/keepalive-pool.ts";
import type { KeepaliveSettings } from "../gateway/upstream/keepalive-pool.ts";
import { Upstream } from "../gateway/upstream/upstream.ts";
import type { Endpoint } from "../net/network.ts";

const directives: readonly DirectiveSpec[] = [
  {
    name: "upstream",
    contexts: ["http"],
    args: "1",
    block: true,
    default: null,
    doc: "Describes a group of servers.",
    set: upstreamBlock,
  },
  {
    name: "server",
    contexts: ["upstream"],
    args: "1+",
    default: null,
    doc: "Adds a server to the group.",
    set: serverDirective,
  },
];

export const upstreamModule: HttpModule = { name: "ngx_http_upstream_module", directives };

/** nginx mainline keeps connections to upstream blocks open by default. */
const keepaliveDefaults: KeepaliveSettings = {
  idleMax: 32,
  requestsMax: 1000,
  timeMs: 3_600_000,
  idleTimeoutMs: 60_000,
};

/** The upstream whose block is being read. */
export function upstreamDraftOf(scope: Scope): UpstreamDraft {
  return scope.subject as UpstreamDraft;
}

/** The upstream that an address in `proxy_pass` names: a block, or a server of its own. */
export function referToUpstream(scope: Scope, url: ParsedUrl, place: Directive): UpstreamDraft {
  const build = buildOf(scope);
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
  const draft = newDraft(url.hostAndPort, false, place);
  build.upstreams.set(key, draft);
  addServer(build, draft, url, place, {
    weight: 1,
    maxConns: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
  });
  build.afterwards.push(() => {
    const block = url.portWritten ? undefined : build.upstreams.get(url.hostText.toLowerCase());
    draft.upstream = block?.explicit === true ? block.upstream : finishUpstream(build, draft);
  });
  return draft;
}

/** The upstream of an address that is known only with the request: a block, or one that `proxy_pass` names elsewhere. */
export function findUpstream(build: HttpBuild, url: ParsedUrl): Upstream | null {
  const { upstreams } = build;
  if (url.kind === "unix") return upstreams.get(url.hostText)?.upstream ?? null;
  const host = url.hostText.toLowerCase();
  const block = url.portWritten ? undefined : upstreams.get(host);
  const found = block ?? upstreams.get(`${host}:${url.port}`) ?? upstreams.get(`${host} ${url.port}`);
  return found?.upstream ?? null;
}

function upstreamBlock(scope: Scope, directive: Directive): void {
  const build = buildOf(scope);
  const name = directive.args[0]!;
  const key = name.toLowerCase();
  if (build.upstreams.get(key)?.explicit === true) scope.fail(`duplicate upstream "${name}"`);
  checkNoPort(scope, name);
  const draft = newDraft(name, true, directive);
  build.upstreams.set(key, draft);
  const inner = new Scope({
    cycle: scope.cycle,
    context: "upstream",
    parent: scope,
    mainSettings: scope.mainSettings,
    serverSettings: new Map(),
    locationSettings: new Map(),
    subject: draft,
  });
  scope.cycle.walk(directive.block!, inner);
  if (draft.servers.length === 0) scope.fail("no servers are inside upstream");
  build.finishUpstreams.push(() => {
    draft.upstream = finishUpstream(build, draft);
  });
}

/** A `proxy_pass` further up must not name a port of what turns out to be a block. */
function checkNoPort(scope: Scope, name: string): void {
  for (const draft of buildOf(scope).upstreams.values()) {
    const url = draft.explicit ? "" : parseUrl(draft.name, { defaultPort: 80 });
    if (typeof url === "string" || !url.portWritten) continue;
    if (url.hostText.toLowerCase() !== name.toLowerCase()) continue;
    failAt(draft, `upstream "${name}" may not have port ${url.port}`);
  }
}

function newDraft(name: string, explicit: boolean, { file, line }: Directive): UpstreamDraft {
  return {
    name,
    explicit,
    servers: [],
    makeBalancer: (peers) => new RoundRobin(peers),
    methodChosen: false,
    allowsBackup: true,
    key: null,
    keepalive: {},
    file,
    line,
    upstream: null,
  };
}

type ServerOptions = UpstreamServerDraft["options"];

function serverDirective(scope: Scope, directive: Directive): void {
  const draft = upstreamDraftOf(scope);
  const [text = "", ...parameters] = directive.args;
  const options: { -readonly [K in keyof ServerOptions]: ServerOptions[K] } = {
    weight: 1,
    maxConns: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
  };
  for (const parameter of parameters) readParameter(scope, draft, parameter, options);
  const url = parseUrl(text, { defaultPort: 80 });
  if (typeof url === "string") return scope.fail(`${url} in upstream "${text}"`);
  addServer(buildOf(scope), draft, url, directive, options);
}

function readParameter(
  scope: Scope,
  draft: UpstreamDraft,
  parameter: string,
  options: { -readonly [K in keyof ServerOptions]: ServerOptions[K] },
): void {
  const equals = parameter.indexOf("=");
  const name = equals < 0 ? parameter : parameter.slice(0, equals);
  const value = equals < 0 ? "" : parameter.slice(equals + 1);
  const invalid = (): never => scope.fail(`invalid parameter "${parameter}"`);
  const count = (): number => parseNumber(value) ?? invalid();
  if (equals < 0) {
    if (name === "down") options.down = true;
    else if (name === "backup") {
      if (!draft.allowsBackup) scope.fail('balancing method does not support parameter "backup"');
      options.backup = true;
    } else if (name === "resolve" || name === "drain") {
      scope.fail(`the "${name}" parameter of the "server" directive is not supported by longhaul yet`);
    } else invalid();
    return;
  }
  switch (name) {
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
    case "route":
    case "service":
    case "slow_start":
      scope.fail(`the "${name}" parameter of the "server" directive is not supported by longhaul yet`);
      return;
    default:
      invalid();
  }
}

/** Adds the peers of one address; those of a host name follow when it has been resolved. */
function addServer(
  build: HttpBuild,
  draft: UpstreamDraft,
  url: ParsedUrl,
  place: Directive,
  options: ServerOptions,
): void {
  const { file, line } = place;
  const server: UpstreamServerDraft = { address: url.hostAndPort, options, file, line, peers: [] };
  draft.servers.push(server);
  const add = (endpoint: Endpoint): void => {
    server.peers.push(peerOf(endpoint, url.hostAndPort, options));
  };
  if (url.kind === "unix") add({ kind: "unix", path: url.host });
  else if (url.kind === "ip") add({ kind: "tcp", address: url.host, port: url.port });
  else {
    build.names.push({
      host: url.host,
      place,
      complaint: `host not found in upstream "${url.hostAndPort}"`,
      skip: () =>
        !draft.explicit && !url.portWritten && build.upstreams.get(url.host.toLowerCase())?.explicit === true,
      resolved: (addresses) => {
        for (const address of addresses) add({ kind: "tcp", address, port: url.port });
      },
    });
  }
}

function peerOf(endpoint: Endpoint, server: string, options: ServerOptions): PeerOptions {
  return { ...options, name: peerName(endpoint), server, endpoint };
}

/** The peer in `$upstream_addr` and in the log. */
export function peerName(endpoint: Endpoint): string {
  if (endpoint.kind === "unix") return `unix:${endpoint.path}`;
  return endpoint.address.includes(":")
    ? `[${endpoint.address}]:${endpoint.port}`
    : `${endpoint.address}:${endpoint.port}`;
}

function peerSet(build: HttpBuild, draft: UpstreamDraft, options: readonly PeerOptions[]): PeerSet {
  const { peerRows } = build;
  if (peerRows === null) return PeerSet.of(options);
  const name = draft.explicit ? draft.name : `address ${draft.name}`;
  return PeerSet.of(options, peerRows.table, peerRows.rowsOf(name, options));
}

function finishUpstream(build: HttpBuild, draft: UpstreamDraft): Upstream {
  const options = draft.servers.flatMap((server) => server.peers);
  if (!options.some((peer) => !peer.backup)) {
    failAt(draft, `no servers in upstream "${draft.name}"`);
  }
  const peers = peerSet(build, draft, options);
  const settings = { ...keepaliveDefaults, ...draft.keepalive };
  const kept = draft.explicit && settings.idleMax > 0;
  const pool = kept ? new KeepalivePool(settings, build.network.clock) : null;
  return new Upstream(draft.name, draft.makeBalancer(peers), draft.key, pool);
}
