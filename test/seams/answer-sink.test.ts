/** A module outside the tree that copies the answers of servers while clients get them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpModule } from "../../src/gateway/build/http-module.ts";
import { Simulation } from "../../src/gateway/simulation.fixture.ts";
import { DONE } from "../../src/gateway/request/handler.ts";
import { Exchange } from "../../src/gateway/upstream/exchange.ts";
import type { ExchangePlan } from "../../src/gateway/upstream/exchange-plan.ts";
import { Http1Try } from "../../src/gateway/upstream/http1-try.ts";
import type { Http1Request } from "../../src/gateway/upstream/http1-try.ts";
import type { AnswerSink } from "../../src/gateway/upstream/protocol.ts";
import { answering, response } from "../../src/gateway/wire.fixture.ts";
import { usualPlan } from "./plan.ts";

/** Passes on to both; the first one sets the pace. */
function tee(first: AnswerSink, copy: Buffer[], ended: () => void): AnswerSink {
  return {
    get onDrain() {
      return first.onDrain;
    },
    set onDrain(resume) {
      first.onDrain = resume;
    },
    prepareHead: () => first.prepareHead(),
    write(bytes) {
      copy.push(Buffer.from(bytes));
      return first.write(bytes);
    },
    passOn: () => first.passOn(),
    end() {
      ended();
      first.end();
    },
  };
}

const copies = new Map<string, Buffer>();

/** `copy_pass port` passes requests on by HTTP/1, and keeps a copy of what comes. */
const copyPass: HttpModule<object, object, { port?: number }> = {
  name: "copy_module",
  directives: [
    {
      name: "copy_pass",
      contexts: ["location"],
      args: "1",
      default: null,
      inherited: "own",
      doc: "Passes requests on and keeps a copy of each answer.",
      set: (scope, { args }) => void (scope.location(copyPass).port = Number(args[0])),
    },
  ],
  location: { defaults: () => ({}) },
  attach(location, { port }) {
    if (port === undefined) return;
    const usual = usualPlan([port], "http://");
    location.content = (request) => {
      const pieces: Buffer[] = [];
      const done = (): void => void copies.set(request.uri, Buffer.concat(pieces));
      const http1: Http1Request = {
        isHead: false,
        passesBody: false,
        replacementBody: null,
        keepsTrailers: false,
        buildHead: () => `GET ${request.uri} HTTP/1.1\r\nHost: a\r\n\r\n`,
        acceptEarlyHints() {},
        acceptTrailers() {},
      };
      const plan: ExchangePlan = {
        ...usual,
        uri: request.uri,
        sink: tee(request.response, pieces, done),
        begin: (owner, pooled, sink) => new Http1Try(owner, pooled, http1, sink),
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

test("an answer can go to several", async () => {
  const http = "server { listen 10.0.0.1:80; location / { copy_pass 9000; } }";
  const simulation = await Simulation.start({ http, modules: [copyPass] });
  const body = Buffer.alloc(100_000, "abcdefghij");
  await simulation.origin(9000, (wire) => answering(wire, () => response("200 OK", body)));
  const message = await simulation.ask("GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.ok(message.body.equals(body));
  assert.ok(copies.get("/large")!.equals(body));
});
