import { describe } from "node:test";
import type { Endpoint, Network, TcpEndpoint } from "./network.ts";
import { testClosing } from "./contract-closing.ts";
import { testDatagrams } from "./contract-datagrams.ts";
import { testDialing } from "./contract-dialing.ts";
import { testPrologue } from "./contract-prologue.ts";
import { testSecurity } from "./contract-security.ts";
import { testStreaming } from "./contract-streaming.ts";

/** One adapter under the contract's tests. */
export interface ContractSubject {
  readonly network: Network;
  /** What the network's `onInternalError` got, newest last. */
  readonly internalErrors: unknown[];
  /** A path for a unix socket that does not exist yet. */
  unixPath(): string;
  /** True while a file (real or simulated) is at `path`. */
  exists(path: string): boolean;
  /** How much the long transfers carry each way: enough to fill every buffer many times. */
  readonly streamBytes: number;
  /** Where a connect gets no answer at all; null when this world has no such place. */
  readonly blackHole: Endpoint | null;
  /** Where datagrams are sent back to the port that they came from; nobody is at port 1 of that address. */
  echoDatagrams(): Promise<TcpEndpoint>;
  /** Where no datagram can be sent to; null when this world has no such place. */
  readonly nowhere: TcpEndpoint | null;
  /** Ends what the subject started (helpers that drive a virtual clock). */
  dispose(): void;
}

/**
 * Registers the tests of every promise in `connection.ts`, `network.ts` and `clock.ts`. `make` is
 * called once per test.
 */
export function testNetworkContract(name: string, make: () => ContractSubject): void {
  describe(`network contract: ${name}`, () => {
    testStreaming(make);
    testClosing(make);
    testDialing(make);
    testSecurity(make);
    testPrologue(make);
    testDatagrams(make);
  });
}
