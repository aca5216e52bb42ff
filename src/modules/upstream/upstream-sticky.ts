/**
 * ngx_http_upstream_sticky_module: keeps the requests of a session with one server, by a cookie of our own, by
 * the server's name in a variable, or by what servers' answers tell.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#sticky
 */
import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseSeconds } from "../../config/values.ts";
import type { Selection } from "../../gateway/balance/balancer.ts";
import type { Peer } from "../../gateway/balance/peer.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Location } from "../../gateway/serve/location.ts";
import { wallMs } from "../../gateway/request/request-facts.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { StickySelection } from "../../gateway/upstream/sticky-selection.ts";
import { zoneArgument } from "../../gateway/zones/zones.ts";
import type { Zone } from "../../gateway/zones/zones.ts";
import type { Sticky } from "../../gateway/upstream/upstream.ts";
import { findCookie } from "../support/cookies.ts";
import { StickyCookie, sameSiteValue } from "./sticky-cookie.ts";
import { LearnedSessions, stickyZoneUse } from "./sticky-sessions.ts";
import type { SessionZone } from "./sticky-sessions.ts";
import { upstreamDraftOf } from "./upstream.ts";

const learnTimeoutMs = 600_000;

export const upstreamSticky: HttpModule = {
  name: "ngx_http_upstream_sticky_module",
  directives: [
    {
      name: "sticky",
      contexts: ["upstream"],
      args: "2+",
      default: null,
      doc: "Keeps the requests of a session with one server: by `cookie`, `route` or `learn`.",
      set: stickyDirective,
    },
  ],
  attach(location: Location, _settings: object, build: HttpBuild) {
    for (const { sticky } of build.upstreams.values()) {
      if (sticky === null) continue;
      location.headerFilters.push(tellSession);
      return;
    }
  },
};

/** What a request's session is to hear when the answer's head is made. */
const waiting = new WeakMap<Request, Waiting>();

interface Waiting {
  readonly selection: StickySelection;
  tell(request: Request, peer: Peer): void;
}

function tellSession(request: Request): void {
  if (request.parent !== null) return;
  const session = waiting.get(request);
  const peer = session?.selection.peer ?? null;
  if (peer !== null) session!.tell(request, peer);
}

function stickyDirective(scope: Scope, directive: Directive): void {
  const draft = upstreamDraftOf(scope);
  if (draft.sticky !== null) refuse(scope, directive, "is duplicate");
  const [kind = "", ...parameters] = directive.args;
  if (kind === "cookie") draft.sticky = readCookie(scope, parameters);
  else if (kind === "route")
    draft.sticky = new RouteSticky(parameters.map((text) => variableOf(scope, text)));
  else if (kind === "learn") draft.sticky = readLearn(scope, parameters);
  else scope.fail(`unknown sticky method "${kind}"`);
}

function variableOf(scope: Scope, text: string): Value {
  return text.includes("$") ? valueOf(scope, text) : scope.fail(`invalid variable "${text}"`);
}

function readCookie(scope: Scope, [name = "", ...parameters]: readonly string[]): Sticky {
  const cookie = new StickyCookie(name);
  for (const parameter of parameters) {
    const [, key = "", value = ""] = /^([a-z]+)(?:=(.*))?$/s.exec(parameter) ?? [];
    const invalid = (): never => scope.fail(`invalid parameter "${parameter}"`);
    if (parameter === "secure") cookie.secure = true;
    else if (parameter === "httponly") cookie.httpOnly = true;
    else if (value === "") invalid();
    else if (key === "expires")
      cookie.expiresSeconds = value === "max" ? Infinity : (parseSeconds(value) ?? invalid());
    else if (key === "domain") cookie.domain = valueOf(scope, value);
    else if (key === "path") cookie.path = value;
    else if (key === "samesite") {
      if (!value.includes("$") && !sameSiteValue.test(value)) invalid();
      cookie.sameSite = valueOf(scope, value);
    } else invalid();
  }
  return new CookieSticky(cookie);
}

class CookieSticky implements Sticky {
  private readonly cookie: StickyCookie;

  constructor(cookie: StickyCookie) {
    this.cookie = cookie;
  }

  bind(request: Request, selection: Selection): Selection {
    const { cookie } = this;
    const sticky = new StickySelection(selection, findCookie(request.fields, cookie.lowerName));
    const tell = ({ response }: Request, { route }: Peer): void => {
      response.fields.add("Set-Cookie", cookie.text(request, route, wallMs(request)));
    };
    waiting.set(request, { selection: sticky, tell });
    return sticky;
  }
}

/** The first value that is not empty. */
function firstOf(values: readonly Value[], request: Request): string | null {
  for (const value of values) {
    const text = value.evaluate(request);
    if (text !== "") return text;
  }
  return null;
}

class RouteSticky implements Sticky {
  private readonly variables: readonly Value[];

  constructor(variables: readonly Value[]) {
    this.variables = variables;
  }

  bind(request: Request, selection: Selection): Selection {
    return new StickySelection(selection, firstOf(this.variables, request));
  }
}

function readLearn(scope: Scope, parameters: readonly string[]): Sticky {
  const create: Value[] = [];
  const lookup: Value[] = [];
  let zone: Zone<SessionZone> | null = null;
  let timeoutMs = learnTimeoutMs;
  let early = false;
  for (const parameter of parameters) {
    const equals = parameter.indexOf("=");
    const key = equals < 0 ? "" : parameter.slice(0, equals);
    const value = parameter.slice(equals + 1);
    const invalid = (): never => scope.fail(`invalid parameter "${parameter}"`);
    if (parameter === "header") early = true;
    else if (parameter === "sync") scope.notice('the "sync" parameter has no effect: there is no cluster');
    else if (key === "create") create.push(variableOf(scope, value));
    else if (key === "lookup") lookup.push(variableOf(scope, value));
    else if (key === "zone") zone = sessionZone(scope, parameter);
    else if (key === "timeout") timeoutMs = parseMilliseconds(value) ?? invalid();
    else invalid();
  }
  if (create.length === 0) scope.fail('"create" parameter is required in "sticky learn"');
  if (lookup.length === 0) scope.fail('"lookup" parameter is required in "sticky learn"');
  if (zone === null) return scope.fail('"zone" parameter is required in "sticky learn"');
  const { network, worker } = buildOf(scope);
  zone.data ??= { worker, table: null };
  const sessions = new LearnedSessions(zone.data, timeoutMs, network.clock);
  return new LearnSticky(create, lookup, sessions, early);
}

function sessionZone(scope: Scope, parameter: string): Zone<SessionZone> {
  const { name, size } = zoneArgument(scope, parameter);
  if (name === "") scope.fail(`invalid zone name "${parameter}"`);
  return buildOf(scope).zones.add(scope, stickyZoneUse, name, size);
}

class LearnSticky implements Sticky {
  private readonly create: readonly Value[];
  private readonly lookup: readonly Value[];
  private readonly sessions: LearnedSessions;
  /** Learns from an answer's head; otherwise when the answer was passed on. */
  private readonly early: boolean;

  constructor(create: readonly Value[], lookup: readonly Value[], sessions: LearnedSessions, early: boolean) {
    this.create = create;
    this.lookup = lookup;
    this.sessions = sessions;
    this.early = early;
  }

  bind(request: Request, selection: Selection): Selection {
    const { sessions } = this;
    const id = firstOf(this.lookup, request);
    // A session is prolonged by answers that begin none.
    const learn = (route: string): void => {
      const created = firstOf(this.create, request);
      if (created !== null) sessions.learn(created, route);
      else if (id !== null) sessions.prolong(id);
    };
    const route = id === null ? null : sessions.find(id);
    const sticky = new StickySelection(selection, route, this.early ? null : (peer) => learn(peer.route));
    const tell = ({ response, upstreamHead }: Request, peer: Peer): void => {
      if (upstreamHead === null) return;
      // A tunnel may go on for days: its session is known from the start.
      if (this.early || response.upgraded) learn(peer.route);
    };
    waiting.set(request, { selection: sticky, tell });
    return sticky;
  }
}
