/**
 * The modules of the http block, in order. The order is behaviour: handlers of one phase run in it, and
 * so do header filters.
 */
import type { HttpModule } from "../gateway/http-module.ts";
import { access } from "./access.ts";
import { addition } from "./addition/addition.ts";
import { authBasic } from "./auth-basic.ts";
import { authRequest } from "./auth-request.ts";
import { autoindex } from "./autoindex.ts";
import { browser } from "./browser.ts";
import { httpCore } from "./core/http-core.ts";
import { charset } from "./charset/charset.ts";
import { coreVariables } from "./core-variables.ts";
import { emptyGif } from "./empty-gif.ts";
import { geo } from "./geo.ts";
import { gunzip } from "./gzip/gunzip.ts";
import { gzip } from "./gzip/gzip.ts";
import { gzipConditions } from "./gzip/gzip-allowed.ts";
import { gzipStatic } from "./gzip/gzip-static.ts";
import { headers } from "./headers.ts";
import { health } from "./health/health.ts";
import { http2 } from "./http2.ts";
import { indexFiles } from "./index-files.ts";
import { limitConn } from "./limit-conn/limit-conn.ts";
import { limitRate } from "./limit-rate.ts";
import { limitReq } from "./limit-req/limit-req.ts";
import { log } from "./log.ts";
import { map } from "./map.ts";
import { mirror } from "./mirror.ts";
import { proxy } from "./proxy/proxy.ts";
import { randomIndex } from "./random-index.ts";
import { realip } from "./realip.ts";
import { referer } from "./referer.ts";
import { resolver } from "./resolver.ts";
import { rewrite } from "./rewrite/rewrite.ts";
import { secureLink } from "./secure-link.ts";
import { splitClients } from "./split-clients.ts";
import { ssl } from "./ssl/ssl.ts";
import { stapling } from "./ssl/stapling.ts";
import { staticFiles } from "./static.ts";
import { stubStatus } from "./stub-status.ts";
import { subFilter } from "./sub-filter.ts";
import { tryFiles } from "./try-files.ts";
import {
  upstreamHash,
  upstreamIpHash,
  upstreamKeepalive,
  upstreamLeastConn,
  upstreamLeastTime,
  upstreamRandom,
} from "./upstream-balancers.ts";
import { upstreamSticky } from "./upstream-sticky.ts";
import { upstreamVariables } from "./upstream-variables.ts";
import { upstreamZone } from "./upstream-zone.ts";
import { upstreamModule } from "./upstream.ts";
import { userid } from "./userid/userid.ts";
import { variablesAlone } from "./variables-alone.ts";

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
  // Content handlers are asked in this order.
  randomIndex,
  indexFiles,
  autoindex,
  gzipStatic,
  staticFiles,
];
