/** A module outside the tree: a directive, a variable, a handler and a header filter. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { slots } from "../../src/config/slots.ts";
import type { HttpModule } from "../../src/gateway/build/http-module.ts";
import { DECLINED } from "../../src/gateway/request/handler.ts";
import { Simulation } from "../../src/gateway/simulation.fixture.ts";

interface GreetingSettings {
  greeting: string;
}

const slot = slots<GreetingSettings>((scope) => scope.location(greeting));

const greeting: HttpModule<object, object, GreetingSettings> = {
  name: "greeting_module",
  directives: [
    {
      name: "greeting",
      contexts: ["http", "server", "location"],
      args: "1",
      default: "hello",
      doc: "How clients are greeted; they are turned away without it.",
      set: slot.string("greeting"),
    },
  ],
  location: { defaults: () => ({ greeting: "hello" }) },
  variables: [{ name: "greeted", get: ({ fields }) => fields.get("x-name") ?? "stranger" }],
  attach(location, settings) {
    location.access.push(({ fields }) => (fields.has("x-rude") ? 403 : DECLINED));
    location.headerFilters.push((request) => request.response.fields.add("X-Greeting", settings.greeting));
  },
};

test("a module of one's own has settings, variables, handlers and filters like any other", async () => {
  const http = `server {
    listen 10.0.0.1:80;
    greeting outer;
    location / { return 200 "for $greeted"; }
    location /in { greeting inner; empty_gif; }
  }`;
  const simulation = await Simulation.start({ http, modules: [greeting] });
  for (const [head, line, field] of [
    ["GET / HTTP/1.1\r\nX-Name: Ann", "HTTP/1.1 200 OK", "outer"],
    ["GET /in HTTP/1.1", "HTTP/1.1 200 OK", "inner"],
    ["GET /in HTTP/1.1\r\nX-Rude: yes", "HTTP/1.1 403 Forbidden", "inner"],
  ] as const) {
    const message = await simulation.ask(`${head}\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.equal(message.startLine, line);
    assert.equal(message.fields.get("x-greeting"), field);
  }
});
