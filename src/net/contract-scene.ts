import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContractSubject } from "./contract.ts";
import { AwaitedListener, connect, type ContractPeer } from "./contract-peer.ts";
import type { ClientTls, Endpoint, ListenOptions, Network, ServerTls } from "./network.ts";
import type { SocketAddress } from "./connection.ts";

/** Far beyond what a test needs; a hang then fails by name. */
const testTimeoutMs = 30_000;

/** Any free port of the loopback address: where tests listen. */
export const loopback: Endpoint = { kind: "tcp", address: "127.0.0.1", port: 0 };

/** Makes a network anew for one test of the contract, so that no test sees another's sockets or time. */
export type MakeSubject = () => ContractSubject;

/** What a test of the contract works with; everything it opens is closed after the test. */
export class Scene {
  readonly subject: ContractSubject;
  readonly network: Network;
  private readonly acceptors: AwaitedListener[] = [];
  private readonly peers: ContractPeer[] = [];

  constructor(subject: ContractSubject) {
    this.subject = subject;
    this.network = subject.network;
  }

  /** Listens on a free port unless told otherwise; see `AwaitedListener.start`. */
  async listen(
    options: Partial<ListenOptions> = {},
    takePlain = false,
    admits: (() => boolean) | null = null,
  ): Promise<AwaitedListener> {
    const acceptor = await AwaitedListener.start(
      this.network,
      { endpoint: loopback, tls: null, ...options },
      takePlain,
      admits,
    );
    this.acceptors.push(acceptor);
    return acceptor;
  }

  /** Dials, and resolves to the dialing end. @throws DialFailure */
  async connect(endpoint: Endpoint, tls: ClientTls | null = null): Promise<ContractPeer> {
    const peer = await connect(this.network, { endpoint, tls });
    this.peers.push(peer);
    return peer;
  }

  /** Two ends of one connection. */
  async pair(
    options: { server?: ServerTls; client?: ClientTls } = {},
  ): Promise<{ client: ContractPeer; server: ContractPeer }> {
    const acceptor = await this.listen({ tls: options.server ?? null });
    const client = await this.connect(endpointOf(acceptor.listener.address), options.client ?? null);
    const server = await acceptor.peers.take();
    this.peers.push(server);
    return { client, server };
  }

  /** Lets `delayMs` of the network's time pass. */
  pass(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      // The network's timers do not keep the process alive; the test must.
      const keepAlive = setTimeout(() => {}, testTimeoutMs);
      this.network.clock.timer(delayMs, () => {
        clearTimeout(keepAlive);
        resolve();
      });
    });
  }

  /**
   * Closes what the test has opened. @throws AssertionError when the network still counts sockets as open
   * after that.
   */
  async dispose(): Promise<void> {
    for (const { listener } of this.acceptors) await listener.stop();
    // A peer that lost its connection to another owner hears nothing of the end.
    const owners = this.peers.filter((peer) => peer.connection.owner === peer);
    for (const peer of this.peers) peer.connection.close();
    await Promise.all(owners.map((peer) => peer.closed()));
    for (let turns = 0; turns < 200 && this.network.openSockets > 0; turns++) {
      // A server may be done with its handshake only now.
      for (const { accepted } of this.acceptors) for (const peer of accepted) peer.connection.close();
      await this.pass(10);
    }
    assert.equal(this.network.openSockets, 0, "sockets stay counted");
    this.subject.dispose();
  }
}

/** Where to dial to reach a listener that is bound to this address. */
export function endpointOf(address: SocketAddress): Endpoint {
  if (address.family === "unix") return { kind: "unix", path: address.address };
  return { kind: "tcp", address: address.address, port: address.port };
}

/** Registers one test of the contract. */
export function scene(name: string, make: MakeSubject, run: (scene: Scene) => Promise<void>): void {
  test(name, { timeout: testTimeoutMs }, async () => {
    const stage = new Scene(make());
    try {
      await run(stage);
    } finally {
      await stage.dispose();
    }
  });
}
