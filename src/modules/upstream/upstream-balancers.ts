/**
 * The balancing methods of upstream blocks: ngx_http_upstream_hash_module, _ip_hash_, _least_conn_ and
 * _random_module, and the keep-alive of connections to upstream servers.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#hash
 */
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { ConsistentHash } from "../../gateway/balance/consistent-hash.ts";
import { Hash } from "../../gateway/balance/hash.ts";
import { IpHash } from "../../gateway/balance/ip-hash.ts";
import { LeastConn } from "../../gateway/balance/least-conn.ts";
import { LeastTime } from "../../gateway/balance/least-time.ts";
import type { TimeRule } from "../../gateway/balance/least-time.ts";
import type { PeerSet } from "../../gateway/balance/peer-set.ts";
import { Random } from "../../gateway/balance/random.ts";
import type { Balancer } from "../../gateway/balance/balancer.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { KeepaliveSettings } from "../../gateway/upstream/keepalive-pool.ts";
import { parseNumber } from "../../config/values.ts";
import { upstreamDraftOf } from "./upstream.ts";

/** `hash`: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#hash */
export const upstreamHash: HttpModule = {
  name: "ngx_http_upstream_hash_module",
  directives: [
    {
      name: "hash",
      contexts: ["upstream"],
      args: "1,2",
      default: null,
      doc: "Chooses the server by a key; `consistent` moves few keys when servers change.",
      set: hashDirective,
    },
  ],
};

/** `ip_hash`: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#ip_hash */
export const upstreamIpHash: HttpModule = {
  name: "ngx_http_upstream_ip_hash_module",
  directives: [
    {
      name: "ip_hash",
      contexts: ["upstream"],
      args: "0",
      default: null,
      doc: "Chooses the server by the client's address.",
      set: (scope) => choose(scope, (peers) => new IpHash(peers), false),
    },
  ],
};

/** `least_conn`: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#least_conn */
export const upstreamLeastConn: HttpModule = {
  name: "ngx_http_upstream_least_conn_module",
  directives: [
    {
      name: "least_conn",
      contexts: ["upstream"],
      args: "0",
      default: null,
      doc: "Chooses the server with the fewest active connections.",
      set: (scope) => choose(scope, (peers) => new LeastConn(peers), true),
    },
  ],
};

/** `least_time`: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#least_time */
export const upstreamLeastTime: HttpModule = {
  name: "ngx_http_upstream_least_time_module",
  directives: [
    {
      name: "least_time",
      contexts: ["upstream"],
      args: "1,2",
      default: null,
      doc: "Chooses the server that answers soonest and has few active connections.",
      set: leastTimeDirective,
    },
  ],
};

/** `random`: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#random */
export const upstreamRandom: HttpModule = {
  name: "ngx_http_upstream_random_module",
  directives: [
    {
      name: "random",
      contexts: ["upstream"],
      args: "0,1,2",
      default: null,
      doc: "Chooses the server at random; `two` takes the less busy one of two.",
      set: randomDirective,
    },
  ],
};

const keepalive = slots<KeepaliveSettings & { -readonly [K in keyof KeepaliveSettings]: number }>(
  (scope) => upstreamDraftOf(scope).keepalive,
);

/** `keepalive` and its like: https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive */
export const upstreamKeepalive: HttpModule = {
  name: "ngx_http_upstream_keepalive_module",
  directives: [
    {
      name: "keepalive",
      contexts: ["upstream"],
      args: "1,2",
      default: "32 local",
      doc: "Idle connections to the group's servers that are kept; 0 keeps none. `local` changes nothing.",
      set: keepaliveDirective,
    },
    {
      name: "keepalive_requests",
      contexts: ["upstream"],
      args: "1",
      default: "1000",
      doc: "Most requests sent over one connection.",
      set: keepalive.number("requestsMax"),
    },
    {
      name: "keepalive_time",
      contexts: ["upstream"],
      args: "1",
      default: "1h",
      doc: "Age after which a connection is not kept.",
      set: keepalive.msec("timeMs"),
    },
    {
      name: "keepalive_timeout",
      contexts: ["upstream"],
      args: "1",
      default: "60s",
      doc: "How long an idle connection is kept.",
      set: keepalive.msec("idleTimeoutMs"),
    },
  ],
};

function choose(scope: Scope, make: (peers: PeerSet) => Balancer, allowsBackup: boolean): void {
  const draft = upstreamDraftOf(scope);
  if (draft.methodChosen) scope.warn("load balancing method redefined");
  draft.methodChosen = true;
  draft.makeBalancer = make;
  draft.allowsBackup = allowsBackup;
}

function hashDirective(scope: Scope, { args }: Directive): void {
  const [key = "", word] = args;
  if (word !== undefined && word !== "consistent") scope.fail(`invalid parameter "${word}"`);
  const value = valueOf(scope, key);
  choose(scope, (peers) => (word === undefined ? new Hash(peers) : new ConsistentHash(peers)), false);
  upstreamDraftOf(scope).key = value;
}

function randomDirective(scope: Scope, { args }: Directive): void {
  const [two, method] = args;
  if (two !== undefined && two !== "two") scope.fail(`invalid parameter "${two}"`);
  if (method !== undefined && method !== "least_conn") scope.fail(`invalid parameter "${method}"`);
  choose(scope, (peers) => new Random(peers, two !== undefined), false);
}

function leastTimeDirective(scope: Scope, { args }: Directive): void {
  const [until = "", word] = args;
  if (word !== undefined && word !== "inflight") scope.fail(`invalid parameter "${word}"`);
  if (until !== "header" && until !== "last_byte") return scope.fail(`invalid value "${until}"`);
  const rule: TimeRule = { until, inflight: word !== undefined };
  choose(scope, (peers) => new LeastTime(peers, rule), true);
}

function keepaliveDirective(scope: Scope, { args }: Directive): void {
  const draft = upstreamDraftOf(scope);
  if (draft.keepalive.idleMax !== undefined) scope.fail('"keepalive" directive is duplicate');
  const [count = "", word] = args;
  const idleMax = parseNumber(count);
  if (idleMax === null) return scope.fail(`invalid value "${count}" in "keepalive" directive`);
  if (word !== undefined && word !== "local") scope.fail(`invalid parameter "${word}"`);
  draft.keepalive.idleMax = idleMax;
}
