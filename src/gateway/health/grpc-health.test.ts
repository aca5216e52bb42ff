import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Http2Origin } from "../http2-origin.fixture.ts";
import type { OriginRequest } from "../http2-origin.fixture.ts";
import { Simulation } from "../simulation.fixture.ts";
import { healthRequest, isServing } from "./grpc-health.ts";

/** HealthCheckResponse with this status. */
const message = (status: number): Buffer => Buffer.from([0, 0, 0, 0, 2, 8, status]);

const call = "POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

function config(check: string): string {
  return `
    grpc_connect_timeout 1s;
    grpc_read_timeout 900ms;
    upstream app { server 10.0.0.9:9000; server 10.0.0.9:9001; }
    server { listen 10.0.0.1:80; location / { grpc_pass app; grpc_set_header X-Own 1; ${check} } }`;
}

/** A server that answers checks by `answer` and calls with its port. */
async function origin(
  simulation: Simulation,
  port: number,
  answer: (check: OriginRequest) => void,
): Promise<OriginRequest[]> {
  const checks: OriginRequest[] = [];
  await simulation.origin(port, (wire) => {
    new Http2Origin(wire, simulation.network.clock).onWhole = (request) => {
      if (request.head.requestUri === "/a.B/C")
        return request.answer(200, {}, String(port), { "grpc-status": "0" });
      checks.push(request);
      answer(request);
    };
  });
  return checks;
}

async function served(simulation: Simulation): Promise<string> {
  const bodies: string[] = [];
  for (let at = 0; at < 4; at++) bodies.push((await simulation.ask(call)).body.toString());
  return bodies.toSorted().join(" ");
}

const serving = (check: OriginRequest): void => check.answer(200, {}, message(1), { "grpc-status": "0" });
const both = "9000 9000 9001 9001";
const second = "9001 9001 9001 9001";

test("a check by grpc.health.v1 asks for the service and believes its answer", async () => {
  const simulation = await Simulation.start({ http: "" });
  let status = 1;
  const checks = await origin(simulation, 9000, (check) =>
    check.answer(200, {}, message(status), { "grpc-status": "0" }),
  );
  await origin(simulation, 9001, serving);
  await simulation.configure(config("health_check interval=3s type=grpc grpc_service=a.B;"));
  await simulation.advance(10);
  assert.equal(await served(simulation), both);
  const { head, body } = checks[0]!;
  assert.equal(head.requestUri, "/grpc.health.v1.Health/Check");
  assert.deepEqual(head.fields.names, ["host", "content-type", "te", "x-own"]);
  assert.equal(head.fields.get("host"), "app");
  assert.deepEqual([...body], [0, 0, 0, 0, 5, 0x0a, 3, ...Buffer.from("a.B")]);
  status = 2;
  await simulation.advance(3100);
  assert.equal(await served(simulation), second);
  assert.match(
    simulation.errorLines.join("\n"),
    /peer is unhealthy while checking health of gRPC service, health check "grpc" of peer 10\.0\.0\.9:9000/,
  );
  status = 1;
  await simulation.advance(3100);
  assert.equal(await served(simulation), both);
  await simulation.finish();
});

describe("a check by grpc.health.v1", () => {
  const outcomes: Record<
    string,
    readonly [check: string, act: (check: OriginRequest) => void, healthy: boolean]
  > = {
    "passes by a status that is named": [
      "grpc_status=12",
      (check) => check.answer(200, { "grpc-status": "12" }),
      true,
    ],
    "passes by SERVING whatever status is named": ["grpc_status=12", serving, true],
    "fails by another status": ["", (check) => check.answer(200, { "grpc-status": "5" }), false],
    "fails without a status": ["", (check) => check.answer(200, {}, message(1)), false],
    "fails by a status of HTTP": ["", (check) => check.answer(503, {}, "", { "grpc-status": "0" }), false],
    "fails by a message of another kind": [
      "",
      (check) => check.answer(200, {}, Buffer.alloc(1000), { "grpc-status": "0" }),
      false,
    ],
    "fails by a reset": ["", (check) => check.stream.reset(2), false],
    "fails in silence": ["", () => {}, false],
  };
  for (const [what, [parameters, act, healthy]] of Object.entries(outcomes)) {
    test(what, async () => {
      const simulation = await Simulation.start({ http: "" });
      await origin(simulation, 9000, act);
      await origin(simulation, 9001, serving);
      await simulation.configure(config(`health_check interval=3s type=grpc ${parameters};`));
      await simulation.advance(2500);
      assert.equal(await served(simulation), healthy ? both : second);
      await simulation.finish();
    });
  }

  test("fails by a server that is not there", async () => {
    const simulation = await Simulation.start({ http: "" });
    await origin(simulation, 9001, serving);
    await simulation.configure(config("health_check type=grpc;"));
    await simulation.advance(2000);
    assert.equal(await served(simulation), second);
    await simulation.finish();
  });
});

test("parameters that do not go together are refused", async () => {
  for (const [check, complaint] of [
    ["health_check grpc_service=a type=grpc", /invalid parameter "grpc_service=a"/],
    ["health_check grpc_status=12", /invalid parameter "grpc_status=12"/],
    ["health_check uri=/x type=grpc", /"type=grpc" is not compatible with "uri"/],
    ["health_check type=grpc grpc_status=x", /invalid parameter "grpc_status=x"/],
    ["health_check", /"health_check" needs a "proxy_pass" without variables/],
  ] as const) {
    await assert.rejects(Simulation.start({ http: config(`${check};`) }), complaint);
  }
});

test("messages of grpc.health.v1", () => {
  assert.deepEqual([...healthRequest("")], [0, 0, 0, 0, 0]);
  assert.ok(isServing(message(1)));
  for (const bytes of [message(0), message(2), Buffer.alloc(0), Buffer.from([1, 0, 0, 0, 2, 8, 1])])
    assert.ok(!isServing(bytes));
});
