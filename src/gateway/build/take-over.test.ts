import assert from "node:assert/strict";
import { test } from "node:test";
import type { Background } from "../serve/background.ts";
import { incomplete } from "../wire.fixture.ts";
import { Simulation } from "../simulation.fixture.ts";
import type { HttpModule } from "./http-module.ts";

/** Has one background task in each configuration; they are numbered. */
function taskModule(notes: string[]): HttpModule {
  let count = 0;
  const names = new Map<Background | null, string>([[null, "nothing"]]);
  return {
    name: "tasks",
    directives: [],
    finishServers(build) {
      count += 1;
      const name = `task ${count}`;
      const task: Background = {
        start: (before) => void notes.push(`${name} starts after ${names.get(before)}`),
        stop: () => void notes.push(`${name} stops`),
      };
      names.set(task, name);
      build.background.set("task", task);
    },
  };
}

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

test("what a configuration does of its own ends before the next one's begins, which knows it", async () => {
  const notes: string[] = [];
  const http = "server { listen 10.0.0.1:80; return 200; }";
  const simulation = await Simulation.start({ http, modules: [taskModule(notes)] });
  await simulation.configure(http);
  await assert.rejects(simulation.configure("server { listen 10.0.0.1:80; nonsense; }"));
  await simulation.configure(http);
  await simulation.finish();
  assert.deepEqual(notes, [
    "task 1 starts after nothing",
    "task 1 stops",
    "task 2 starts after task 1",
    "task 2 stops",
    "task 3 starts after task 2",
    "task 3 stops",
  ]);
});

test("a take-over keeps connections, serves them anew, and ends what came through a socket that is gone", async () => {
  const simulation = await Simulation.start({
    http: `server { listen 10.0.0.1:80; return 200 before; }
      server { listen 10.0.0.1:81; return 200; }`,
  });
  const [stays, goes] = [simulation.client(80), simulation.client(81)];
  for (const client of [stays, goes]) {
    client.send(request);
    await simulation.until(() => client.take() !== incomplete);
  }
  await simulation.configure("server { listen 10.0.0.1:80; return 200 after; }");
  await simulation.until(() => goes.over || goes.finished);
  stays.send(request);
  await simulation.until(() => stays.text.endsWith("after"));
  const late = simulation.client(81);
  await simulation.until(() => late.refused);
  await simulation.finish();
});

test("what a replaced configuration leaves behind is collected", async () => {
  const http = "server { listen 10.0.0.1:80; return 200; }";
  const simulation = await Simulation.start({ http });
  let collected = 0;
  simulation.network.giveBackMemory = () => {
    collected += 1;
  };
  await simulation.advance(10_000);
  assert.equal(collected, 0);
  await simulation.configure(http);
  await simulation.advance(10_000);
  assert.equal(collected, 1);
  await simulation.finish();
});
