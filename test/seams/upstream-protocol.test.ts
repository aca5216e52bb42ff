/** A module outside the tree with a protocol of its own to servers: a line there, a length and a text back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpModule } from "../../src/gateway/build/http-module.ts";
import { failureOf, lostUpstream } from "../../src/gateway/failure/failure.ts";
import { DONE } from "../../src/gateway/request/handler.ts";
import { Simulation } from "../../src/gateway/simulation.fixture.ts";
import { Exchange } from "../../src/gateway/upstream/exchange.ts";
import type { ExchangePlan } from "../../src/gateway/upstream/exchange-plan.ts";
import type { PooledConnection } from "../../src/gateway/upstream/pooled-connection.ts";
import type { AnswerSink, TryOwner, UpstreamTry } from "../../src/gateway/upstream/protocol.ts";
import { Fields } from "../../src/http/fields.ts";
import { usualPlan } from "./plan.ts";

/** "GET /uri\n" gets "5\nhello". */
function lineTry(owner: TryOwner, pooled: PooledConnection, sink: AnswerSink, uri: string): UpstreamTry {
  let text = "";
  let done = false;
  const end = (): void => {
    done = true;
    pooled.close();
  };
  return {
    start: () => void pooled.connection.send(Buffer.from(`GET ${uri}\n`)),
    drop: end,
    onData(bytes) {
      text += bytes.toString();
      const line = text.indexOf("\n");
      const length = Number(text.slice(0, line));
      if (done || line < 0 || text.length < line + 1 + length) return;
      if (Number.isNaN(length)) return owner.fail(failureOf("invalidHead", "server sent no length"));
      const fields = new Fields();
      fields.add("Content-Type", "text/plain");
      const head = { versionMajor: 1, versionMinor: 0, status: 200, statusLine: "", fields, warnings: [] };
      const rest = { contentLength: length, chunked: false, connectionClose: true, bytes: line + 1 };
      if (owner.takeHead({ ...head, ...rest }) !== "body") return;
      sink.write(Buffer.from(text.slice(line + 1)));
      end();
      owner.complete(null);
    },
    onEnd: () => done || owner.fail(lostUpstream(null)),
    onClose: (code) => done || owner.fail(lostUpstream(code)),
    onDrain() {},
  };
}

const linePass: HttpModule<object, object, { ports?: readonly number[] }> = {
  name: "line_module",
  directives: [
    {
      name: "line_pass",
      contexts: ["location"],
      args: "1+",
      default: null,
      inherited: "own",
      doc: "Asks servers by lines.",
      set: (scope, { args }) => void (scope.location(linePass).ports = args.map(Number)),
    },
  ],
  location: { defaults: () => ({}) },
  attach(location, { ports }) {
    if (ports === undefined) return;
    const usual = usualPlan(ports, "line://");
    location.content = (request) => {
      const plan: ExchangePlan = {
        ...usual,
        uri: request.uri,
        begin: (owner, pooled, sink) => lineTry(owner, pooled, sink, request.uri),
        acceptHead({ status, contentLength }) {
          request.response.status = status;
          request.response.contentLength = contentLength ?? -1;
          return null;
        },
      };
      new Exchange(request, plan).start();
      return DONE;
    };
  },
};

test("a protocol of a module's own asks the next server when the first one fails", async () => {
  const http = "server { listen 10.0.0.1:80; location / { line_pass 9000 9001; } }";
  const simulation = await Simulation.start({ http, modules: [linePass] });
  await simulation.origin(9000, (wire) => void (wire.onBytes = () => wire.connection!.close()));
  await simulation.origin(9001, (wire) => void (wire.onBytes = () => wire.send("5\nhello")));
  const message = await simulation.ask("GET /there HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.equal(message.startLine, "HTTP/1.1 200 OK");
  assert.equal(message.body.toString(), "hello");
  assert.match(
    simulation.errorLines[0]!,
    /upstream prematurely closed connection .*"line:\/\/10\.0\.0\.9:9000\/there"/,
  );
  assert.deepEqual(simulation.accessLines, ["GET /there 200 5 502, 200"]);
});
