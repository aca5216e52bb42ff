/**
 * The modules of the http block, in order. The order is behaviour: handlers of one phase run in it, and
 * so do header filters.
 */
import type { HttpModule } from "../gateway/build/http-module.ts";
import { access } from "./access/access.ts";
import { addition } from "./filters/addition/addition.ts";
import { authBasic } from "./access/auth-basic.ts";
import { authRequest } from "./access/auth-request.ts";
import { autoindex } from "./static/autoindex.ts";
import { browser } from "./variables/browser.ts";
import { httpCore } from "./core/http-core.ts";
import { charset } from "./filters/charset/charset.ts";
import { coreVariables } from "./variables/core-variables.ts";
import { emptyGif } from "./static/empty-gif.ts";
import { fastcgi } from "./fastcgi/fastcgi.ts";
import { geo } from "./variables/geo.ts";
import { grpc } from "./grpc/grpc.ts";
import { gunzip } from "./filters/gzip/gunzip.ts";
import { gzip } from "./filters/gzip/gzip.ts";
import { gzipConditions } from "./filters/gzip/gzip-allowed.ts";
import { gzipStatic } from "./filters/gzip/gzip-static.ts";
import { headers } from "./filters/headers.ts";
import { health } from "./upstream/health/health.ts";
import { http2 } from "./core/http2.ts";
import { indexFiles } from "./static/index-files.ts";
import { limitConn } from "./limits/limit-conn/limit-conn.ts";
import { limitRate } from "./limits/limit-rate.ts";
import { limitReq } from "./limits/limit-req/limit-req.ts";
import { log } from "./core/log.ts";
import { map } from "./variables/map.ts";
import { mirror } from "./proxy/mirror.ts";
import { proxy } from "./proxy/proxy.ts";
import { randomIndex } from "./static/random-index.ts";
import { realip } from "./access/realip.ts";
import { referer } from "./access/referer.ts";
import { resolver } from "./core/resolver.ts";
import { rewrite } from "./core/rewrite/rewrite.ts";
import { scgi } from "./scgi/scgi.ts";
import { secureLink } from "./access/secure-link.ts";
import { splitClients } from "./variables/split-clients.ts";
import { ssl } from "./ssl/ssl.ts";
import { stapling } from "./ssl/stapling.ts";
import { staticFiles } from "./static/static.ts";
import { stubStatus } from "./status/stub-status.ts";
import { subFilter } from "./filters/sub-filter.ts";
import { tryFiles } from "./static/try-files.ts";
import {
  upstreamHash,
  upstreamIpHash,
  upstreamKeepalive,
  upstreamLeastConn,
  upstreamLeastTime,
  upstreamRandom,
} from "./upstream/upstream-balancers.ts";
import { upstreamSticky } from "./upstream/upstream-sticky.ts";
import { upstreamVariables } from "./upstream/upstream-variables.ts";
import { upstreamZone } from "./upstream/upstream-zone.ts";
import { upstreamModule } from "./upstream/upstream.ts";
import { userid } from "./filters/userid/userid.ts";
import { extendedConnect } from "./websocket/extended-connect.ts";
import { websocketFailover } from "./websocket/failover.ts";
import { websocketHandshakes } from "./websocket/handshakes.ts";
import { uwsgi } from "./uwsgi/uwsgi.ts";
import { variablesAlone } from "./variables/variables-alone.ts";
import { websocketLimit } from "./websocket/limit/websocket-limit.ts";
import { websocketLog } from "./websocket/websocket-log.ts";
import { websocketRebalance } from "./websocket/rebalance.ts";
import { websocketTunnels } from "./websocket/websocket-tunnels.ts";
import { websocketVariables } from "./websocket/websocket-variables.ts";

/** All that are built in. Others that a configuration is read with come behind them in each phase. */
export const httpModules: readonly HttpModule[] = [
  httpCore,
  resolver,
  coreVariables,
  upstreamVariables,
  variablesAlone,
  ssl,
  stapling,
  http2,
  log,
  map,
  geo,
  splitClients,
  referer,
  browser,
  secureLink,
  // Whoever looks at the client's address comes after this one.
  realip,
  access,
  authBasic,
  authRequest,
  // Requests are counted by rate before they are counted as under way; both after realip.
  limitReq,
  limitConn,
  websocketHandshakes,
  extendedConnect,
  rewrite,
  upstreamModule,
  upstreamHash,
  upstreamIpHash,
  upstreamLeastConn,
  upstreamLeastTime,
  upstreamRandom,
  upstreamKeepalive,
  upstreamZone,
  upstreamSticky,
  proxy,
  grpc,
  fastcgi,
  scgi,
  uwsgi,
  health,
  stubStatus,
  emptyGif,
  // Header filters run in this order: what the static module says of ranges comes last.
  headers,
  userid,
  gzipConditions,
  gunzip,
  subFilter,
  charset,
  // What is added was changed by its own filters up to here.
  addition,
  gzip,
  limitRate,
  tryFiles,
  mirror,
  websocketTunnels,
  websocketLimit,
  websocketFailover,
  websocketRebalance,
  websocketLog,
  websocketVariables,
  // Content handlers are asked in this order.
  randomIndex,
  indexFiles,
  autoindex,
  gzipStatic,
  staticFiles,
];
