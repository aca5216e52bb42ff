import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { HttpModule } from "../build/http-module.ts";
import { DECLINED } from "../request/handler.ts";
import type { Request } from "../request/request.ts";
import { Simulation, stillWeather } from "../simulation.fixture.ts";
import type { Wire } from "../wire.fixture.ts";

const directory = mkdtempSync(path.join(tmpdir(), "longhaul-files-"));
after(() => rmSync(directory, { recursive: true }));
const fileBytes = 8_000_000;
writeFileSync(path.join(directory, "large"), Buffer.alloc(fileBytes));
writeFileSync(path.join(directory, "broken"), "small");

const http = `server { listen 10.0.0.1:80; root ${directory}; send_timeout 2s; }`;

/** Descriptors of this process that lead to one of the files. */
function openFiles(): number {
  let count = 0;
  for (const name of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`).startsWith(directory)) count += 1;
    } catch {
      // It was closed meanwhile, as that of the listing itself is.
    }
  }
  return count;
}

/** Files are read in real time. */
async function until(simulation: Simulation, holds: () => boolean): Promise<void> {
  while (!holds()) {
    await nextTurn();
    await simulation.advance(0);
  }
}

interface Scene {
  readonly simulation: Simulation;
  readonly client: Wire;
  readonly request: () => Request;
}

/** A client that asks for a file; one that takes nothing after the first bytes when `stalling`. */
async function begin(file: string, stalling: boolean): Promise<Scene> {
  const requests: Request[] = [];
  const keeping: HttpModule = {
    name: "keeping",
    directives: [],
    attach(location) {
      location.rewrite.push((request) => {
        requests.push(request);
        return DECLINED;
      });
      location.headerFilters.push(({ uri }) => {
        if (uri === "/broken") throw new Error("failed at a filter");
      });
    },
  };
  const simulation = await Simulation.start({ http, weather: stillWeather, modules: [keeping] });
  const client = simulation.client();
  if (stalling) client.onBytes = () => client.connection!.pause();
  client.send(`GET /${file} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const request = (): Request => requests.at(-1)!;
  await until(simulation, () =>
    stalling
      ? requests.length > 0 && request().response.onDrain !== null
      : client.receivedBytes > 0 || client.finished,
  );
  return { simulation, client, request };
}

describe("the file of an answer is closed", () => {
  test("when all of it is sent", async () => {
    const { simulation, client } = await begin("large", false);
    await until(simulation, () => client.receivedBytes > fileBytes);
    await until(simulation, () => openFiles() === 0);
    await simulation.finish();
  });

  const endings: Record<string, (scene: Scene) => unknown> = {
    "when the client leaves": ({ client }) => client.leave(),
    "when the client takes nothing": ({ simulation }) => simulation.advance(2000),
    "when the request is broken off from elsewhere": ({ request }) => request().response.abort(),
    "when all is stopped": ({ simulation }) => simulation.gateway.stopNow(),
  };
  for (const [name, end] of Object.entries(endings)) {
    test(name, async () => {
      const scene = await begin("large", true);
      assert.equal(openFiles(), 1);
      await end(scene);
      await until(scene.simulation, () => openFiles() === 0);
      await scene.simulation.finish();
    });
  }

  test("when its head cannot be made", async () => {
    const { simulation } = await begin("broken", false);
    assert.equal(openFiles(), 0);
    simulation.errorLines.length = 0;
    await simulation.finish();
  });
});
