import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { ends } from "./ends.ts";
import { play } from "./scene.ts";
import { weather } from "./storm.ts";
import { whyClosedFile, whyClosedPage } from "../../tools/why-closed-page.ts";

for (const arrival of ["HTTP/1.1", "HTTP/2"] as const)
  describe(`a WebSocket by ${arrival} ends, and its record says why:`, () => {
    for (const end of ends) {
      test(end.what, async () => {
        const { record, client, server, level, seconds } = await play(end, arrival);
        const { record: expected, client: atClient, server: atServer, level: expectedLevel } = end;
        const unseen = arrival === "HTTP/2" && end.unseenOverHttp2 === true;
        assert.deepEqual(
          { record, client: unseen ? atClient : client, server, level },
          { record: expected, client: atClient, server: atServer, level: expectedLevel },
        );
        if (end.seconds !== undefined) assert.equal(seconds, end.seconds);
      });
    }
  });

test("docs/why-closed.md is what the table says (npm run docs writes it)", () => {
  assert.equal(readFileSync(whyClosedFile, "utf8"), whyClosedPage());
});

test("no two ways to end are told by the same words", () => {
  assert.equal(new Set(ends.map(({ what }) => what)).size, ends.length);
  assert.ok(ends.length >= 40);
});

test("in any weather each end gets a well-framed beginning of what the other has sent", async () => {
  for (let seed = 1; seed <= 150; seed++) await weather(seed);
});
