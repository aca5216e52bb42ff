/**
 * `server … resolve` and `service=`: the addresses behind a server's name are asked for while requests run,
 * and again each time that the answer is no longer valid.
 */
import type { Background } from "../../gateway/serve/background.ts";
import type { PeerGroup } from "../../gateway/balance/peer-group.ts";
import { defaultRoute, peerName } from "../../gateway/balance/peer.ts";
import type { PeerOptions } from "../../gateway/balance/peer.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { RunTimeName, UpstreamDraft, UpstreamServerDraft } from "../../gateway/upstream/draft.ts";
import type { Clock, Timer } from "../../net/clock.ts";
import { NameWait } from "../../net/name-resolver.ts";
import type { LostTarget, NameFailure, NameResolver, ServiceAddress } from "../../net/name-resolver.ts";
import type { NameServerSettings } from "../../gateway/serve/settings.ts";

/** How long the start of a configuration waits for the first answers: nobody waits long for dead name servers. */
const firstAnswerMs = 1000;

/** What is valid for ever is looked at once a day. */
const longestMs = 86_400_000;

/** nginx's number for a name that does not exist. */
const noSuchName = 3;

type Answer = Found | NameFailure;

interface Found {
  readonly servers: readonly ServiceAddress[];
  /** Targets of a service that have no address. */
  readonly lost: readonly LostTarget[];
  readonly untilMs: number;
}

/** Sees to the run-time names of an upstream while its configuration is in use. */
export function keepNamesFresh(
  build: HttpBuild,
  draft: UpstreamDraft,
  group: PeerGroup,
  names: NameServerSettings,
): void {
  draft.servers.forEach((server, line) => {
    if (server.runTimeName === null) return;
    const { host, service } = server.runTimeName;
    let left = 0;
    const use = (peers: readonly PeerOptions[]): void => {
      const { length } = group.replace(line, peers, build.network.clock.wall());
      // Name servers choose how many there are, and how often they are asked.
      if (length > 0 && length !== left)
        build.mainErrorLog.write(
          "alert",
          `no room for ${length} servers of ${host} in upstream "${draft.name}"`,
        );
      left = length;
    };
    const name = new FreshName(build, server, use, names);
    const key = `names ${draft.zone} ${draft.name} ${host} ${service} `;
    let number = 0;
    while (build.background.has(key + number)) number += 1;
    build.background.set(key + number, name);
  });
}

class FreshName implements Background {
  /** The servers of the last good answer. */
  private servers: readonly ServiceAddress[] = [];
  private readonly build: HttpBuild;
  private readonly server: UpstreamServerDraft;
  private readonly name: RunTimeName;
  private readonly use: (peers: readonly PeerOptions[]) => void;
  private readonly resolver: NameResolver;
  private readonly timeoutMs: number;
  private readonly clock: Clock;
  private timer: Timer | null = null;
  private wait = new NameWait();
  private started = false;
  private stopped = false;
  /** An answer that came before the start: what it says of the future is looked at then. */
  private first: Answer | null = null;

  constructor(
    build: HttpBuild,
    server: UpstreamServerDraft,
    use: (peers: readonly PeerOptions[]) => void,
    { resolver, resolverTimeoutMs }: NameServerSettings,
  ) {
    this.build = build;
    this.server = server;
    this.name = server.runTimeName!;
    this.use = use;
    this.resolver = resolver!;
    this.timeoutMs = resolverTimeoutMs;
    this.clock = build.network.clock;
  }

  /** Resolves with the first answer, or when that takes too long to be waited for. */
  prepare(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.timer(firstAnswerMs, resolve);
      void this.ask().then((answer) => {
        timer.cancel();
        this.first = answer;
        // Before the start nothing is shown: this configuration, or this thread, may never serve.
        if (this.started) this.take(answer);
        resolve();
      });
    });
  }

  start(before: Background | null): void {
    this.started = true;
    const { first } = this;
    const known = first !== null && ("servers" in first || first.failure === noSuchName);
    if (!known && before instanceof FreshName) this.show(before.servers);
    if (first !== null) this.take(first);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
    this.wait.cancel();
  }

  private async ask(): Promise<Answer> {
    const { host, service, serviceName } = this.name;
    this.wait = new NameWait();
    if (service !== null) return this.resolver.resolveService(serviceName, this.timeoutMs, this.wait);
    const answer = await this.resolver.resolve(host, this.timeoutMs, this.wait);
    if ("failure" in answer) return answer;
    const servers = answer.addresses.map((address) => ({ address, port: 0, priority: 0, weight: 0 }));
    return { servers, lost: [], untilMs: answer.untilMs };
  }

  private take(answer: Answer): void {
    if (this.stopped) return;
    const { host, service } = this.name;
    if ("servers" in answer) {
      const where = ` while resolving service ${service} of ${host}`;
      for (const lost of answer.lost) this.complain(lost.target, lost, where);
      this.show(answer.servers);
    } else {
      this.complain(service === null ? host : `service ${service} of ${host}`, answer, "");
      if (answer.failure !== noSuchName) return this.askAgainIn(Math.max(this.timeoutMs, 1000));
      this.show([]);
    }
    this.askAgainIn(Math.max(0, answer.untilMs - this.clock.now()) + 1000);
  }

  private complain(what: string, { failure, reason }: NameFailure, where: string): void {
    this.build.mainErrorLog.write("error", `${what} could not be resolved (${failure}: ${reason})${where}`);
  }

  private askAgainIn(ms: number): void {
    this.timer = this.clock.timer(Math.min(ms, longestMs), () => {
      void this.ask().then((answer) => this.take(answer));
    });
  }

  private show(servers: readonly ServiceAddress[]): void {
    if (this.stopped) return;
    this.servers = servers;
    this.use(this.peersOf(servers));
  }

  /** SRV records with the least priority are what the line says; the others are backups of primary ones. */
  private peersOf(servers: readonly ServiceAddress[]): PeerOptions[] {
    const { options, address: server } = this.server;
    const least = Math.min(...servers.map(({ priority }) => priority));
    const peers: PeerOptions[] = [];
    for (const { address, port: servicePort, priority, weight } of servers) {
      if (priority !== least && options.backup) continue;
      // The line's port counts also for addresses that were known before it.
      const port = this.name.service === null ? this.name.port : servicePort;
      const endpoint = { kind: "tcp", address, port } as const;
      const name = peerName(endpoint);
      peers.push({
        ...options,
        route: options.route ?? defaultRoute(name),
        name,
        server,
        endpoint,
        weight: options.weight === 1 ? Math.max(weight, 1) : options.weight,
        backup: options.backup || priority !== least,
      });
    }
    // Name servers turn their answers around; hashes must not shift with them, nor differ among workers.
    return peers.sort((one, other) => (one.name < other.name ? -1 : 1));
  }
}
