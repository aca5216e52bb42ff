import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler, Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { asksForWebSocket } from "../../gateway/request/websocket-request.ts";
import type { SearchMaker } from "../../gateway/tunnel/server-search.ts";
import type { Location } from "../../gateway/serve/location.ts";
import { isMethod, safeFieldValue } from "../../http/field-value.ts";
import { Exchange } from "../../gateway/upstream/exchange.ts";
import { searchBy } from "../../gateway/upstream/handshake-again.ts";
import type { PlanMaker } from "../../gateway/upstream/handshake-again.ts";
import type { Target } from "../../gateway/upstream/target.ts";
import { passHandler } from "../../gateway/upstream/target-search.ts";
import { accelFields, compileAnswer, hiddenFields } from "../support/pass-answer.ts";
import type { FieldRewriter } from "../support/pass-answer.ts";
import { upstreamUri } from "../support/upstream-uri.ts";
import { failoverOf, forMoves } from "../websocket/failover.ts";
import { forHandshakes, handshakeModeOf } from "../websocket/handshakes.ts";
import { SwallowedHandshakes } from "../websocket/swallowed-handshakes.ts";
import { rewriteCookie } from "./cookies.ts";
import { proxyAddress } from "./pass.ts";
import { refreshUrlStart, rewriteRedirect } from "./redirect.ts";
import { makePlan } from "./plans.ts";
import type { ProxyPlan, ProxyRoute } from "./plans.ts";
import { compileHead, compileHttp2Head } from "./request-head.ts";
import type { ProxyLocation, ProxyPass } from "./settings.ts";

/** Hidden unless `proxy_pass_header` lets them through. */
const hiddenByDefault = ["date", "server", "x-pad", ...accelFields];

/** Makes the content handler of a location with `proxy_pass`. */
export function proxyHandler(
  location: Location,
  settings: ProxyLocation,
  pass: ProxyPass,
  build: HttpBuild,
): PhaseHandler {
  const hidden = hiddenFields(settings, hiddenByDefault);
  const rules = { hidden, mayLackServer: true, rewriter: rewriterOf(settings) };
  const acceptHead = compileAnswer(settings, rules);
  const buildHttp2Head = compileHttp2Head(settings);
  const route = {
    settings,
    acceptHead,
    buildHead: compileHead(settings),
    buildHttp2Head,
    hidden,
    isHttp2: settings.httpVersion === "2",
    search: null,
  };
  const mode = handshakeModeOf(location.settings);
  const swallowed = mode === "auto" ? new SwallowedHandshakes(location, build) : null;
  const isFixed = pass.variable === null;
  const planOf = (request: Request, target: Target): ProxyPlan | 500 => {
    request.passedTo = target;
    const method = settings.method === null ? request.method : settings.method.evaluate(request);
    if (settings.method !== null && !isMethod(method)) {
      request.log("error", `invalid method "${safeFieldValue(method)}" in "proxy_method"`);
      return 500;
    }
    const isHandshake = watches && asksForWebSocket(request);
    const way = isHandshake ? shaking : route;
    // The path of an address with variables is the request's as it stands.
    const { uri: ownUri } = target;
    const uri = isFixed || ownUri === "" ? upstreamUri(request, ownUri, pass.location) : ownUri;
    const plan = makePlan(request, way, target, method, uri);
    if (plan === 500) return plan;
    if (isHandshake && !plan.asksForUpgrade) swallowed?.tell(request);
    return plan;
  };
  const search = {
    form: proxyAddress,
    upstreams: build.upstreams,
    ignoreClientAbort: settings.ignoreClientAbort,
  };
  const planAgain = plansBy((asked, start) => passHandler(pass, search, start)(asked), planOf);
  const moves = failoverOf(location.settings) !== null;
  const watches = moves || mode !== "off";
  const shaking = handshakeRoute(route, mode === "on", moves ? searchBy(planAgain) : null);
  return passHandler(pass, search, (request, target) => {
    const plan = planOf(request, target);
    if (plan === 500) return plan;
    new Exchange(request, plan).start();
    return DONE;
  });
}

/** Makes plans for requests that have been passed on before. */
function plansBy(
  find: (
    request: Request,
    start: (request: Request, target: Target) => Verdict,
  ) => Verdict | Promise<Verdict>,
  planOf: (request: Request, target: Target) => ProxyPlan | 500,
): PlanMaker {
  return (request, take) => {
    const found = find(request, (asked, target) => {
      const plan = planOf(asked, target);
      take(plan === 500 ? null : plan);
      return DONE;
    });
    // A verdict of its own says that there is no way.
    if (found instanceof Promise) void found.then((verdict) => verdict === DONE || take(null));
    else if (found !== DONE) take(null);
  };
}

/** The same way for WebSocket handshakes. `passes`: by themselves. `search`: for WebSockets that may move. */
function handshakeRoute(route: ProxyRoute, passes: boolean, search: SearchMaker | null): ProxyRoute {
  if (!passes && search === null) return route;
  const passing = passes ? forHandshakes(route.settings) : route.settings;
  const settings = search === null ? passing : forMoves(passing);
  const buildHttp2Head = compileHttp2Head(settings);
  return { ...route, settings, buildHead: compileHead(settings), buildHttp2Head, search };
}

/** `proxy_redirect` and the directives for cookies. */
function rewriterOf(settings: ProxyLocation): FieldRewriter {
  const redirects = settings.redirects ?? [];
  const { cookieDomains, cookiePaths, cookieFlags } = settings;
  const cookiesChange = [cookieDomains, cookiePaths, cookieFlags].some((rules) => rules.length > 0);
  return {
    cookie: (request, value) => (cookiesChange ? rewriteCookie(request, settings, value) : value),
    location: (request, value) => rewriteRedirect(request, redirects, value, 0),
    refresh(request, value) {
      const start = refreshUrlStart(value);
      return start < 0 ? value : (rewriteRedirect(request, redirects, value, start) ?? value);
    },
  };
}
