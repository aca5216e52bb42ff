import { RegexFailure } from "../../config/regex.ts";
import type { CompiledRegex, RegexMatch } from "../../config/regex.ts";
import type { VariableHolder } from "../../config/variables.ts";
import type { Fields } from "../../http/fields.ts";
import type { RequestHead } from "../../http/request-head.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { AnswerWriter } from "./answer-writer.ts";
import type { Client } from "./client.ts";
import { releaseAll, withOne, withoutOne } from "./holders.ts";
import type { ClientWatcher, Few, Holder } from "./holders.ts";
import type { Location } from "../serve/location.ts";
import type { Origin } from "./origin.ts";
import type { RequestBody } from "./request-body.ts";
import { Response } from "./response.ts";
import { applyLocation, runPhases, Phase } from "./phases.ts";
import { UpstreamState } from "./upstream-state.ts";
import { describeWebSocket } from "./websocket-facts.ts";
import type { WebSocketFacts } from "./websocket-facts.ts";
import type { VirtualServer } from "../serve/virtual-server.ts";
import type { HeartbeatSubject } from "../zones/heartbeat.ts";

/** How often a request may be given another URI before it is taken for a loop (nginx: 10). */
const uriChangesMax = 10;

/**
 * One HTTP request, from its head to its line in the access log.
 *
 * All strings hold one character per byte.
 */
export class Request implements VariableHolder, HeartbeatSubject {
  readonly client: Client;
  /** Where it comes from; realip may change it. */
  origin: Origin;
  /** The request that this one was started for; null for a client's. */
  readonly parent: Request | null;
  /** Where its answer goes. */
  readonly writer: AnswerWriter;
  readonly head: RequestHead;
  readonly fields: Fields;
  readonly response: Response;
  body: RequestBody;
  /** Changes to GET when an error page is served instead of what was asked for. */
  method: string;
  /** Decoded and normalised path: `$uri`. */
  uri: string;
  /** What follows "?", as sent: `$args`. */
  args: string;
  /** There are arguments, but they are empty: `$args` is found. */
  argsEmptied: boolean;
  /** True while the request still asks for the URI that the client sent, letter by letter. */
  uriUntouched = true;
  /** `rewrite … break` replaced the URI: it does not begin with the location's name any more. */
  locationReplaced = false;
  server: VirtualServer;
  location: Location;
  /** A new URI was set by `rewrite`; the location must be found again. */
  uriChanged = false;
  uriChangesLeft = uriChangesMax + 1;
  heartbeatSerial = 0;
  internal = false;
  keepAlive: boolean;
  /** An error page is being served: errors on the way there get the built-in page. */
  servingErrorPage = false;
  /** Status for the log and for error pages that keep it; 0 when none failed. */
  errorStatus = 0;
  /** The request ended and was logged. */
  finished = false;
  /** It came before the answer to the one before it was complete. */
  readonly pipelined: boolean;
  /** The how manieth of its connection: `$connection_requests`. */
  readonly ordinal: number;
  readonly startMs: number;
  /** Subrequests were started for it, which may set its variables for as long as they run. */
  hasSubrequests = false;
  /** A subrequest's are its parent's. */
  readonly variableValues: (string | null | undefined)[];
  captures: readonly (string | undefined)[] | null = null;
  /** One entry per try of an upstream server, for `$upstream_*`; null before the first. */
  upstreamStates: UpstreamState[] | null = null;
  /** Head of the answer of the upstream server asked last, as it came; null while there is none. */
  upstreamHead: ResponseHead | null = null;
  /** The fields behind the last chunk of that answer, where they are kept. */
  upstreamTrailers: Fields | null = null;
  /** The host that a module passes the request on to: `$proxy_host` and `$proxy_port`. */
  passedTo: { readonly host: string; readonly port: string } | null = null;
  /** A client's extended CONNECT, served as the handshake that it stands for: see extended-connect.ts. */
  extendedConnect = false;
  /** What nginx is said to be doing, in log lines that do not say it themselves; "" for nothing. */
  activity = "";
  /** Of a handshake that is made again with another server: the number of the move. 0 for what a client sent. */
  moves = 0;
  /** Room for what modules keep per request, by their own key; null until one needs it. */
  moduleState: Map<object, unknown> | null = null;
  /** Of a WebSocket that has ended; null for any other request. */
  websocket: WebSocketFacts | null = null;
  phase: Phase = Phase.postRead;
  phaseIndex = 0;
  private watchers: Few<ClientWatcher> = null;
  private holders: Few<Holder> = null;
  /** What was held is given back, or for a tunnel to give back. */
  private released = false;

  constructor(init: {
    client: Client;
    writer: AnswerWriter;
    head: RequestHead;
    body: RequestBody;
    server: VirtualServer;
    parent?: Request;
    /** Given when it begins anew with what it had come to: see `TunnelRecord`. */
    startMs?: number;
    variableValues?: (string | null | undefined)[];
  }) {
    const { client } = init;
    this.client = client;
    this.origin = init.parent?.origin ?? client.origin;
    this.parent = init.parent ?? null;
    this.writer = init.writer;
    this.variableValues = this.parent?.variableValues ?? init.variableValues ?? [];
    this.head = init.head;
    this.fields = init.head.fields;
    this.body = init.body;
    this.method = init.head.method;
    this.uri = init.head.uri;
    this.args = init.head.args ?? "";
    // Behind "?" alone there are none, for nginx.
    this.argsEmptied = init.head.args === "" && init.head.requestUri.includes("#");
    this.uriUntouched = init.head.requestUriValid;
    this.server = init.server;
    this.location = init.server.root;
    const { connection, versionMajor, versionMinor } = init.head;
    const persistent = versionMajor > 1 || (versionMajor === 1 && versionMinor > 0);
    this.keepAlive = persistent ? connection !== "close" : connection === "keep-alive";
    this.pipelined = client.pipelined;
    this.ordinal = client.requests;
    this.startMs = init.startMs ?? client.gateway.network.clock.now();
    this.response = new Response(this);
  }

  /**
   * `holder` is told when the request is over, however it ends: once, after the log lines, the last one that came here
   * first. A tunnel ends later than its request, and tells then. At once when all others have been told.
   */
  onEnd(holder: Holder): void {
    if (this.released) holder.onRequestEnd();
    else this.holders = withOne(this.holders, holder);
  }

  /** `holder` holds nothing any more. */
  offEnd(holder: Holder): void {
    this.holders = withoutOne(this.holders, holder);
  }

  /** Has those who are still at work stop, and gives back what is held, once the request is logged. */
  release(): void {
    const { watchers } = this;
    const holders = this.takeHolders();
    this.watchers = null;
    if (watchers === null && holders === null) return;
    const report = (error: unknown): void => this.client.gateway.reportInternalError(error);
    releaseAll(watchers, report);
    releaseAll(holders, report);
  }

  /** A tunnel, which goes on without the request, gives back what is held. */
  takeHolders(): Few<Holder> {
    const { holders } = this;
    this.holders = null;
    this.released = true;
    return holders;
  }

  /**
   * `watcher` hears when the client goes away, before those that came earlier. It takes itself out again when its work
   * is done; if the request ends first, it is told so, before holders are.
   */
  watch(watcher: ClientWatcher): void {
    if (this.released) watcher.onRequestEnd();
    else this.watchers = withOne(this.watchers, watcher);
  }

  /** `watcher` has done its work; whoever else watches goes on. */
  unwatch(watcher: ClientWatcher): void {
    this.watchers = withoutOne(this.watchers, watcher);
  }

  /** Somebody sees to the request when its client goes away. */
  get watched(): boolean {
    return this.watchers !== null;
  }

  /** Whoever watches the client hears that it is gone, until one of them has ended the request. */
  tellClientGone(how: "closed" | "stalled"): void {
    const { watchers } = this;
    if (!Array.isArray(watchers)) return watchers?.onClientGone(how);
    for (const watcher of watchers.toReversed()) if (!this.finished) watcher.onClientGone(how);
  }

  /** Host name of the request: lower case, no port; "" when the client sent none. */
  get host(): string {
    return this.head.host ?? "";
  }

  /** The client's request: this one, or that on whose behalf it was started. */
  get main(): Request {
    const { parent } = this;
    return parent === null ? this : parent.main;
  }

  get secure(): boolean {
    return this.origin.tls !== null;
  }

  get isHead(): boolean {
    return this.method === "HEAD";
  }

  /** HTTP/1.1 or later. */
  get speaks11(): boolean {
    return this.head.versionMajor > 1 || (this.head.versionMajor === 1 && this.head.versionMinor >= 1);
  }

  /**
   * Runs a regular expression on `subject`; its captures become `$1` … `$9` and named variables.
   *
   * @param otherwise what it is taken for when the matcher gives up, which is logged
   * @throws RegexFailure, logged, when the matcher gives up and there is no `otherwise`
   */
  matchRegex(regex: CompiledRegex, subject: string, otherwise?: boolean): boolean {
    let match: RegexMatch | null;
    try {
      match = regex.exec(subject);
    } catch (error) {
      return this.giveUp(error, otherwise);
    }
    if (match === null) return false;
    this.captures = match;
    regex.assignNamed(this, match);
    return true;
  }

  /** The same without captures. */
  testRegex(regex: CompiledRegex, subject: string, otherwise?: boolean): boolean {
    try {
      return regex.test(subject);
    } catch (error) {
      return this.giveUp(error, otherwise);
    }
  }

  /** Logs in the location's error log, with nginx's description of who was served. */
  log(level: "crit" | "error" | "warn" | "info" | "alert" | "notice", message: string): void {
    const log = this.location.core.errorLog;
    if (!log.enabled(level)) return;
    const { activity } = this;
    const during = activity === "" || / while [^"]*$/.test(message) ? "" : ` while ${activity}`;
    log.write(level, message + during + this.describe(), this.client.serial);
  }

  /** Starts over with another URI, as `error_page` and `index` do. No arguments are null. */
  internalRedirect(uri: string, args: string | null): void {
    if (!this.countUriChange(uri)) return;
    this.setUri(uri, args);
    this.internal = true;
    this.locationReplaced = false;
    this.passedTo = null;
    this.activity = "";
    this.location = this.server.root;
    runPhases(this, Phase.serverRewrite);
  }

  /** Goes on in a named location, keeping the URI. */
  namedRedirect(name: string): void {
    if (!this.countUriChange(this.uri)) return;
    const location = this.server.named.get(name);
    if (location === undefined) {
      this.log("error", `could not find named location "${name}"`);
      this.response.fail(500);
      return;
    }
    this.internal = true;
    this.uriChanged = false;
    this.passedTo = null;
    this.location = location;
    applyLocation(this);
    runPhases(this, Phase.rewrite);
  }

  /** The arguments, or null where there are none. */
  get givenArgs(): string | null {
    return this.args === "" && !this.argsEmptied ? null : this.args;
  }

  /** @param args null for none */
  setUri(uri: string, args: string | null): void {
    this.uri = uri;
    this.args = args ?? "";
    this.argsEmptied = args === "";
    this.uriUntouched = false;
  }

  /** Runs the phase that waits once more, from its first handler. */
  resume(): void {
    runPhases(this, this.phase);
  }

  private giveUp(error: unknown, otherwise: boolean | undefined): boolean {
    if (!(error instanceof RegexFailure)) throw error;
    this.log("alert", error.message);
    error.logged = true;
    if (otherwise === undefined) throw error;
    return otherwise;
  }

  private countUriChange(uri: string): boolean {
    this.uriChangesLeft -= 1;
    if (this.uriChangesLeft > 0) return true;
    this.log("error", `rewrite or internal redirection cycle while internally redirecting to "${uri}"`);
    this.response.fail(500);
    return false;
  }

  private describe(): string {
    const upstream = this.upstreamStates?.at(-1);
    const host = this.fields.get("host");
    const { requestLine } = this.head;
    let text = `, client: ${this.origin.remoteText}, server: ${this.server.name}`;
    if (requestLine !== "") text += `, request: "${requestLine}"`;
    if (this.parent !== null) text += `, subrequest: "${this.uri}"`;
    if (upstream !== undefined && upstream !== redirectMark && !upstream.finished) {
      text += `, upstream: "${upstream.url}"`;
    }
    if (host !== null) text += `, host: "${host}"`;
    const referer = this.fields.get("referer");
    if (referer !== null) text += `, referrer: "${referer}"`;
    if (this.websocket !== null) text += describeWebSocket(this.websocket);
    return text;
  }
}

/** Stands in `upstreamStates` where an internal redirect parts two groups of tries (": " in variables). */
export const redirectMark = new UpstreamState("", "", "", 0);
redirectMark.finished = true;
