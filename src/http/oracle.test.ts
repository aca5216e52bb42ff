import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { exchange, oracleInstalled, startNginx, startOracle } from "./cases/nginx-oracle.ts";
import type { Oracle, OracleAnswer, RunningNginx } from "./cases/nginx-oracle.ts";
import { startProxyOracle } from "./cases/nginx-proxy-oracle.ts";
import type { ProxyOracle } from "./cases/nginx-proxy-oracle.ts";
import { readChunkedCases, readResponseCases } from "./cases/body-case.ts";
import { inputBytes, limitsOf, readRequestCases } from "./cases/request-case.ts";
import type { RequestCase } from "./cases/request-case.ts";
import { RequestHeadReader } from "./request-head.ts";
import { errorPage, reasonPhrase, wireStatus } from "./status.ts";

/** What the gateway would answer: 200 stands for a request that is served, 0 for none yet. */
function verdict(reader: RequestHeadReader): number {
  if (reader.state === "needMore") return 0;
  return reader.failure === null ? 200 : wireStatus(reader.failure.status);
}

function compare(item: RequestCase, answer: OracleAnswer): void {
  const bytes = inputBytes(item.input);
  const reader = new RequestHeadReader(limitsOf(item));
  reader.feed(bytes, 0, bytes.length);
  if (item.nginx122 !== undefined) {
    assert.equal(answer.status, item.nginx122.status, "nginx 1.22 does what the case says it does");
    assert.notEqual(verdict(reader), answer.status, "the case still differs");
    return;
  }
  assert.equal(verdict(reader), answer.status, reader.failure?.reason ?? "");
  if (answer.status !== 200) return;
  const { head } = reader;
  const ours = {
    request_method: head.method,
    request_uri: head.requestUri,
    uri: head.uri,
    args: head.args ?? "",
    host: head.host ?? "",
    request_length: String(head.bytes),
    server_protocol: head.protocol,
    request: head.requestLine,
  };
  assert.deepEqual(ours, Object.fromEntries(answer.values));
}

describe(
  "the request cases, asked of nginx itself",
  { skip: oracleInstalled() ? false : "NO NGINX HERE" },
  () => {
    const cases = readRequestCases();
    let oracle: Oracle;
    before(async () => {
      oracle = await startOracle(cases.map(limitsOf));
    });
    after(() => oracle.stop());

    for (const item of cases) {
      it(
        item.nginx122 === undefined ? item.name : `${item.name} (differs: ${item.nginx122.why})`,
        async () => {
          compare(item, await oracle.ask(limitsOf(item), inputBytes(item.input)));
        },
      );
    }
  },
);

const CLOSE = "HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
const EMPTY_RESPONSE = Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

describe(
  "body and response cases, through nginx as a proxy",
  { skip: oracleInstalled() ? false : "NO NGINX HERE" },
  () => {
    let oracle: ProxyOracle;
    before(async () => {
      oracle = await startProxyOracle();
    });
    after(() => oracle.stop());

    for (const { name, input, expect, nginx122 } of readChunkedCases()) {
      it(`chunked: ${name}`, async () => {
        const head = Buffer.from(`POST / ${CLOSE}Transfer-Encoding: chunked\r\n\r\n`);
        const { answer, forwarded } = await oracle.pass(
          Buffer.concat([head, inputBytes(input)]),
          EMPTY_RESPONSE,
        );
        const ours = { done: 200, failed: 400, needMore: 0 }[expect.outcome];
        assert.equal(statusOf(answer), nginx122?.status ?? ours);
        if (nginx122 !== undefined) assert.notEqual(ours, nginx122.status, "the case still differs");
        if (expect.outcome === "done")
          assert.equal(forwarded.slice(forwarded.indexOf("\r\n\r\n") + 4), expect.body ?? "");
      });
    }

    for (const { name, input, expect, nginx122 } of readResponseCases()) {
      it(`response: ${name}`, async () => {
        const { answer } = await oracle.pass(Buffer.from(`GET / ${CLOSE}\r\n`), inputBytes(input));
        if (expect.head?.["versionMajor"] === 0) {
          // nginx passes an HTTP/0.9 answer on as it came, without a head of its own.
          assert.equal(answer, inputBytes(input).toString("latin1"));
          return;
        }
        const ours = expect.outcome === "done" ? Number(expect.head?.["status"] ?? 200) : 502;
        assert.equal(statusOf(answer), nginx122?.status ?? ours);
        if (nginx122 === undefined && expect.outcome === "done") {
          const statusLine = expect.head?.["statusLine"] ?? "200 OK";
          assert.equal(answer.slice("HTTP/1.1 ".length, answer.indexOf("\r\n")), statusLine);
        }
      });
    }
  },
);

describe("built-in pages, as nginx sends them", { skip: oracleInstalled() ? false : "NO NGINX HERE" }, () => {
  /** Statuses that end the connection without an answer, or that mean something else in `return`. */
  const SPECIAL = [408, 444, 498, 499];
  const statuses = Array.from({ length: 300 }, (_, index) => index + 300).filter(
    (status) => !SPECIAL.includes(status),
  );
  let nginx: RunningNginx;
  before(async () => {
    const locations = statuses.map((status) => `location = /${status} { return ${status}; }`).join("\n");
    nginx = await startNginx(
      (directory) => `server { listen unix:${directory}/0.sock; server_tokens off; ${locations} }`,
    );
  });
  after(() => nginx.stop());

  it("have the same status line and the same body", async () => {
    for (const status of statuses) {
      const answer = await exchange(`${nginx.directory}/0.sock`, Buffer.from(`GET /${status} ${CLOSE}\r\n`));
      const wire = wireStatus(status);
      assert.equal(answer.slice(0, answer.indexOf("\r\n")), `HTTP/1.1 ${wire} ${reasonPhrase(wire)}`);
      assert.equal(answer.slice(answer.indexOf("\r\n\r\n") + 4), errorPage(status, "nginx") ?? "");
    }
  });
});

function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
}
