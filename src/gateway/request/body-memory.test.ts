import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fitsBuffer, mayStayInMemory } from "./body-memory.ts";
import type { Request } from "./request.ts";

interface Facts {
  contentLength?: number;
  wireBytes?: number;
  withHead?: number;
  complete?: boolean;
  bufferSize?: number;
  held?: number;
  heldByAll?: number;
  fileOnly?: "off" | "on";
  readsBodies?: boolean;
  namesBodyFiles?: boolean;
}

/** Of a request whose head has 100 bytes, in buffers of 1k and 8k; the budget is 1,000,000 bytes. */
function requestOf(facts: Facts): Request {
  const { contentLength = -1, wireBytes = 0, complete = false } = facts;
  return {
    head: { bytes: 100 },
    body: {
      contentLength,
      chunked: contentLength < 0,
      wireBytes,
      received: 0,
      complete,
      arrivedWithHead: facts.withHead ?? 0,
      held: facts.held ?? 0,
      heldByAll: facts.heldByAll ?? 0,
    },
    server: {
      headLimits: { headerBufferSize: 1024, largeBufferSize: 8192 },
      readsBodies: facts.readsBodies ?? false,
      namesBodyFiles: facts.namesBodyFiles ?? false,
    },
    location: {
      core: {
        clientBodyBufferSize: facts.bufferSize ?? 0,
        clientBodyInFileOnly: facts.fileOnly ?? "off",
        clientBodyMemory: 1_000_000,
      },
    },
  } as unknown as Request;
}

test("a body fits nginx's buffers by what came with its head, and by its kind", () => {
  const bufferSize = 2048;
  const rows: [Facts, boolean][] = [
    [{ contentLength: 20_479 }, true],
    [{ contentLength: 20_480 }, false],
    [{ contentLength: 2559, bufferSize }, true],
    [{ contentLength: 2560, bufferSize }, false],
    [{ contentLength: 2560 + 923, withHead: 924, bufferSize }, true],
    [{ contentLength: 2560 + 924, withHead: 9000, bufferSize }, false],
    [{ contentLength: 924, withHead: 1, bufferSize: 100 }, true],
    [{ contentLength: 924, withHead: 0, bufferSize: 100 }, false],
    [{ wireBytes: 2047, bufferSize }, true],
    [{ wireBytes: 2048, bufferSize }, false],
    [{ wireBytes: 2048, complete: true, bufferSize }, true],
    [{ wireBytes: 2049, complete: true, bufferSize }, false],
    [{ wireBytes: 2048 + 924, withHead: 924, complete: true, bufferSize }, true],
  ];
  for (const [facts, fits] of rows) assert.equal(fitsBuffer(requestOf(facts)), fits, JSON.stringify(facts));
});

describe("a body stays in memory", () => {
  const stays = (facts: Facts, bytes: number): boolean => mayStayInMemory(requestOf(facts), bytes);

  test("where no size is set, up to 1 MiB and as far as the budget goes", () => {
    assert.equal(stays({ wireBytes: 900_000 }, 900_000), true);
    assert.equal(stays({ wireBytes: 1_048_577 }, 1_048_577), false);
    assert.equal(stays({ wireBytes: 900_000, heldByAll: 200_000 }, 900_000), false);
    assert.equal(stays({ wireBytes: 900_000, held: 850_000, heldByAll: 900_000 }, 900_000), true);
  });

  test("however much others hold, when it is small, or somebody asks for its text", () => {
    const heldByAll = 5_000_000;
    assert.equal(stays({ contentLength: 16_384, heldByAll }, 16_384), true);
    assert.equal(stays({ contentLength: 20_000, heldByAll }, 20_000), false);
    assert.equal(stays({ contentLength: 20_000, heldByAll, readsBodies: true }, 20_000), true);
  });

  test("no longer than in nginx, where the difference could be seen", () => {
    assert.equal(stays({ contentLength: 30_000, bufferSize: 16_384 }, 30_000), false);
    assert.equal(stays({ contentLength: 30_000, namesBodyFiles: true }, 30_000), false);
    assert.equal(stays({ contentLength: 20_000, namesBodyFiles: true }, 20_000), true);
    assert.equal(stays({ contentLength: 3, fileOnly: "on" }, 3), false);
  });
});
