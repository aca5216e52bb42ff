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
import type { NameServerSettings } from "../../gateway/serve/settings.ts";
import { newUpstreamDraft } from "../../gateway/upstream/draft.ts";
import type { UpstreamDraft, UpstreamServerDraft } from "../../gateway/upstream/draft.ts";
import { KeepalivePool } from "../../gateway/upstream/keepalive-pool.ts";
import type { KeepaliveSettings } from "../../gateway/upstream/keepalive-pool.ts";
import { addServer, makePeerGroup, makeUpstream } from "../../gateway/upstream/make-upstream.ts";
import { finishAddress } from "../../gateway/upstream/target-upstream.ts";
import type { Upstream } from "../../gateway/upstream/upstream.ts";
import { inTurns } from "../../net/pace.ts";
import { httpCore } from "../core/http-core.ts";
import { resolverDirective } from "../core/resolver.ts";
import type { CoreLocation } from "../core/settings.ts";
import { keepNamesFresh } from "./upstream-names.ts";
import { readServerParameters } from "./upstream-server.ts";

const resolverSlots = slots<CoreLocation>((scope) => scope.location(httpCore));

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

export const upstreamModule: HttpModule = {
  name: "ngx_http_upstream_module",
  directives,
  async finishUpstreams(build, http) {
    const { pace } = http.cycle;
    const { upstreamDrafts: drafts } = build;
    const blocks = drafts.filter(({ explicit }) => explicit);
    const addresses = drafts.filter(({ explicit }) => !explicit);
    await inTurns(blocks, pace, (draft) => finishBlock(build, draft, http));
    await inTurns(addresses, pace, (draft) => finishAddress(build, draft));
  },
};

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

async function upstreamBlock(scope: Scope, directive: Directive): Promise<void> {
  const build = buildOf(scope);
  const name = directive.args[0]!;
  const key = name.toLowerCase();
  if (build.upstreams.get(key)?.explicit === true) scope.fail(`duplicate upstream "${name}"`);
  checkNoPort(scope, name);
  const draft = newUpstreamDraft(name, null, directive);
  build.upstreams.set(key, draft);
  build.upstreamDrafts.push(draft);
  const inner = new Scope({
    cycle: scope.cycle,
    context: "upstream",
    parent: scope,
    mainSettings: scope.mainSettings,
    serverSettings: new Map(),
    locationSettings: draft.settings,
    subject: draft,
  });
  await scope.cycle.walk(directive.block!, inner);
  if (draft.servers.length === 0) scope.fail("no servers are inside upstream");
}

/** Its `resolver` is that of the `http` block unless it has one. */
function finishBlock(build: HttpBuild, draft: UpstreamDraft, http: Scope): void {
  const own = (draft.settings.get(httpCore) ?? {}) as Partial<CoreLocation>;
  const around = http.location(httpCore);
  draft.upstream = finishUpstream(build, draft, {
    resolver: own.resolver ?? around.resolver ?? null,
    resolverTimeoutMs: own.resolverTimeoutMs ?? around.resolverTimeoutMs ?? 30_000,
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

/** Rows for peers of run-time names: for each more addresses than one DNS answer over UDP has room for. */
const spareRowsPerName = 64;

function finishUpstream(build: HttpBuild, draft: UpstreamDraft, names: NameServerSettings): Upstream {
  const changing = draft.servers.filter(({ runTimeName }) => runTimeName !== null);
  // As in nginx, peers of names stand behind those of addresses, those of the last line first.
  const fixed = draft.servers.filter(({ runTimeName }) => runTimeName === null);
  draft.servers.splice(0, draft.servers.length, ...fixed, ...changing.toReversed());
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
  const group = makePeerGroup(build, draft, changing.length * spareRowsPerName);
  if (changing.length > 0) keepNamesFresh(build, draft, group, names);
  const settings = { ...keepaliveDefaults, ...draft.keepalive };
  const pool = settings.idleMax > 0 ? new KeepalivePool(settings, build.network.clock) : null;
  return makeUpstream(build, draft, group, pool);
}
