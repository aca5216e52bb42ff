import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { acceptFor } from "../../websocket/accept.ts";
import { Simulation } from "../simulation.fixture.ts";
import { answering, response } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";
import { HealthProbe } from "./probe.ts";
import type { ProbeOutcome } from "./probe.ts";

const get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function config(check: string, more = "", server = ""): string {
  return `
    ${more}
    proxy_connect_timeout 1s;
    proxy_read_timeout 2s;
    upstream app { server 10.0.0.9:9000 ${server}; server 10.0.0.9:9001; keepalive 0; }
    server { listen 10.0.0.1:80; location / { proxy_pass http://app; ${check} } }`;
}

/** A server whose health is what `answer` says at the time of a check, and which answers requests with its name. */
async function origin(simulation: Simulation, port: number, answer: () => string | null): Promise<Message[]> {
  const checks: Message[] = [];
  await simulation.origin(port, (wire) =>
    answering(wire, (request) => {
      const { startLine, fields } = request;
      if (startLine === "GET / HTTP/1.1" && !fields.has("upgrade")) return response("200 OK", String(port));
      checks.push(request);
      return answer()?.replace("%ACCEPT%", acceptFor(fields.get("sec-websocket-key") ?? "")) ?? null;
    }),
  );
  return checks;
}

/** The head of a check, without its WebSocket key. */
function headOf(check: Message | undefined): string {
  const fields = [...(check?.fields ?? [])].filter(([name]) => !name.startsWith("sec-"));
  return [check?.startLine, ...fields.map(([name, value]) => `${name}: ${value}`)].join("|");
}

async function served(simulation: Simulation, count: number): Promise<string> {
  const bodies: string[] = [];
  for (let at = 0; at < count; at++) {
    const { startLine, body } = await simulation.ask(get);
    bodies.push(startLine.includes(" 200 ") ? body.toString() : startLine.split(" ")[1]!);
  }
  return bodies.toSorted().join(" ");
}

/** An answer as text. */
function answerOf(status: string, body = ""): string {
  return response(status, body).toString("latin1");
}

const ok = answerOf("200 OK", "fine");
const both = "9000 9000 9001 9001";

function lines(simulation: Simulation): string {
  return simulation.errorLines.join("\n");
}

test("a peer that fails its check gets no requests until it passes one", async () => {
  const simulation = await Simulation.start({ http: "" });
  let answer = ok;
  const checks = await origin(simulation, 9000, () => answer);
  await origin(simulation, 9001, () => ok);
  await simulation.configure(config("health_check uri=/health interval=3s;"));
  await simulation.advance(10);
  assert.equal(await served(simulation, 4), both);
  answer = answerOf("503 Busy");
  await simulation.advance(3_100);
  assert.equal(await served(simulation, 4), "9001 9001 9001 9001");
  const where = 'health check "" of peer 10.0.0.9:9000 in upstream "app"';
  assert.ok(lines(simulation).includes(`[warn]`));
  assert.ok(lines(simulation).includes(`peer is unhealthy while checking status code, ${where}`));
  answer = ok;
  await simulation.advance(3_100);
  assert.equal(await served(simulation, 4), both);
  assert.ok(lines(simulation).includes(`peer is healthy while checking status code, ${where}`));
  assert.equal(headOf(checks[0]), "GET /health HTTP/1.1|host: app|connection: close");
  await simulation.finish();
});

test("fails and passes count checks in a row", async () => {
  const simulation = await Simulation.start({ http: "" });
  const answers = ["503", "200", "503", "503", "200", "200"];
  await origin(simulation, 9000, () => answerOf(`${answers.shift() ?? "200"} Any`));
  await origin(simulation, 9001, () => ok);
  await simulation.configure(config("health_check uri=/h interval=1s fails=2 passes=2;"));
  const only: string[] = [];
  for (let at = 0; at < 6; at++) {
    await simulation.advance(at === 0 ? 500 : 1000);
    only.push((await served(simulation, 2)).includes("9000") ? "both" : "one");
  }
  assert.deepEqual(only, ["both", "both", "both", "one", "one", "both"]);
  await simulation.finish();
});

describe("a peer is not well", () => {
  const faults: Record<string, { serve: ((wire: Wire) => void) | null; words: RegExp }> = {
    "that nobody listens for": {
      serve: null,
      words: /connect\(\) failed .* while connecting to upstream, health/,
    },
    "that says nothing": {
      serve: () => undefined,
      words: /timed out .* while sending request to upstream, health/,
    },
    "that closes": {
      serve: (wire) => wire.end(),
      words: /prematurely closed connection while sending request/,
    },
    "that resets": {
      serve: (wire) => {
        wire.onBytes = () => wire.connection!.reset();
      },
      words: /recv\(\) failed .* while sending request to upstream, health/,
    },
    "that sends no head": {
      serve: (wire) => answering(wire, () => "HTTP/1.1 abc\r\n\r\n"),
      words: /while reading response header from upstream, health/,
    },
    "that stops in its head": {
      serve: (wire) => answering(wire, () => "HTTP/1.1 200 OK\r\nA"),
      words: /timed out .* while reading response header from upstream, health/,
    },
  };
  for (const [what, { serve, words }] of Object.entries(faults)) {
    test(what, async () => {
      const simulation = await Simulation.start({ http: "" });
      if (serve !== null) await simulation.origin(9000, serve);
      await origin(simulation, 9001, () => ok);
      await simulation.configure(config("health_check uri=/h interval=5s;"));
      await simulation.advance(3_000);
      assert.match(lines(simulation), words);
      assert.match(lines(simulation), /peer is unhealthy while/);
      assert.equal(await served(simulation, 2), "9001 9001");
      await simulation.finish();
    });
  }
});

describe("match", () => {
  const tests: Record<string, { tests: string; good: string[]; bad: string[] }> = {
    "a list of statuses": {
      tests: "status 200 204 301-303;",
      good: ["200", "204", "302"],
      bad: ["201", "304", "500"],
    },
    "statuses that must not be": { tests: "status ! 500-599;", good: ["404"], bad: ["503"] },
    "a field's value": {
      tests: "header X-State = up;",
      good: ["200|X-State: up"],
      bad: ["200|X-State: upper", "200"],
    },
    "a field's other value": {
      tests: "header X-State != up;",
      good: ["200|X-State: down"],
      bad: ["200|X-State: up"],
    },
    "a pattern for a field": {
      tests: 'header X-State ~ "^up";',
      good: ["200|X-State: upper"],
      bad: ["200|X-State: on"],
    },
    "a field": { tests: "header X-State;", good: ["200|X-State: "], bad: ["200"] },
    "no field": { tests: "header ! X-State;", good: ["200"], bad: ["200|X-State: a"] },
    "a pattern for the body": {
      tests: 'status 200; body ~ "wel+come";',
      good: ["200||welcome"],
      bad: ["200||hello"],
    },
    "a body that must not be": {
      tests: 'body !~ "down";',
      good: ["200||up", "500||up"],
      bad: ["200||is down"],
    },
  };
  for (const [what, { tests: text, good, bad }] of Object.entries(tests)) {
    test(`of ${what}`, async () => {
      for (const [answers, healthy] of [
        [good, true],
        [bad, false],
      ] as const) {
        for (const answer of answers) {
          const [status, field = "", body = "x"] = answer.split("|");
          const head = `HTTP/1.1 ${status} Any\r\n${field === "" ? "" : `${field}\r\n`}`;
          const simulation = await Simulation.start({ http: "" });
          await origin(simulation, 9000, () => `${head}Content-Length: ${body.length}\r\n\r\n${body}`);
          await origin(simulation, 9001, () => "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
          await simulation.configure(config("health_check uri=/h match=fine;", `match fine { ${text} }`));
          await simulation.advance(100);
          const said = lines(simulation).includes('health check "fine" of peer 10.0.0.9:9000');
          assert.equal(said, !healthy, answer);
          await simulation.finish();
        }
      }
    });
  }
});

describe("a check by WebSocket handshake", () => {
  const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
  const answers: Record<string, { answer: string; words: string | null }> = {
    "passes with the right answer": {
      answer: `${switching}Sec-WebSocket-Accept: %ACCEPT%\r\n\r\n`,
      words: null,
    },
    "fails without 101": { answer: ok, words: "checking status code" },
    "fails with a wrong Sec-WebSocket-Accept": {
      answer: `${switching}Sec-WebSocket-Accept: AAAA\r\n\r\n`,
      words: "checking WebSocket handshake",
    },
    "fails without Upgrade: websocket": {
      answer: "HTTP/1.1 101 Ok\r\nSec-WebSocket-Accept: %ACCEPT%\r\n\r\n",
      words: "checking WebSocket handshake",
    },
  };
  for (const [what, { answer, words }] of Object.entries(answers)) {
    test(what, async () => {
      const simulation = await Simulation.start({ http: "" });
      const checks = await origin(simulation, 9000, () => answer);
      await origin(simulation, 9001, () => `${switching}Sec-WebSocket-Accept: %ACCEPT%\r\n\r\n`);
      await simulation.configure(config("health_check type=websocket uri=/ws;"));
      await simulation.advance(100);
      assert.equal(headOf(checks[0]), "GET /ws HTTP/1.1|host: app|connection: Upgrade|upgrade: websocket");
      assert.equal(await served(simulation, 4), words === null ? both : "9001 9001 9001 9001");
      if (words !== null)
        assert.ok(lines(simulation).includes(`peer is unhealthy while ${words}, health check`));
      await simulation.finish();
    });
  }
});

test("a mandatory check keeps requests away until it has passed", async () => {
  const simulation = await Simulation.start({ http: "" });
  await origin(simulation, 9000, () => ok);
  await origin(simulation, 9001, () => null);
  await simulation.configure(config("health_check uri=/h mandatory;"));
  assert.equal(await served(simulation, 2), "9000 9000");
  await simulation.finish();
});

test("checks go to another port", async () => {
  const simulation = await Simulation.start({ http: "" });
  await origin(simulation, 9000, () => null);
  await origin(simulation, 9001, () => null);
  const checks = await origin(simulation, 9100, () => answerOf("500 Bad"));
  await simulation.configure(config("health_check port=9100;"));
  await simulation.advance(100);
  assert.equal(checks.length, 0, "GET / is answered with 200");
  assert.equal(await served(simulation, 4), both);
  await simulation.finish();
});

test("fields of proxy_set_header without variables are sent", async () => {
  const simulation = await Simulation.start({ http: "" });
  const checks = await origin(simulation, 9000, () => ok);
  await origin(simulation, 9001, () => ok);
  const fields = "proxy_set_header Host own.test; proxy_set_header X-A b; proxy_set_header X-B $host;";
  await simulation.configure(config(`health_check uri=/h; ${fields}`));
  await simulation.advance(100);
  assert.equal(headOf(checks[0]), "GET /h HTTP/1.1|host: own.test|x-a: b|connection: close");
  await simulation.finish();
});

test("checks end with their configuration; what they found out stays true after a reload", async () => {
  const simulation = await Simulation.start({ http: "" });
  const checks = await origin(simulation, 9000, () => answerOf("500 Bad"));
  await origin(simulation, 9001, () => ok);
  const http = config("health_check uri=/h interval=60s mandatory;");
  await simulation.configure(http);
  await simulation.advance(100);
  await simulation.configure(http);
  assert.equal(await served(simulation, 2), "9001 9001");
  const count = checks.length;
  await simulation.configure(config(""));
  assert.equal(await served(simulation, 4), both);
  await simulation.advance(120_000);
  assert.equal(checks.length, count);
  assert.equal(simulation.network.clock.nextAt, Infinity, "timers are left");
  await simulation.finish();
});

test("peers of a name are checked as they come", async () => {
  const simulation = await Simulation.start({ http: "" });
  simulation.network.names.set("app.test", ["10.0.0.9"]);
  await origin(simulation, 9000, () => ok);
  await simulation.configure(`
    proxy_connect_timeout 1s;
    resolver 10.0.0.53 valid=5s;
    upstream app { server app.test:9000 resolve; keepalive 0; }
    server { listen 10.0.0.1:80; location / { proxy_pass http://app; health_check uri=/h interval=2s mandatory; } }`);
  await simulation.advance(10);
  assert.equal(await served(simulation, 1), "9000");
  simulation.network.names.set("app.test", ["10.0.0.8", "10.0.0.9"]);
  for (let at = 0; at < 10; at++) await simulation.advance(1_000);
  assert.match(lines(simulation), /while connecting to upstream, health check "" of peer 10\.0\.0\.8:9000/);
  assert.equal(await served(simulation, 3), "9000 9000 9000");
  await simulation.finish();
});

test("an error of the gateway's own ends the check that met it, not the thread", async () => {
  const simulation = await Simulation.start({ http: "" });
  await origin(simulation, 9000, () => ok);
  const outcomes: ProbeOutcome[] = [];
  const broken = {
    name: "",
    fields: [],
    body: [],
    get statuses(): null {
      throw new Error("broken");
    },
  };
  const plan = {
    type: "http" as const,
    uri: "/check",
    fields: "Host: a\r\n",
    expectation: broken,
    tls: null,
    connectTimeoutMs: 1000,
    readTimeoutMs: 1000,
    headBytesMax: 4096,
  };
  const endpoint = { kind: "tcp" as const, address: "10.0.0.9", port: 9000 };
  new HealthProbe(simulation.network, endpoint, plan, (outcome) => outcomes.push(outcome));
  await simulation.advance(5000);
  assert.deepEqual(
    outcomes.map(({ healthy, error }) => [healthy, error]),
    [[false, "Error: broken"]],
  );
  await simulation.finish();
});
