import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ends } from "./ends.ts";
import { play } from "./scene.ts";

describe("a WebSocket ends, and its record says why:", () => {
  for (const end of ends) {
    test(end.what, async () => {
      const { record, client, server, level, seconds } = await play(end);
      const { record: expected, client: atClient, server: atServer, level: expectedLevel } = end;
      assert.deepEqual(
        { record, client, server, level },
        { record: expected, client: atClient, server: atServer, level: expectedLevel },
      );
      if (end.seconds !== undefined) assert.equal(seconds, end.seconds);
    });
  }
});
