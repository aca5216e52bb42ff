import { mapUriToPath } from "./uri-path.ts";
import { delayRequest } from "./request-delay.ts";
import { DECLINED, DONE, OK } from "./handler.ts";
import type { PhaseHandler, Verdict } from "./handler.ts";
import type { Request } from "./request.ts";
import { escapeUri } from "../../http/uri.ts";

/** nginx's phases, in the order in which a request walks them. */
export const Phase = {
  postRead: 0,
  serverRewrite: 1,
  findLocation: 2,
  rewrite: 3,
  postRewrite: 4,
  preaccess: 5,
  access: 6,
  precontent: 7,
  content: 8,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/**
 * Walks the phases from `phase` on, until a handler takes the request over or it fails. Everything
 * runs synchronously; a handler that must wait returns a promise, and the walk goes on when it settles.
 */
export function runPhases(request: Request, phase: Phase): void {
  request.phase = phase;
  request.phaseIndex = 0;
  walk(request);
}

function walk(request: Request): void {
  const { heartbeat } = request.client.gateway;
  const before = heartbeat.enter(request);
  try {
    while (!request.finished) {
      const step = stepOf(request.phase, request);
      if (step === null) break;
      if (step !== next) {
        wait(request, step);
        break;
      }
    }
  } catch (error) {
    request.response.crash(error);
  }
  heartbeat.leave(before);
}

/** The walk goes on with `request.phase`. */
const next = Symbol("next");

function stepOf(phase: Phase, request: Request): typeof next | null | Promise<Verdict> {
  switch (phase) {
    case Phase.postRead:
      return runHandlers(request, request.server.postRead, Phase.serverRewrite);
    case Phase.serverRewrite:
      return runHandlers(request, request.server.rewrite, Phase.findLocation);
    case Phase.findLocation:
      return findLocation(request);
    case Phase.rewrite:
      return runHandlers(request, request.location.rewrite, Phase.postRewrite);
    case Phase.postRewrite:
      return postRewrite(request);
    case Phase.preaccess:
      return runHandlers(request, request.location.preaccess, Phase.access);
    case Phase.access:
      return runAccess(request);
    case Phase.precontent:
      return runHandlers(request, request.location.precontent, Phase.content);
    case Phase.content:
      return runContent(request);
  }
}

function wait(request: Request, promise: Promise<Verdict>): void {
  promise.then(
    (verdict) => {
      if (request.finished) return;
      if (settle(request, verdict)) walk(request);
    },
    (error: unknown) => request.response.crash(error),
  );
}

/** Acts on the verdict of a handler that is not `DECLINED`-and-go-on; true: the walk goes on. */
function settle(request: Request, verdict: Verdict): boolean {
  if (verdict === DECLINED || verdict === OK) {
    if (verdict === OK && request.phase !== Phase.content) advance(request);
    return true;
  }
  if (verdict === DONE) return false;
  if (request.phase === Phase.access) refuseAccess(request, verdict);
  else request.response.fail(verdict);
  return false;
}

/** Leaves the phase although handlers remain: one of them has said `OK`. */
function advance(request: Request): void {
  request.phase = (request.phase + 1) as Phase;
  request.phaseIndex = 0;
}

function runHandlers(
  request: Request,
  handlers: readonly PhaseHandler[],
  following: Phase,
): typeof next | null | Promise<Verdict> {
  const phase = request.phase;
  while (request.phaseIndex < handlers.length) {
    const verdict = handlers[request.phaseIndex++]!(request);
    if (typeof verdict !== "number") return verdict;
    if (verdict === DECLINED) continue;
    if (verdict === OK) break;
    if (verdict !== DONE) request.response.fail(verdict);
    return null;
  }
  if (request.phase !== phase) return next;
  request.phase = following;
  request.phaseIndex = 0;
  return next;
}

function findLocation(request: Request): typeof next | null {
  // What the server's own rewrites have changed is seen to herewith.
  request.uriChanged = false;
  const match = request.server.locations?.find(request) ?? null;
  request.location = match?.location ?? request.server.root;
  const { core } = request.location;
  if (core.internal && !request.internal) {
    request.response.fail(404);
    return null;
  }
  applyLocation(request);
  if (!acceptsBody(request) || !acceptsConnect(request)) return null;
  if (match?.redirect === true) {
    const name = escapeUri(match.location.name, "uri");
    request.response.redirect(301, request.args === "" ? name : `${name}?${request.args}`);
    return null;
  }
  request.phase = Phase.rewrite;
  request.phaseIndex = 0;
  return next;
}

/** What a location decides before its handlers run. */
export function applyLocation(request: Request): void {
  const except = request.location.limitExcept;
  if (except !== null && !except.methods.has(request.method)) request.location = except.location;
  request.writer.locationFound(request);
}

/** False when the location refused the request for the size of its body. Named locations are not asked. */
function acceptsBody(request: Request): boolean {
  const { clientMaxBodySize } = request.location.core;
  const { contentLength } = request.body;
  if (clientMaxBodySize > 0 && contentLength > clientMaxBodySize && !request.body.discarded) {
    request.log("error", `client intended to send too large body: ${contentLength} bytes`);
    request.body.forgetExpectation();
    request.body.discard();
    request.response.fail(413);
    return false;
  }
  return true;
}

/** False when the location refused an extended CONNECT. The page for an error may be anywhere. */
function acceptsConnect(request: Request): boolean {
  const { location } = request;
  if (!request.extendedConnect || location.acceptsExtendedConnect || request.errorStatus !== 0) return true;
  const where = `location "${location.name}" at ${location.file}:${location.line}`;
  request.log("error", `extended CONNECT refused by ${where}: "accept_extended_connect on;" lets it in`);
  request.response.fail(405);
  return false;
}

function postRewrite(request: Request): typeof next | null {
  request.phaseIndex = 0;
  if (!request.uriChanged) {
    request.phase = Phase.preaccess;
    return next;
  }
  request.uriChanged = false;
  request.uriChangesLeft -= 1;
  if (request.uriChangesLeft === 0) {
    request.log("error", `rewrite or internal redirection cycle while processing "${request.uri}"`);
    request.response.fail(500);
    return null;
  }
  request.location = request.server.root;
  request.phase = Phase.findLocation;
  return next;
}

/** `satisfy any`: one handler's OK opens, 401 and 403 wait for the others; `all`: every one must agree. */
function runAccess(request: Request): typeof next | null | Promise<Verdict> {
  // Access was judged for the request that a subrequest is part of.
  const handlers = request.parent === null ? request.location.access : [];
  const any = request.location.core.satisfy === "any";
  while (request.phaseIndex < handlers.length) {
    const verdict = handlers[request.phaseIndex++]!(request);
    if (typeof verdict !== "number") return verdict.then((late) => judgeAccess(request, late, any));
    const judged = judgeAccess(request, verdict, any);
    if (judged === DECLINED) continue;
    if (judged === OK) break;
    if (judged !== DONE) refuseAccess(request, judged);
    return null;
  }
  if (request.phaseIndex >= handlers.length && any && request.errorStatus !== 0) {
    const status = request.errorStatus;
    request.errorStatus = 0;
    if (status === 403) request.log("error", "access forbidden by rule");
    refuseAccess(request, status);
    return null;
  }
  request.phase = Phase.precontent;
  request.phaseIndex = 0;
  return next;
}

/** A 401 may have to wait (`auth_delay`); a client that goes away meanwhile gets none. */
function refuseAccess(request: Request, status: number): void {
  const { authDelayMs } = request.location.core;
  if (status !== 401 || authDelayMs === 0) return request.response.fail(status);
  request.log("info", "delaying unauthorized request");
  delayRequest(request, authDelayMs, () => request.response.fail(status));
}

function judgeAccess(request: Request, verdict: Verdict, any: boolean): Verdict {
  if (!any) return verdict === OK ? DECLINED : verdict;
  if (verdict === 401 || verdict === 403) {
    if (request.errorStatus !== 401) request.errorStatus = verdict;
    return DECLINED;
  }
  if (verdict === OK && request.errorStatus !== 0) {
    request.errorStatus = 0;
    request.response.fields.remove("www-authenticate");
  }
  return verdict;
}

function runContent(request: Request): typeof next | null | Promise<Verdict> {
  const { content, contentChain } = request.location;
  const handlers = content === null ? contentChain : null;
  while (handlers === null ? request.phaseIndex === 0 : request.phaseIndex < handlers.length) {
    const handler = handlers === null ? content! : handlers[request.phaseIndex]!;
    request.phaseIndex += 1;
    const verdict = handler(request);
    if (typeof verdict !== "number") return verdict;
    if (verdict === DECLINED) continue;
    if (verdict !== DONE && verdict !== OK) request.response.fail(verdict);
    return null;
  }
  if (request.uri.endsWith("/")) {
    const mapped = mapUriToPath(request);
    if (mapped !== null) request.log("error", `directory index of "${mapped.path}" is forbidden`);
    request.response.fail(403);
  } else {
    request.log("error", "no handler found");
    request.response.fail(404);
  }
  return null;
}
