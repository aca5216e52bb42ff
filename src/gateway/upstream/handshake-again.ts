import { asksForUpgrade } from "../../http/upgrade.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { Clock } from "../../net/clock.ts";
import type { Connection, ConnectionOwner } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import { acceptFor } from "../../websocket/accept.ts";
import { agreedExtensions } from "../../websocket/extensions.ts";
import type { Selection } from "../balance/balancer.ts";
import type { Peer } from "../balance/peer.ts";
import { failureOf, wordsOf } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import { redirectMark } from "../request/request.ts";
import type { Request } from "../request/request.ts";
import { UpstreamState } from "../request/upstream-state.ts";
import type {
  AgreedHandshake,
  SearchMaker,
  SearchRules,
  ServerSearch,
  ServerSeeker,
} from "../tunnel/server-search.ts";
import type { ExchangePlan } from "./exchange-plan.ts";
import { PeerDial } from "./peer-dial.ts";
import type { PeerDialOwner } from "./peer-dial.ts";
import type { PooledConnection } from "./pooled-connection.ts";
import type { AnswerSink, HeadOutcome, SharedTry, TryOwner, TrySettings, UpstreamTry } from "./protocol.ts";

/** Works out anew how a request is passed on; null where that cannot be, which was logged. */
export interface PlanMaker {
  (request: Request, take: (plan: ExchangePlan | null) => void): void;
}

/** Searches by plans that are made as those of the first handshakes were. */
export function searchBy(makePlan: PlanMaker): SearchMaker {
  return {
    search(request, balanced, rules, seeker) {
      const search = new HandshakeAgain(request, balanced, rules, seeker);
      makePlan(request, (plan) => search.start(plan));
      return search;
    },
  };
}

/** What a server's answer to a handshake says for whoever has to compare it with another's. */
export function agreedHandshake({ fields }: ResponseHead): AgreedHandshake & { readonly movable: boolean } {
  const { canonical, movable } = agreedExtensions(fields.getJoined("sec-websocket-extensions") ?? "");
  return { subprotocol: fields.get("sec-websocket-protocol") ?? "", extensions: canonical, movable };
}

/** A body that nobody wants. */
const nowhere: AnswerSink = { prepareHead() {}, write: () => true, passOn() {}, end() {}, onDrain: null };

/** The handshake of a WebSocket once more, with one server after the other until one goes on with it. */
class HandshakeAgain implements ServerSearch, TryOwner, PeerDialOwner, DeadlineOwner {
  readonly payload = null;
  readonly pool = null;
  readonly wantsHeadOnly = false;
  requestSent = false;
  activity = "";
  readonly request: Request;
  private readonly balanced: Request;
  private readonly rules: SearchRules;
  private readonly seeker: ServerSeeker;
  private readonly deadline: Deadline;
  private firstWay: ExchangePlan | null = null;
  private way: ExchangePlan | null = null;
  private selection: Selection | null = null;
  private triesLeft: number;
  private peer: Peer | null = null;
  private dial: PeerDial | null = null;
  private current: SharedTry | null = null;
  private why = "no other server";
  private over = false;

  constructor(request: Request, balanced: Request, rules: SearchRules, seeker: ServerSeeker) {
    this.request = request;
    this.balanced = balanced;
    this.rules = rules;
    this.seeker = seeker;
    this.triesLeft = rules.tries;
    this.deadline = new Deadline(this.clock, this);
    // The first attempt's time begins with the loss, also where a name has to be asked for.
    this.deadline.set(rules.timeoutMs);
  }

  get clock(): Clock {
    return this.request.client.gateway.network.clock;
  }

  /** Where it goes; there once the first server is asked. */
  get plan(): ExchangePlan {
    return this.way!;
  }

  get settings(): TrySettings {
    return this.plan.settings;
  }

  get state(): UpstreamState {
    return this.request.upstreamStates!.at(-1)!;
  }

  get maySwitch(): boolean {
    return this.plan.asksForUpgrade && this.request.fields.getAll("upgrade").some(asksForUpgrade);
  }

  /** The way is known: asks the first server. */
  start(plan: ExchangePlan | null): void {
    if (this.over) return;
    if (plan === null) return this.giveUp("no way to a server");
    this.firstWay = plan;
    this.way = plan;
    try {
      this.selection = plan.upstream.newest.begin(this.balanced);
      this.selection.avoid(this.rules.avoided);
      this.request.upstreamStates!.push(redirectMark);
      this.next();
    } catch (error) {
      this.crash(error);
    }
  }

  cancel(): void {
    if (this.over) return;
    this.dropTry();
    this.release("ok");
    this.finish();
  }

  takeHead(head: ResponseHead): HeadOutcome {
    const { rules, request, state } = this;
    state.status = head.status;
    state.headerMs = this.clock.now() - state.startMs;
    const complaint = complaintOf(head, request, rules.agreed);
    if (complaint === "") return "switched";
    this.fail(failureOf("invalidHead", `upstream ${complaint}`));
    return "over";
  }

  switched(connection: Connection, early: Buffer | null): void {
    const { seeker, state, request } = this;
    const lease = { keeper: this.selection!.keeper, peer: this.peer! };
    this.selection!.answered?.(lease.peer, state);
    this.peer = null;
    this.current = null;
    this.finish();
    const states = request.upstreamStates!;
    seeker.found({ connection, early, lease, states: states.slice(states.lastIndexOf(redirectMark)) });
  }

  /** A server does not go on: the next one is asked. */
  fail(failure: Failure): void {
    if (this.over) return;
    this.why = wordsOf(failure);
    this.log("warn", this.why);
    this.dropTry();
    this.state.status ||= failure.status;
    this.release("failed");
    try {
      this.next();
    } catch (error) {
      this.crash(error);
    }
  }

  fallBack(): void {
    if (this.over) return;
    const { fallback } = this.plan;
    this.dropTry();
    if (fallback === undefined || fallback === null) return this.fail(failureOf("upstreamClosed"));
    this.way = fallback;
    this.dial!.start(this.peer!, "");
  }

  timeout(kind: "connectTimedOut" | "sendTimedOut" | "readTimedOut"): Failure {
    return failureOf(kind);
  }

  crash(error: unknown): void {
    if (this.over) return;
    this.request.client.gateway.reportInternalError(error);
    this.dropTry();
    this.release("ok");
    this.giveUp("internal error");
  }

  log(level: "error" | "warn", message: string): void {
    this.request.log(level, `${message} while moving WebSocket to another server`);
  }

  /** An answer that was read whole is none that goes on. */
  complete(): void {
    this.fail(failureOf("upstreamClosed"));
  }

  onDeadline(): void {
    if (this.way === null) {
      this.giveUp("no way to a server in time");
      return;
    }
    this.fail(failureOf("connectTimedOut"));
  }

  private next(): void {
    if (this.triesLeft === 0) return this.giveUp(this.why);
    this.triesLeft -= 1;
    const peer = this.selection!.next();
    if (peer === null) return this.giveUp(this.why);
    this.way = this.firstWay;
    const { scheme, uri } = this.plan;
    this.peer = peer;
    this.requestSent = false;
    this.request.upstreamStates!.push(new UpstreamState(peer.name, scheme, uri, this.clock.now()));
    if (!this.first) this.deadline.set(this.rules.timeoutMs);
    this.dial ??= new PeerDial(this);
    this.dial.start(peer, "");
  }

  private get first(): boolean {
    return this.triesLeft === this.rules.tries - 1;
  }

  /** The connection is there. */
  use(pooled: PooledConnection): ConnectionOwner {
    this.state.connectMs = this.clock.now() - this.state.startMs;
    const attempt = this.plan.begin(this, pooled, nowhere);
    this.current = attempt;
    // Who shares a connection does not own it: see `UpstreamProtocol.begin`.
    const owner = pooled.link ?? (attempt as UpstreamTry);
    pooled.connection.owner = owner;
    try {
      attempt.start();
    } catch (error) {
      this.crash(error);
    }
    return owner;
  }

  /** Not even the gateway's own limits end a search: others may be there by the next server's turn. */
  abandon(failure: Failure): void {
    this.fail(failure);
  }

  private dropTry(): void {
    this.dial?.stop();
    this.current?.drop(false);
    this.current = null;
  }

  private release(outcome: "ok" | "failed"): void {
    const { peer } = this;
    if (peer === null) return;
    this.peer = null;
    this.state.finished = true;
    this.state.responseMs = this.clock.now() - this.state.startMs;
    this.selection!.release(peer, outcome);
  }

  private giveUp(why: string): void {
    this.finish();
    this.seeker.foundNone(why);
  }

  private finish(): void {
    this.over = true;
    this.deadline.dispose();
    this.balanced.release();
    this.request.release();
  }
}

/** What keeps a server's answer from being the one that the client was told; "" for nothing. */
function complaintOf(head: ResponseHead, request: Request, agreed: AgreedHandshake): string {
  const { fields, status } = head;
  if (status !== 101) return `answered ${status}`;
  if (fields.get("upgrade")?.toLowerCase() !== "websocket") return "switched to another protocol";
  const key = request.fields.get("sec-websocket-key");
  if (key !== null && fields.get("sec-websocket-accept") !== acceptFor(key))
    return "sent another Sec-WebSocket-Accept";
  const { subprotocol, extensions } = agreedHandshake(head);
  if (subprotocol !== agreed.subprotocol)
    return `chose subprotocol "${subprotocol}" instead of "${agreed.subprotocol}"`;
  return extensions === agreed.extensions
    ? ""
    : `chose extensions "${extensions}" instead of "${agreed.extensions}"`;
}
