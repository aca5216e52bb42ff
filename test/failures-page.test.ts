import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { failureOf, failureOfStatus, wordsOf } from "../src/gateway/failure/failure.ts";
import { failureKinds } from "../src/gateway/failure/kinds.ts";
import type { FailureFacts, FailureKind } from "../src/gateway/failure/kinds.ts";
import { nextUpstreamWords } from "../src/gateway/failure/next-upstream.ts";
import { failuresFile, failuresPage } from "../tools/failures-page.ts";

const kinds = Object.entries(failureKinds) as [FailureKind, FailureFacts][];
const page = readFileSync(failuresFile, "utf8");

test("docs/failures.md is what the table says (npm run docs writes it)", () => {
  assert.equal(page, failuresPage());
});

test("every kind has a section, and every section is of a kind", () => {
  const sections = [...page.matchAll(/^## (.+)$/gm)].map(([, kind]) => kind);
  assert.deepEqual(sections, Object.keys(failureKinds));
});

test("every kind says what has happened and what to do, and has a label of its own", () => {
  for (const [kind, { meaning, cure, label }] of kinds) {
    assert.match(meaning, /^[A-Z`].*\.$/, kind);
    assert.match(cure, /^[A-Z`].*\.$/, kind);
    assert.match(label, /^[a-z_]+$/, kind);
  }
  assert.equal(new Set(kinds.map(([, { label }]) => label)).size, kinds.length);
});

test("another server is asked by a word of proxy_next_upstream only", () => {
  const bits = new Set(Object.values(nextUpstreamWords));
  for (const [kind, { retry }] of kinds) assert.ok(bits.has(retry), kind);
  for (const status of [403, 404, 429, 500, 502, 503, 504]) {
    assert.equal(failureOfStatus(status)?.retry, nextUpstreamWords[`http_${status}`]);
    assert.equal(failureOfStatus(status)?.status, status);
  }
  assert.equal(failureOfStatus(401), null);
});

test("a failure's words hold its cause, whatever that is", () => {
  assert.equal(wordsOf(failureOf("upstreamReset", "$& (104: %)")), "recv() failed $& (104: %)");
  for (const [kind, { words }] of kinds)
    assert.equal(wordsOf(failureOf(kind, "why")), words.replace("%", "why"));
});
