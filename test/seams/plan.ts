/** What the modules of these tests need of an exchange and do not care about. */
import { PeerSet } from "../../src/gateway/balance/peer-set.ts";
import { RoundRobin } from "../../src/gateway/balance/round-robin.ts";
import { nextUpstreamWords } from "../../src/gateway/failure/next-upstream.ts";
import type { ExchangePlan } from "../../src/gateway/upstream/exchange-plan.ts";
import { Upstream } from "../../src/gateway/upstream/upstream.ts";

type Usual = Omit<ExchangePlan, "begin" | "acceptHead" | "uri" | "sink">;

/** The usual part of a plan for servers on these ports of 10.0.0.9. */
export function usualPlan(ports: readonly number[], scheme: string): Usual {
  const peers = ports.map((port) => ({
    name: `10.0.0.9:${port}`,
    server: "",
    weight: 1,
    maxConns: 0,
    maxFails: 1,
    failTimeoutMs: 10_000,
    backup: false,
    down: false,
    endpoint: { kind: "tcp", address: "10.0.0.9", port } as const,
  }));
  const settings = {
    connectTimeoutMs: 1000,
    sendTimeoutMs: 1000,
    readTimeoutMs: 1000,
    bufferSize: 4096,
    nextUpstream: nextUpstreamWords["error"]!,
    nextUpstreamTries: 0,
    nextUpstreamTimeoutMs: 0,
    ignoreClientAbort: false,
    interceptErrors: false,
    requestBuffering: true,
    passRequestBody: false,
    socketKeepAlive: false,
  };
  const set = PeerSet.of(peers);
  const upstream = new Upstream("test", { balancer: new RoundRobin(set), peers: set }, null, null);
  const flags = { gathersBody: true, isHead: false, asksForUpgrade: false };
  return {
    settings,
    upstream,
    scheme,
    directivePrefix: "test_",
    tls: null,
    local: null,
    poolKey: "",
    ...flags,
  };
}
