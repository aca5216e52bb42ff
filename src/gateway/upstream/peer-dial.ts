import { describeSystemError } from "../../config/errors.ts";
import type { ConnectionOwner } from "../../net/connection.ts";
import { Deadline } from "../../net/deadline.ts";
import type { DeadlineOwner } from "../../net/deadline.ts";
import type { Dial, DialOptions } from "../../net/network.ts";
import type { Peer } from "../balance/peer.ts";
import { failureOf, lostUpstream } from "../failure/failure.ts";
import type { Failure } from "../failure/failure.ts";
import type { Request } from "../request/request.ts";
import { dialFailure } from "./dial-failure.ts";
import type { ExchangePlan, LocalEndpoint } from "./exchange-plan.ts";
import { PooledConnection } from "./pooled-connection.ts";
import type { KeepalivePool } from "./keepalive-pool.ts";
import type { DialWaiter } from "./shared-dial.ts";

/** On whose behalf a server is connected to. */
export interface PeerDialOwner {
  readonly request: Request;
  readonly plan: ExchangePlan;
  readonly pool: KeepalivePool | null;
  /** What is being done, for log lines. */
  activity: string;
  /** The connection is there. Returns who gets its events. */
  use(pooled: PooledConnection): ConnectionOwner;
  /** The server cannot be had: others may be tried. */
  fail(failure: Failure): void;
  /** It is not the server's fault. */
  abandon(failure: Failure): void;
  timeout(kind: "connectTimedOut"): Failure;
  /** The server does not speak the plan's protocol: it is asked in the plan's other way. */
  fallBack(): void;
}

/** Connects to a server for an exchange, with `*_connect_timeout`; or waits for a connection that others are making. */
export class PeerDial implements DeadlineOwner, DialWaiter {
  private readonly owner: PeerDialOwner;
  private readonly deadline: Deadline;
  private peer: Peer | null = null;
  private key = "";
  private dial: Dial | null = null;

  constructor(owner: PeerDialOwner) {
    this.owner = owner;
    this.deadline = new Deadline(owner.request.client.gateway.network.clock, this);
  }

  /** `key`: what the pool knows the connection by. */
  start(peer: Peer, key: string): void {
    this.peer = peer;
    this.key = key;
    this.deadline.set(this.owner.plan.settings.connectTimeoutMs);
    this.connect(peer);
  }

  /** Gives up. */
  stop(): void {
    this.deadline.dispose();
    this.dial?.abort();
    this.dial = null;
  }

  private connect(peer: Peer): void {
    const { plan, pool, request } = this.owner;
    const { network, limit } = request.client.gateway;
    const { tls, local } = plan;
    const options = { endpoint: peer.endpoint, tls, ...(local === null ? {} : dialFrom(local)) };
    const shared = plan.share === undefined ? null : pool;
    const refusal = shared?.isDialing(this.key) === true ? null : limit.dialRefusal();
    if (refusal !== null) {
      this.stop();
      return this.owner.abandon(failureOf("connectionLimit", refusal));
    }
    if (shared === null) this.dial = network.dial(options, this);
    else
      this.dial = shared.dial(network, this.key, options, (pooled) => this.share(pooled, shared)).join(this);
  }

  onHandshake(): void {
    this.owner.activity = "SSL handshaking to upstream";
  }

  /** A connection of the exchange's own. */
  onConnected(connection: PooledConnection["connection"]): ConnectionOwner {
    const { plan, request } = this.owner;
    this.connected();
    if (plan.settings.socketKeepAlive) connection.setKeepAlive(true);
    const pooled = new PooledConnection(connection, this.key, request.client.gateway.network.clock, this);
    if (plan.share !== undefined) this.share(pooled, null);
    return this.owner.use(pooled);
  }

  onShared(pooled: PooledConnection): void {
    this.connected();
    this.owner.use(pooled);
  }

  onFull(): void {
    this.dial = null;
    this.connect(this.peer!);
  }

  onLost(code: string | null): void {
    this.connected();
    this.failSpeaking(lostUpstream(code));
  }

  onFailed(code: string, text: string): void {
    const { local, tls } = this.owner.plan;
    this.connected();
    if (local !== null && bindFailures.has(code)) {
      const words = `bind(${local.text}) failed ${describeSystemError(code)}`;
      return this.owner.abandon(failureOf("bindFailed", words));
    }
    const failure = dialFailure(code, text, tls);
    if (failure.kind !== "handshakeFailed") return this.owner.fail(failure);
    this.onHandshake();
    this.failSpeaking(failure);
  }

  /** The server is there, but there is no speaking with it: in another way there may be. */
  private failSpeaking(failure: Failure): void {
    const { plan } = this.owner;
    if (plan.fallback === undefined || plan.fallback === null) this.owner.fail(failure);
    else this.owner.fallBack();
  }

  onDeadline(): void {
    this.stop();
    this.owner.fail(this.owner.timeout("connectTimedOut"));
  }

  private share(pooled: PooledConnection, pool: KeepalivePool | null): NonNullable<PooledConnection["link"]> {
    const { plan } = this.owner;
    if (pool !== null && plan.settings.socketKeepAlive) pooled.connection.setKeepAlive(true);
    return (pooled.link = plan.share!(pooled, pool));
  }

  private connected(): void {
    this.dial = null;
    this.deadline.dispose();
  }
}

/** What the system says of a local address that cannot be had. */
const bindFailures = new Set(["EADDRNOTAVAIL", "EADDRINUSE", "EACCES"]);

function dialFrom({ address, port }: LocalEndpoint): Pick<DialOptions, "localAddress" | "localPort"> {
  return port === 0 ? { localAddress: address } : { localAddress: address, localPort: port };
}
