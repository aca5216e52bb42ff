/**
 * ngx_http_upstream_module: groups of servers that requests are passed to.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html
 */
import type { DirectiveSpec } from "../../config/module.ts";
import { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseUrl } from "../../config/url.ts";
import type { ParsedUrl } from "../../config/url.ts";
import { buildOf, failAt } from "../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { PeerGroup } from "../../gateway/balance/peer-group.ts";
import type { PeerRowPlan } from "../../gateway/balance/peer-group.ts";
import { PeerTable } from "../../gateway/balance/peer-table.ts";
import { RoundRobin } from "../../gateway/balance/round-robin.ts";
import type { PeerOptions } from "../../gateway/balance/peer.ts";
import type { UpstreamDraft, UpstreamServerDraft } from "../../gateway/upstream/draft.ts";
import { KeepalivePool } from "../../gateway/upstream/keepalive-pool.ts";
import type { KeepaliveSettings } from "../../gateway/upstream/keepalive-pool.ts";
import { Upstream } from "../../gateway/upstream/upstream.ts";
import type { Endpoint } from "../../net/network.ts";
import { resolver, resolverDirective } from "../core/resolver.ts";
import type { ResolverLocation } from "../core/resolver.ts";
import { keepNamesFresh } from "./upstream-names.ts";
import { defaultRoute, peerName, readServerParameters } from "./upstream-server.ts";

const resolverSlots = slots<ResolverLocation>((scope) => scope.location(resolver));

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
  {
    name: "resolver",
    contexts: ["upstream"],
    args: "1+",
    default: null,
    doc: "Name servers for servers with `resolve`; by default those of the `http` block.",
    set: resolverDirective,
  },
  {
    name: "resolver_timeout",
    contexts: ["upstream"],
    args: "1",
    default: "30s",
    doc: "How long the answer of a name server is waited for.",
    set: resolverSlots.msec("resolverTimeoutMs"),
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

/** The upstream whose block is being read. Only for directives that may stand in `upstream` alone. */
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

async function upstreamBlock(scope: Scope, directive: Directive): Promise<void> {
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
  await scope.cycle.walk(directive.block!, inner);
  if (draft.servers.length === 0) scope.fail("no servers are inside upstream");
  build.finishUpstreams.push(() => {
    const own = inner.location(resolver);
    const around = scope.location(resolver);
    draft.upstream = finishUpstream(build, draft, {
      resolver: own.resolver ?? around.resolver ?? null,
      resolverTimeoutMs: own.resolverTimeoutMs ?? around.resolverTimeoutMs ?? 30_000,
    });
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
    zone: null,
    makeBalancer: (peers) => new RoundRobin(peers),
    methodChosen: false,
    allowsBackup: true,
    key: null,
    sticky: null,
    keepalive: {},
    file,
    line,
    group: null,
    healthChecks: 0,
    upstream: null,
  };
}

type ServerOptions = UpstreamServerDraft["options"];

function serverDirective(scope: Scope, directive: Directive): void {
  const draft = upstreamDraftOf(scope);
  const [text = "", ...parameters] = directive.args;
  const { options, resolve, service } = readServerParameters(scope, draft, parameters);
  if (service !== null && !resolve) scope.fail(`service upstream "${text}" requires "resolve" parameter`);
  const url = parseUrl(text, { defaultPort: 80 });
  if (typeof url === "string") return scope.fail(`${url} in upstream "${text}"`);
  if (service !== null && url.portWritten) scope.fail(`service upstream "${text}" may not have port`);
  if (resolve && url.kind === "name") addRunTimeName(draft, url, directive, options, service);
  else addServer(buildOf(scope), draft, url, directive, options);
}

/** A server whose name is looked up while requests run. It has no peers yet. */
function addRunTimeName(
  draft: UpstreamDraft,
  { host, hostAndPort, port }: ParsedUrl,
  { file, line }: Directive,
  options: ServerOptions,
  service: string | null,
): void {
  const prefix = service?.includes(".") === true ? service : `_${service}._tcp`;
  const runTimeName = { host, port, service, serviceName: `${prefix}.${host}` };
  draft.servers.push({ address: hostAndPort, options, file, line, peers: [], runTimeName });
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
  const server: UpstreamServerDraft = {
    address: url.hostAndPort,
    options,
    file,
    line,
    peers: [],
    runTimeName: null,
  };
  draft.servers.push(server);
  const add = (endpoint: Endpoint): void => {
    const name = peerName(endpoint);
    const route = options.route ?? defaultRoute(name);
    server.peers.push({ ...options, route, name, server: url.hostAndPort, endpoint });
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

/** Rows for peers of run-time names: for each more addresses than one DNS answer over UDP has room for. */
const spareRowsPerName = 64;

function finishUpstream(
  build: HttpBuild,
  draft: UpstreamDraft,
  names: ResolverLocation = { resolver: null, resolverTimeoutMs: 0 },
): Upstream {
  const changing = draft.servers.filter(({ runTimeName }) => runTimeName !== null);
  // As in nginx, peers of names stand behind those of addresses, those of the last line first.
  const fixed = draft.servers.filter(({ runTimeName }) => runTimeName === null);
  draft.servers.splice(0, draft.servers.length, ...fixed, ...changing.toReversed());
  const lines = draft.servers.map(({ peers }) => peers);
  if (changing.length > 0 && names.resolver === null) {
    const { name, file, line } = draft;
    const what = "no resolver defined to resolve names at run time";
    failAt({ file: "", line: 0 }, `${what} in upstream "${name}" in ${file}:${line}`);
  }
  if (
    !draft.servers.some(({ options, peers, runTimeName }) => !options.backup && (runTimeName ?? peers[0]))
  ) {
    failAt(draft, `no servers in upstream "${draft.name}"`);
  }
  const plan = rowPlan(build, draft, lines, changing.length * spareRowsPerName);
  const group = new PeerGroup(lines, plan, draft.makeBalancer);
  draft.group = group;
  if (changing.length > 0) keepNamesFresh(build, draft, group, names);
  build.background.set(`peers ${draft.explicit ? "" : "address "}${draft.name}`, {
    start: () => group.keepChecks(draft.healthChecks),
    stop: () => group.close(),
  });
  const settings = { ...keepaliveDefaults, ...draft.keepalive };
  const kept = draft.explicit && settings.idleMax > 0;
  const pool = kept ? new KeepalivePool(settings, build.network.clock) : null;
  return new Upstream(draft.name, group, draft.key, pool, draft.sticky);
}

function rowPlan(
  build: HttpBuild,
  draft: UpstreamDraft,
  lines: readonly (readonly PeerOptions[])[],
  spareRows: number,
): PeerRowPlan {
  const options = lines.flat();
  const { peerRows } = build;
  if (peerRows === null) {
    const spare = Array.from({ length: spareRows }, (_, index) => options.length + index);
    const table = new PeerTable(options.length + spareRows);
    return { table, rows: rowsByLine(lines, [...options.keys()]), spare };
  }
  const name = draft.explicit ? draft.name : `address ${draft.name}`;
  const rows = rowsByLine(lines, peerRows.rowsOf(name, options));
  const seats = Array.from({ length: spareRows }, (_, index) => ({ name: `spare ${index}`, backup: false }));
  return { table: peerRows.table, rows, spare: peerRows.rowsOf(name, seats) };
}

function rowsByLine(lines: readonly (readonly PeerOptions[])[], rows: readonly number[]): number[][] {
  let at = 0;
  return lines.map((line) => line.map(() => rows[at++]!));
}
