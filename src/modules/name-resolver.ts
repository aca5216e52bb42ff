import type { Network } from "../net/network.ts";

/** Names remembered at most: clients may choose them, by variables in `proxy_pass`. */
const namesMax = 10_000;

/** What became of a name: its addresses and when they cease to be valid (by the clock's `now`), or nginx's number and words for the failure. */
export type Resolution = { readonly addresses: readonly string[]; readonly untilMs: number } | Failure;

interface Failure {
  readonly failure: number;
  readonly reason: string;
}

const failures: Readonly<Record<string, readonly [number, string]>> = {
  EFORMERR: [1, "Format error"],
  ESERVFAIL: [2, "Server failure"],
  ENOTFOUND: [3, "Host not found"],
  ENOTIMP: [4, "Unimplemented"],
  EREFUSED: [5, "Operation refused"],
};

const timedOut: Failure = { failure: 110, reason: "Operation timed out" };

export interface NameServers {
  /** "127.0.0.1:53" or "[::1]:53". */
  readonly servers: readonly string[];
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

export type ServiceResolution =
  | { readonly servers: readonly ServiceAddress[]; readonly untilMs: number }
  | Failure;

interface Remembered {
  readonly addresses: readonly string[];
  readonly untilMs: number;
}

/** Finds the addresses of host names while requests wait, and remembers them as long as they are valid. */
export class NameResolver {
  private readonly network: Network;
  private readonly nameServers: NameServers;
  private readonly remembered = new Map<string, Remembered>();
  /** Questions on their way, which others who ask the same wait for. */
  private readonly asked = new Map<string, Promise<Resolution>>();

  constructor(network: Network, nameServers: NameServers) {
    this.network = network;
    this.nameServers = nameServers;
  }

  /** The addresses of a name, in another order each time; a promise when they must be asked for. */
  resolve(hostname: string, timeoutMs: number): Resolution | Promise<Resolution> {
    const name = hostname.toLowerCase();
    const known = this.remembered.get(name);
    if (known !== undefined && known.untilMs > this.network.clock.now())
      return { addresses: rotated(known.addresses), untilMs: known.untilMs };
    return this.within(timeoutMs, this.asked.get(name) ?? this.ask(name, timeoutMs));
  }

  /**
   * The servers of a service, each record's target with all its addresses. Records count as valid as long as
   * their targets' addresses: the runtimes do not tell an SRV record's own time to live.
   */
  async resolveService(service: string, timeoutMs: number): Promise<ServiceResolution> {
    const { servers, ipv4, ipv6 } = this.nameServers;
    const question = this.network.queryService(service, { servers, ipv4, ipv6, timeoutMs });
    const records = await this.within(timeoutMs, question.catch(failureOf));
    if ("failure" in records) return records;
    const targets = await Promise.all(records.map(async ({ target }) => this.resolve(target, timeoutMs)));
    const found: ServiceAddress[] = [];
    let untilMs = Infinity;
    let failure: Failure | null = null;
    targets.forEach((target, index) => {
      if ("failure" in target) {
        failure = target;
        return;
      }
      untilMs = Math.min(untilMs, target.untilMs);
      const { port, priority, weight } = records[index]!;
      for (const address of target.addresses) found.push({ address, port, priority, weight });
    });
    return found.length === 0 && failure !== null ? failure : { servers: found, untilMs };
  }

  private ask(name: string, timeoutMs: number): Promise<Resolution> {
    const { servers, ipv4, ipv6 } = this.nameServers;
    const question = this.network
      .query(name, { servers, ipv4, ipv6, timeoutMs })
      .then(({ addresses, ttlSeconds }): Resolution => {
        const seconds = this.nameServers.validSeconds ?? ttlSeconds;
        const untilMs = this.network.clock.now() + seconds * 1000;
        this.remember(name, addresses, untilMs, seconds);
        return { addresses: rotated(addresses), untilMs };
      }, failureOf);
    this.asked.set(name, question);
    void question.then(() => this.asked.delete(name));
    return question;
  }

  private remember(name: string, addresses: readonly string[], untilMs: number, seconds: number): void {
    this.remembered.delete(name);
    if (seconds <= 0) return;
    const [oldest] = this.remembered.keys();
    if (this.remembered.size >= namesMax && oldest !== undefined) this.remembered.delete(oldest);
    this.remembered.set(name, { addresses, untilMs });
  }

  private within<T>(timeoutMs: number, question: Promise<T>): Promise<T | Failure> {
    return new Promise((settle) => {
      const timer = this.network.clock.timer(timeoutMs, () => settle(timedOut));
      void question.then((resolution) => {
        timer.cancel();
        settle(resolution);
      });
    });
  }
}

function failureOf(error: unknown): Failure {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [failure, reason] = failures[code] ?? [0, ""];
  return failure === 0 ? timedOut : { failure, reason };
}

/** Begins anywhere in the list: requests spread over the addresses. */
function rotated(addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  const start = Math.floor(Math.random() * addresses.length);
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}
