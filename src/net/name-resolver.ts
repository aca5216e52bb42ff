/** Finds addresses by name servers while requests wait, by the rules of ngx_resolver. */
import type { Timer } from "./clock.ts";
import {
  codeWords,
  lowerDomain,
  readAnswers,
  readResponse,
  recordType,
  responseCode,
} from "./dns-message.ts";
import type { ServiceRecord } from "./dns-message.ts";
import { NameMemory } from "./name-memory.ts";
import type { KnownName } from "./name-memory.ts";
import { NameQuestion } from "./name-question.ts";
import type { NameRecords } from "./name-question.ts";
import { NameServerLink } from "./name-server-link.ts";
import type { QuestionSocket } from "./name-server-link.ts";
import type { Network, TcpEndpoint } from "./network.ts";

/** A question without an answer is sent again after this, to the next server; nginx waits as long. */
const resendMs = 5000;

/** The number of ETIMEDOUT, which nginx gives as the code. */
const timedOut = 110;

/** Aliases that are followed from one name: as many as nginx follows. */
const aliasesMax = 50;

/** How long nginx takes it for granted that a name does not exist, where `valid` says nothing. */
const noSuchNameSeconds = 10;

/** Names that are asked for at once, those included whose requests wait no more: each is a socket or a part of one. */
const questionsMax = 10_000;

/** Servers of a service, all targets together: as many as one name may have addresses of a kind. */
const serversMax = 1024;

/** What is wrong with answers is told once in so long: whoever floods us with them must not fill the log. */
const complaintEveryMs = 1000;

/** Addresses and how long they may be used (by the clock's `now`), or why there are none. */
export type Resolution = { readonly addresses: readonly string[]; readonly untilMs: number } | NameFailure;

/** nginx's number and words; `untilMs`: when it is worth asking again. */
export interface NameFailure {
  readonly failure: number;
  readonly reason: string;
  readonly untilMs: number;
}

/**
 * The `resolver` directive: which name servers are asked, in turn, and for which kinds of address.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html#resolver
 */
export interface NameServers {
  /** May become more until the first name is asked for, and is not empty then. */
  readonly servers: readonly TcpEndpoint[];
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** How long answers are used; null: as long as the name servers say. */
  readonly validSeconds: number | null;
}

/** A server that an SRV record names. */
export interface ServiceAddress {
  readonly address: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A target of an SRV record that has no address. */
export interface LostTarget extends NameFailure {
  readonly target: string;
}

/**
 * The servers of a service, the targets that have no address, and until when both may be used (by the clock's
 * `now`); or why there are none.
 */
export type ServiceResolution =
  | {
      readonly servers: readonly ServiceAddress[];
      readonly lost: readonly LostTarget[];
      readonly untilMs: number;
    }
  | NameFailure;

/** One kind of thing that names are asked for. */
interface Kind {
  readonly types: readonly number[];
  readonly memory: NameMemory;
  /** Questions on their way, which others who ask the same wait for. */
  readonly asked: Map<string, Asked>;
}

interface Asked {
  readonly kind: Kind;
  readonly question: NameQuestion;
  readonly waiters: Set<Waiter>;
}

/** Lets somebody who waits for names go away: what was promised then never comes. */
export class NameWait {
  private readonly leaving: (() => void)[] = [];

  /** Something to be done when nobody waits any more. */
  onCancel(leave: () => void): void {
    this.leaving.push(leave);
  }

  /** The one who waits has gone. Its timers end with that; a question on its way is still answered for others. */
  cancel(): void {
    for (const leave of this.leaving) leave();
  }
}

/** Someone who waits for a name. */
interface Waiter {
  /** Aliases followed so far. */
  aliases: number;
  asked: Asked | null;
  timer: Timer | null;
  /** `fresh`: name servers have just said so. */
  settle(result: KnownName | NameFailure, fresh: boolean): void;
}

/**
 * Asks name servers for addresses and services, and remembers what they say as long as they say. Questions
 * that are the same are asked once; aliases are followed. Never rejects: a failure is a value, with nginx's
 * number and words.
 */
export class NameResolver {
  private readonly network: Network;
  private readonly nameServers: NameServers;
  private readonly complain: (text: string) => void;
  /** Made for the first question: name servers that have names themselves are known only by then. */
  private links: readonly NameServerLink[] | null = null;
  private readonly hosts: Kind;
  private readonly services: Kind;
  /** The server that the next name is asked of, by its place. */
  private turn = 0;
  private lastComplaintMs = -Infinity;

  /** `complain` gets what is wrong with answers, for the error log. */
  constructor(network: Network, nameServers: NameServers, complain: (text: string) => void) {
    this.network = network;
    this.nameServers = nameServers;
    this.complain = complain;
    const { ipv4, ipv6 } = nameServers;
    const types = [...(ipv4 ? [recordType.a] : []), ...(ipv6 ? [recordType.aaaa] : [])];
    this.hosts = { types, memory: new NameMemory(), asked: new Map() };
    this.services = { types: [recordType.srv], memory: new NameMemory(), asked: new Map() };
  }

  /** The addresses of a name, in another order each time; a promise when they must be asked for. */
  resolve(hostname: string, timeoutMs: number, wait = new NameWait()): Resolution | Promise<Resolution> {
    return this.remembered(hostname) ?? this.ask(hostname, timeoutMs, wait);
  }

  /** The addresses of a name that is known, in another order each time; null for others. */
  remembered(hostname: string): Resolution | null {
    const known = this.hosts.memory.get(nameOf(hostname), this.nowSeconds());
    return known === null || known.alias !== null ? null : this.resolutionOf(known, false);
  }

  /** The addresses of a name that is not known; those that have just been found are in the answer's order. */
  ask(hostname: string, timeoutMs: number, wait: NameWait): Promise<Resolution> {
    return new Promise((settle) => {
      this.wait(this.hosts, nameOf(hostname), timeoutMs, wait, (result, fresh) =>
        settle("failure" in result ? result : this.resolutionOf(result, fresh)),
      );
    });
  }

  /** The servers of a service, those of the least priority first: each record's target with its addresses. */
  async resolveService(
    service: string,
    timeoutMs: number,
    wait = new NameWait(),
  ): Promise<ServiceResolution> {
    const known = await new Promise<KnownName | NameFailure>((settle) => {
      this.wait(this.services, nameOf(service), timeoutMs, wait, settle);
    });
    if ("failure" in known) return known;
    const records = known.services.toSorted((one, other) => one.priority - other.priority);
    const targets = await Promise.all(
      records.map(async ({ target }) => this.resolve(target, timeoutMs, wait)),
    );
    return serviceOf(records, targets, known.lastSecond * 1000);
  }

  private wait(kind: Kind, name: string, timeoutMs: number, wait: NameWait, settle: Waiter["settle"]): void {
    const waiter: Waiter = {
      aliases: 0,
      asked: null,
      timer: null,
      settle: (result, fresh) => {
        waiter.timer?.cancel();
        waiter.asked = null;
        settle(result, fresh);
      },
    };
    this.begin(kind, name, waiter);
    if (waiter.asked === null) return;
    waiter.timer = this.network.clock.timer(timeoutMs, () => {
      waiter.asked?.waiters.delete(waiter);
      waiter.settle(this.failure(timedOut), false);
    });
    wait.onCancel(() => this.leave(waiter));
  }

  /** Nobody has to hear the answer any more; one that comes too late, on the other hand, is of use to others. */
  private leave(waiter: Waiter): void {
    const { asked } = waiter;
    waiter.timer?.cancel();
    if (asked === null) return;
    waiter.asked = null;
    asked.waiters.delete(waiter);
    if (asked.waiters.size === 0) this.end(asked);
  }

  /** Answers from memory, following aliases, or asks for the first name that is not known. */
  private begin(kind: Kind, first: string, waiter: Waiter): void {
    const now = this.nowSeconds();
    let name = first;
    for (;;) {
      const known = kind.memory.get(name, now);
      if (known === null) break;
      if (known.alias === null) return waiter.settle(known, false);
      if (++waiter.aliases > aliasesMax) return waiter.settle(this.failure(responseCode.notFound), false);
      name = known.alias;
    }
    const asked = kind.asked.get(name) ?? this.question(kind, name);
    if (typeof asked === "number") return waiter.settle(this.failure(asked), false);
    // Nobody waits for it any more: the server whose turn it was may be dead.
    if (asked.waiters.size === 0 && asked.question.timer !== null) this.sendAgain(asked);
    asked.waiters.add(waiter);
    waiter.asked = asked;
    this.resendLater(asked, false);
  }

  /** A new question, or the code of the failure. */
  private question(kind: Kind, name: string): Asked | number {
    if (kind.asked.size >= questionsMax) return responseCode.serverFailure;
    const { network, turn } = this;
    const links = (this.links ??= this.makeLinks());
    const question = NameQuestion.of(network, name, kind.types, links, turn);
    if (question === null) return responseCode.notFound;
    this.turn = (turn + 1) % links.length;
    const asked: Asked = { kind, question, waiters: new Set() };
    kind.asked.set(name, asked);
    question.send();
    return asked;
  }

  private makeLinks(): NameServerLink[] {
    const take = (bytes: Buffer, from: QuestionSocket): void => this.take(bytes, from);
    return this.nameServers.servers.map((endpoint) => new NameServerLink(this.network, endpoint, take));
  }

  private sendAgain(asked: Asked): void {
    asked.question.sendToNext();
    this.resendLater(asked, true);
  }

  private resendLater(asked: Asked, anew: boolean): void {
    const { question } = asked;
    if (question.timer !== null && !anew) return;
    question.timer?.cancel();
    question.timer = this.network.clock.timer(resendMs, () => {
      if (asked.waiters.size > 0) this.sendAgain(asked);
      else this.end(asked);
    });
  }

  private end({ kind, question }: Asked): void {
    kind.asked.delete(question.name);
    question.close();
  }

  private take(bytes: Buffer, from: QuestionSocket): void {
    const response = readResponse(bytes, from.way);
    if (typeof response === "string") return this.tell(response);
    const { name, type, id, truncated } = response;
    const kind = type === recordType.srv ? this.services : this.hosts;
    const asked = kind.asked.get(name);
    const awaited =
      asked !== undefined && from.users.has(asked.question)
        ? asked.question.awaitedId(response, from.way)
        : null;
    if (asked === undefined || awaited === null) return this.tell(`unexpected DNS response for ${name}`);
    const { question } = asked;
    if (awaited !== id) {
      this.tell(`wrong ident ${id} in DNS response for ${name}, expect ${awaited}`);
      return question.countWrongId();
    }
    if (truncated) {
      question.askByTcp(type);
      return this.resendLater(asked, true);
    }
    const answers = readAnswers(bytes, response);
    if (typeof answers === "string") return this.tell(answers);
    if (!question.take(response, answers)) return;
    const outcome = question.outcome();
    if (outcome === 0 && response.answerCount > 0) {
      // Records, but none of use: as nginx, that is no answer.
      question.reopen();
      const wanted = kind === this.services ? "SRV type" : "A or CNAME types";
      return this.tell(`no ${wanted} in DNS response`);
    }
    this.finish(asked, outcome === 0 ? responseCode.notFound : outcome);
  }

  /** All answers are there. */
  private finish(asked: Asked, outcome: NameRecords | number): void {
    const { kind, question, waiters } = asked;
    this.end(asked);
    if (typeof outcome === "number") {
      const failure = this.failure(outcome);
      for (const waiter of waiters) waiter.settle(failure, true);
      return;
    }
    const seconds = this.nameServers.validSeconds ?? outcome.ttlSeconds;
    const known = { ...outcome, lastSecond: this.nowSeconds() + seconds };
    kind.memory.set(question.name, known);
    for (const waiter of waiters) {
      waiter.asked = null;
      if (known.alias === null) waiter.settle(known, true);
      else if (++waiter.aliases > aliasesMax) waiter.settle(this.failure(responseCode.notFound), true);
      else this.begin(kind, known.alias, waiter);
    }
  }

  private failure(code: number): NameFailure {
    const { validSeconds } = this.nameServers;
    const untilMs = this.network.clock.now() + (validSeconds ?? noSuchNameSeconds) * 1000;
    return { failure: code, reason: code === timedOut ? "Operation timed out" : codeWords(code), untilMs };
  }

  private resolutionOf({ four, six, lastSecond }: KnownName, fresh: boolean): Resolution {
    const untilMs = lastSecond * 1000;
    const count = four.length + six.length;
    if (fresh || count < 2) return { addresses: six.length === 0 ? four : [...four, ...six], untilMs };
    const addresses: string[] = Array.from({ length: count });
    const at = this.place(addresses, four, this.chance(count));
    this.place(addresses, six, at);
    return { addresses, untilMs };
  }

  /** Lays one kind of addresses into the ring from a place on, beginning with any of them; the place behind. */
  private place(ring: string[], addresses: readonly string[], from: number): number {
    const first = this.chance(addresses.length);
    for (let at = 0; at < addresses.length; at++)
      ring[(from + at) % ring.length] = addresses[(first + at) % addresses.length]!;
    return from + addresses.length;
  }

  private chance(below: number): number {
    return Math.floor(this.network.random() * below);
  }

  /** Times to live count in whole seconds, as in nginx: what is valid for none is used until this second ends. */
  private nowSeconds(): number {
    return Math.floor(this.network.clock.now() / 1000);
  }

  private tell(text: string): void {
    const now = this.network.clock.now();
    if (now - this.lastComplaintMs < complaintEveryMs) return;
    this.lastComplaintMs = now;
    this.complain(text);
  }
}

/** As names are compared, and without the dot at the end that stands for the root. */
function nameOf(text: string): string {
  const name = lowerDomain(text);
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

function serviceOf(
  records: readonly ServiceRecord[],
  targets: readonly Resolution[],
  validUntilMs: number,
): ServiceResolution {
  const servers: ServiceAddress[] = [];
  const lost: LostTarget[] = [];
  let untilMs = validUntilMs;
  targets.forEach((target, index) => {
    const { port, priority, weight, target: name } = records[index]!;
    untilMs = Math.min(untilMs, target.untilMs);
    if ("failure" in target) lost.push({ ...target, target: name });
    else {
      const addresses = target.addresses.slice(0, serversMax - servers.length);
      for (const address of addresses) servers.push({ address, port, priority, weight });
    }
  });
  return servers.length === 0 && lost.length > 0 ? lost[0]! : { servers, lost, untilMs };
}
