/** A module outside the tree whose requests come by no connection: their answers are written down as JSON. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpModule } from "../../src/gateway/build/http-module.ts";
import { lostWriter } from "../../src/gateway/request/answer-writer.ts";
import type { AnswerWriter } from "../../src/gateway/request/answer-writer.ts";
import { noBodySource } from "../../src/gateway/request/body-source.ts";
import { DONE } from "../../src/gateway/request/handler.ts";
import { Phase, runPhases } from "../../src/gateway/request/phases.ts";
import { RequestBody } from "../../src/gateway/request/request-body.ts";
import { Request } from "../../src/gateway/request/request.ts";
import type { Response } from "../../src/gateway/request/response.ts";
import { Simulation } from "../../src/gateway/simulation.fixture.ts";
import { answering, response } from "../../src/gateway/wire.fixture.ts";

interface Written {
  status: number;
  fields: Record<string, string>;
  body: string;
  whole: boolean;
}

/** Gives the answer to `done` once it is over. */
function jsonWriter(done: (written: Written) => void): AnswerWriter {
  const written: Written = { status: 0, fields: {}, body: "", whole: false };
  let answer: Response;
  return {
    ...lostWriter,
    open: true,
    askerEnded: false,
    begin(response) {
      answer = response;
      written.status = response.status;
      for (const [index, name] of response.fields.names.entries())
        written.fields[name] = response.fields.values[index]!;
    },
    write(bytes) {
      written.body += bytes.toString();
      return true;
    },
    end(whole) {
      written.whole = whole;
      answer.written();
    },
    finish: () => done(written),
    abort: () => done({ ...written, whole: false }),
  };
}

/** `as_json /uri` answers with what the location of that URI would have answered. */
const asJson: HttpModule<object, object, { uri?: string }> = {
  name: "as_json_module",
  directives: [
    {
      name: "as_json",
      contexts: ["location"],
      args: "1",
      default: null,
      inherited: "own",
      doc: "Answers with another answer, as JSON.",
      set: (scope, { args }) => void (scope.location(asJson).uri = args[0]!),
    },
  ],
  location: { defaults: () => ({}) },
  attach(location, { uri }) {
    if (uri === undefined) return;
    location.content = (request) => {
      const writer = jsonWriter((written) => {
        request.response.status = 200;
        request.response.contentType = "application/json";
        request.response.sendWhole(Buffer.from(JSON.stringify(written)));
      });
      const { client, server, head } = request;
      const body = new RequestBody(noBodySource, 0, false);
      const inner = new Request({ client, server, writer, body, head: { ...head, uri, requestUri: uri } });
      runPhases(inner, Phase.postRead);
      return DONE;
    };
  },
};

test("an answer goes to whatever writer its request has", async () => {
  const http = `server {
    listen 10.0.0.1:80;
    location /own { as_json /hello; }
    location /proxied { as_json /far; }
    location /hello { add_header X-A b; return 200 "hello"; }
    location /far { proxy_pass http://10.0.0.9:9000; }
  }`;
  const simulation = await Simulation.start({ http, modules: [asJson] });
  await simulation.origin(9000, (wire) => answering(wire, () => response("201 Created", "made")));
  for (const [path, expected] of [
    ["/own", { status: 200, fields: { "X-A": "b" }, body: "hello", whole: true }],
    ["/proxied", { status: 201, fields: {}, body: "made", whole: true }],
  ] as const) {
    const { body } = await simulation.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.deepEqual(JSON.parse(body.toString()), expected);
  }
});
