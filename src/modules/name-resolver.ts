import type { Network } from "../net/network.ts";

/** Names remembered at most: clients may choose them, by variables in `proxy_pass`. */
const namesMax = 10_000;

/** What became of a name: its addresses, or nginx's number and words for the failure. */
export type Resolution =
  | { readonly addresses: readonly string[] }
  | { readonly failure: number; readonly reason: string };

const failures: Readonly<Record<string, readonly [number, string]>> = {
  EFORMERR: [1, "Format error"],
  ESERVFAIL: [2, "Server failure"],
  ENOTFOUND: [3, "Host not found"],
  ENOTIMP: [4, "Unimplemented"],
  EREFUSED: [5, "Operation refused"],
};

const timedOut: Resolution = { failure: 110, reason: "Operation timed out" };

export interface NameServers {
  /** "127.0.0.1:53" or "[::1]:53". */
  readonly servers: readonly string[];
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** How long answers are used; null: as long as the name servers say. */
  readonly validSeconds: number | null;
}

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
      return { addresses: rotated(known.addresses) };
    return this.within(timeoutMs, this.asked.get(name) ?? this.ask(name, timeoutMs));
  }

  private ask(name: string, timeoutMs: number): Promise<Resolution> {
    const { servers, ipv4, ipv6 } = this.nameServers;
    const question = this.network.query(name, { servers, ipv4, ipv6, timeoutMs }).then(
      ({ addresses, ttlSeconds }): Resolution => {
        this.remember(name, addresses, this.nameServers.validSeconds ?? ttlSeconds);
        return { addresses: rotated(addresses) };
      },
      (error: unknown): Resolution => {
        const code = error instanceof Error && "code" in error ? String(error.code) : "";
        const [failure, reason] = failures[code] ?? [0, ""];
        return failure === 0 ? timedOut : { failure, reason };
      },
    );
    this.asked.set(name, question);
    void question.then(() => this.asked.delete(name));
    return question;
  }

  private remember(name: string, addresses: readonly string[], seconds: number): void {
    this.remembered.delete(name);
    if (seconds <= 0) return;
    const [oldest] = this.remembered.keys();
    if (this.remembered.size >= namesMax && oldest !== undefined) this.remembered.delete(oldest);
    this.remembered.set(name, { addresses, untilMs: this.network.clock.now() + seconds * 1000 });
  }

  private within(timeoutMs: number, question: Promise<Resolution>): Promise<Resolution> {
    return new Promise((settle) => {
      const timer = this.network.clock.timer(timeoutMs, () => settle(timedOut));
      void question.then((resolution) => {
        timer.cancel();
        settle(resolution);
      });
    });
  }
}

/** Begins anywhere in the list: requests spread over the addresses. */
function rotated(addresses: readonly string[]): readonly string[] {
  if (addresses.length < 2) return addresses;
  const start = Math.floor(Math.random() * addresses.length);
  return [...addresses.slice(start), ...addresses.slice(0, start)];
}
