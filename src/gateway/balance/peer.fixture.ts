/** Peers and requests for the tests of the balancing methods. */
import type { Balancer, BalanceRequest } from "./balancer.ts";
import { ConsistentHash } from "./consistent-hash.ts";
import { Hash } from "./hash.ts";
import { IpHash } from "./ip-hash.ts";
import { LeastConn } from "./least-conn.ts";
import { LeastTime } from "./least-time.ts";
import type { PeerSet } from "./peer-set.ts";
import type { PeerOptions } from "./peer.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";

export interface Method {
  readonly name: string;
  /** What selects the method in an `upstream` block; `$arg_k` is the key. */
  readonly directive: string;
  readonly knowsBackup: boolean;
  balancer(peers: PeerSet): Balancer;
}

export const ROUND_ROBIN: Method = {
  name: "round_robin",
  directive: "",
  knowsBackup: true,
  balancer: (peers) => new RoundRobin(peers),
};
export const LEAST_CONN: Method = {
  name: "least_conn",
  directive: "least_conn;",
  knowsBackup: true,
  balancer: (peers) => new LeastConn(peers),
};
export const HASH: Method = {
  name: "hash",
  directive: "hash $arg_k;",
  knowsBackup: false,
  balancer: (peers) => new Hash(peers),
};
export const CONSISTENT_HASH: Method = {
  name: "consistent_hash",
  directive: "hash $arg_k consistent;",
  knowsBackup: false,
  balancer: (peers) => new ConsistentHash(peers),
};
export const IP_HASH: Method = {
  name: "ip_hash",
  directive: "ip_hash;",
  knowsBackup: false,
  balancer: (peers) => new IpHash(peers),
};
export const RANDOM: Method = {
  name: "random",
  directive: "random;",
  knowsBackup: false,
  balancer: (peers) => new Random(peers, false),
};
export const RANDOM_TWO: Method = {
  name: "random_two",
  directive: "random two;",
  knowsBackup: false,
  balancer: (peers) => new Random(peers, true),
};

export const LEAST_TIME: Method = {
  name: "least_time",
  directive: "least_time header inflight;",
  knowsBackup: true,
  balancer: (peers) => new LeastTime(peers, { until: "header", inflight: true }),
};

/** Methods whose choices follow from the request and the past alone. */
export const DETERMINISTIC = [ROUND_ROBIN, LEAST_CONN, HASH, CONSISTENT_HASH, IP_HASH];
export const ALL_METHODS = [...DETERMINISTIC, RANDOM, RANDOM_TWO, LEAST_TIME];

/** A peer by the text of its `server` directive, with nginx's defaults. */
export function peerOptions(server: string, options: Partial<PeerOptions> = {}): PeerOptions {
  const name = server.replace(/^localhost:/i, "127.0.0.1:");
  return {
    name,
    server,
    endpoint: server.startsWith("unix:")
      ? { kind: "unix", path: server.slice(5) }
      : { kind: "tcp", address: name.replace(/:\d+$/, ""), port: Number(/\d+$/.exec(name)?.[0]) },
    weight: 1,
    maxConns: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
    ...options,
  };
}

/** Peers "a:1", "b:1", … with these options. */
export function lettered(options: readonly Partial<PeerOptions>[]): PeerOptions[] {
  return options.map((each, at) => peerOptions(`${String.fromCharCode(97 + at)}:1`, each));
}

export const START_MS = 1_000_000_000;

export function balanceRequest(key: string, address = "127.0.0.1", nowMs = START_MS): BalanceRequest {
  return {
    key: () => key,
    clientAddress: addressBytes(address),
    random: () => 0,
    nowMs: () => nowMs,
  };
}

/** The bytes of an IPv4 address, or of an IPv6 address written in full; none for "unix:". */
function addressBytes(text: string): Uint8Array {
  if (text === "unix:") return new Uint8Array(0);
  if (!text.includes(":")) return Uint8Array.from(text.split("."), Number);
  const groups = text.split(":").map((group) => parseInt(group, 16));
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** Numbers from 0 to below `limit`, the same ones for the same seed. */
export function seededNumbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Names of the peers that so many requests in a row get, each of them served at once. */
export function choices(balancer: Balancer, requests: Iterable<BalanceRequest>): (string | null)[] {
  return Array.from(requests, (request) => {
    const selection = balancer.begin(request);
    const peer = selection.next();
    if (peer !== null) selection.release(peer, "ok");
    return peer?.name ?? null;
  });
}
