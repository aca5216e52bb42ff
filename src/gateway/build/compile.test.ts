import assert from "node:assert/strict";
import { test } from "node:test";
import { Simulation } from "../simulation.fixture.ts";
import type { HttpModule } from "./http-module.ts";

/** Notes when each of a module's hooks is called. */
function notingModule(notes: string[]): HttpModule {
  return {
    name: "noting",
    directives: [
      {
        name: "noted",
        contexts: ["http", "server", "location"],
        args: "1",
        default: null,
        doc: "Notes that it was read.",
        set: (_, { args }) => void notes.push(`read ${args[0]}`),
      },
    ],
    location: { defaults: () => ({}), finish: () => void notes.push("settings merged") },
    finishUpstreams(build) {
      // Its server's name was resolved before.
      const [draft] = build.upstreamDrafts;
      notes.push(`upstreams: ${draft!.servers.map(({ peers }) => peers[0]!.name).join()}`);
      build.background.set("noting", {
        prepare: async () => void notes.push("background prepares"),
        start: () => void notes.push("background starts"),
        stop: () => void notes.push("background stops"),
      });
    },
    attachServer: ({ name }) => void notes.push(`server ${name}`),
    attach: ({ name }) => void notes.push(`location ${name}`),
    async finishServers(build) {
      notes.push(`servers: ${build.servers.map(({ server }) => server!.name).join()}`);
    },
  };
}

test("an http block is compiled step by step, and each hook of a module has its place", async () => {
  const notes: string[] = [];
  const simulation = await Simulation.start({
    http: `server { listen 10.0.0.1:80; server_name a; noted server;
      location /x { noted location; proxy_pass http://10.0.0.9:8000; } }`,
    modules: [notingModule(notes)],
  });
  await simulation.finish();
  assert.deepEqual(notes, [
    "read server",
    "read location",
    "upstreams: 10.0.0.9:8000",
    // Of the server, and of the location in it.
    "settings merged",
    "settings merged",
    "server a",
    "location ",
    "location /x",
    "servers: a",
    "background prepares",
    "background starts",
    "background stops",
  ]);
});

test("a block that takes an address's name leaves those that named the address before it", async () => {
  const simulation = await Simulation.start({
    http: `server { listen 10.0.0.1:80; location / { proxy_pass http://10.0.0.9:8000; } }
      upstream 10.0.0.9:8000 { server 10.0.0.9:9000; }`,
  });
  await simulation.origin(8000, (wire) => {
    wire.onBytes = () => wire.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n8000");
  });
  const { body } = await simulation.ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.equal(body.toString(), "8000");
  await simulation.finish();
});
