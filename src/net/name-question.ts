/** One name that name servers are asked for, by one question for each kind of record. */
import type { Timer } from "./clock.ts";
import { encodeQuestion, recordType } from "./dns-message.ts";
import type { DnsAnswers, DnsResponse, ServiceRecord } from "./dns-message.ts";
import type { NameServerLink, QuestionSocket, SocketUser } from "./name-server-link.ts";
import type { Network } from "./network.ts";

/**
 * Answers with a wrong id after which a question goes on by TCP: somebody is guessing, and one guess in 65,536
 * is right.
 */
const wrongIdsMax = 20;

/** What is known of a name. */
export interface NameRecords {
  readonly four: readonly string[];
  readonly six: readonly string[];
  readonly services: readonly ServiceRecord[];
  /** The name to ask for instead; null where there are records. */
  readonly alias: string | null;
  readonly ttlSeconds: number;
}

interface Query {
  readonly id: number;
  readonly type: number;
  readonly bytes: Buffer;
  byTcp: boolean;
  answers: DnsAnswers | "failed" | null;
}

/** Sends a name's questions and puts their answers together, as ngx_resolver does. */
export class NameQuestion implements SocketUser {
  readonly name: string;
  /** Sends again when no answer has come. */
  timer: Timer | null = null;
  private readonly queries: readonly Query[];
  private readonly links: readonly NameServerLink[];
  /** The link that is asked next, by its place. */
  private turn: number;
  private readonly datagrams = new Map<NameServerLink, QuestionSocket>();
  private readonly streams = new Map<NameServerLink, QuestionSocket>();
  /** The last failure: one kind of record alone does not make an answer. */
  private code = 0;
  private wrongIds = 0;
  /** Servers that cannot be reached are not waited for, as long as there is another one. */
  private unreachable = 0;

  /** Null for a name that cannot be asked for. `turn`: the link that is asked first. */
  static of(
    network: Network,
    name: string,
    types: readonly number[],
    links: readonly NameServerLink[],
    turn: number,
  ): NameQuestion | null {
    const queries: Query[] = [];
    for (const type of types) {
      const id = network.randomId();
      const bytes = encodeQuestion(id, name, type);
      if (bytes === null) return null;
      queries.push({ id, type, bytes, byTcp: false, answers: null });
    }
    return new NameQuestion(name, queries, links, turn);
  }

  private constructor(
    name: string,
    queries: readonly Query[],
    links: readonly NameServerLink[],
    turn: number,
  ) {
    this.name = name;
    this.queries = queries;
    this.links = links;
    this.turn = turn;
  }

  /** Asks the server whose turn it is for what is not answered yet. */
  send(): void {
    this.unreachable = 0;
    this.sendUnanswered();
  }

  /** Asks the next server. */
  sendToNext(): void {
    this.turn = (this.turn + 1) % this.links.length;
    this.send();
  }

  /** The server cannot be reached by this socket: another one is asked at once, if it is the one that is waited for. */
  failed(socket: QuestionSocket): void {
    const sockets = socket.way === "TCP" ? this.streams : this.datagrams;
    const isAwaited = sockets.get(this.links[this.turn]!) === socket;
    // One that was asked before is asked anew when its turn comes: by a socket that works.
    for (const [link, own] of sockets) if (own === socket) sockets.delete(link);
    socket.release(this);
    if (!isAwaited || ++this.unreachable >= this.links.length) return;
    this.turn = (this.turn + 1) % this.links.length;
    this.sendUnanswered();
  }

  /** The id that an answer of this kind must have; null when none is awaited from there. */
  awaitedId({ type, truncated }: DnsResponse, way: "UDP" | "TCP"): number | null {
    const query = this.queries.find((candidate) => candidate.type === type);
    if (query === undefined || query.answers !== null) return null;
    if (query.byTcp && (truncated || way === "UDP")) return null;
    return query.id;
  }

  /** Somebody answered with another id. */
  countWrongId(): void {
    if (++this.wrongIds < wrongIdsMax) return;
    this.wrongIds = 0;
    for (const query of this.queries) if (query.answers === null) this.askByTcp(query.type);
  }

  /** Asks for this kind again by TCP. */
  askByTcp(type: number): void {
    const query = this.queries.find((candidate) => candidate.type === type);
    if (query === undefined || query.byTcp) return;
    query.byTcp = true;
    this.socketFor(query).send(query.bytes);
  }

  /** Takes an answer with the awaited id; true when there is nothing more to wait for. */
  take({ type, code }: DnsResponse, answers: DnsAnswers): boolean {
    const query = this.queries.find((candidate) => candidate.type === type)!;
    query.answers = code === 0 ? answers : "failed";
    if (code !== 0) this.code = code;
    return this.queries.every((each) => each.answers !== null);
  }

  /** What all answers say together, or the code of the failure; 0 where they say nothing. */
  outcome(): NameRecords | number {
    if (this.code !== 0) return this.code;
    let four: readonly string[] = [];
    let six: readonly string[] = [];
    let services: readonly ServiceRecord[] = [];
    let alias: string | null = null;
    let ttlSeconds = Infinity;
    for (const { type, answers } of this.queries) {
      if (answers === null || answers === "failed") continue;
      if (type === recordType.a) four = answers.addresses;
      else if (type === recordType.aaaa) six = answers.addresses;
      else services = answers.services;
      alias = answers.alias ?? alias;
      ttlSeconds = Math.min(ttlSeconds, answers.ttlSeconds);
    }
    const found = four.length + six.length + services.length > 0;
    if (!found && alias === null) return 0;
    return { four, six, services, alias: found ? null : alias, ttlSeconds };
  }

  /** The answers told nothing: they are waited for anew. */
  reopen(): void {
    this.code = 0;
    for (const query of this.queries) query.answers = null;
  }

  /** Gives the sockets back. */
  close(): void {
    this.timer?.cancel();
    for (const socket of this.datagrams.values()) socket.release(this);
    for (const socket of this.streams.values()) socket.release(this);
    this.datagrams.clear();
    this.streams.clear();
  }

  private sendUnanswered(): void {
    for (const query of this.queries) if (query.answers === null) this.socketFor(query).send(query.bytes);
  }

  private socketFor({ byTcp }: Query): QuestionSocket {
    const link = this.links[this.turn]!;
    const sockets = byTcp ? this.streams : this.datagrams;
    let socket = sockets.get(link);
    if (socket === undefined) {
      socket = byTcp ? link.leaseStream(this) : link.leaseDatagrams(this);
      sockets.set(link, socket);
    }
    return socket;
  }
}
