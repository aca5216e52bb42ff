/**
 * Loops over what a client sends, on texts of which the square would take minutes: that these tests end is
 * what they show.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerChoice } from "../gateway/serve/virtual-server.ts";
import type { ServerName, VirtualServer } from "../gateway/serve/virtual-server.ts";
import { MapTable } from "./variables/map-table.ts";
import { parseCookie } from "./proxy/cookie.ts";
import { parseRanges } from "./static/ranges.ts";
import { SubstitutionFilter } from "./filters/substitution-filter.ts";

const length = 1_000_000;

test("a Range of spaces", () => {
  assert.equal(parseRanges(`bytes=1-${" ".repeat(length)}x`, 10, 10), "unsatisfiable");
  assert.equal(parseRanges(`bytes=${" ".repeat(length)}`, 10, 10), "unsatisfiable");
  assert.deepEqual(parseRanges(`bytes= 1 - 2${" ".repeat(length)}`, 10, 10), [{ start: 1, end: 3 }]);
});

test("a host name of dots among masks of a map", () => {
  const table = new MapTable<string>();
  table.add("*.example.com", "head", true);
  table.add("www.example.*", "tail", true);
  assert.equal(
    table.find(".".repeat(length), () => false),
    undefined,
  );
  assert.equal(
    table.find(`${"a.".repeat(length)}example.com`, () => false),
    "head",
  );
  assert.equal(
    table.find(`www.example.${"a.".repeat(length)}`, () => false),
    "tail",
  );
});

test("a host name of dots among masks of servers", () => {
  const server = (...names: ServerName[]): VirtualServer => ({ names }) as unknown as VirtualServer;
  const head = server({ kind: "head", text: ".example.com", bare: true });
  const tail = server({ kind: "tail", text: "www.example." });
  const fallback = server();
  const choice = new ServerChoice([head, tail, fallback], fallback, () => undefined);
  assert.equal(choice.find(".".repeat(length), null), fallback);
  assert.equal(choice.find(`${"a.".repeat(length)}example.com`, null), head);
  assert.equal(choice.find(`www.example.${"a.".repeat(length)}`, null), tail);
});

test("spaces inside a cookie that a server sets", () => {
  const value = `a${" ".repeat(length)}b`;
  assert.equal(parseCookie(`x=${value}`)?.value, value);
});

test("a string that is replaced all over, beside many that are not there", () => {
  let written = 0;
  const texts = ["ab", ...Array.from({ length: 100 }, (_, index) => `zz${index}`)];
  const filter = new SubstitutionFilter(
    texts.map((text) => ({ text, replacement: () => Buffer.from("c") })),
    false,
    {
      write: (bytes: Buffer) => {
        written += bytes.length;
        return true;
      },
      flush: () => undefined,
      end: () => undefined,
      fail: () => undefined,
    },
  );
  filter.write(Buffer.from("ab".repeat(length / 2)));
  filter.end();
  assert.equal(written, length / 2);
});
