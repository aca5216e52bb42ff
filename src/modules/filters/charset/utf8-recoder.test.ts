import assert from "node:assert/strict";
import { test } from "node:test";
import { fromUtf8, toUtf8 } from "./utf8-recoder.ts";

const table = new Uint8Array(0x10000);
table[0x430] = 0xc1;
table[0x20ac] = 0x24;

function recoded(text: string, cut: number): string {
  const recode = fromUtf8(table);
  const bytes = Buffer.from(text, "latin1");
  const parts = [bytes.subarray(0, cut), bytes.subarray(cut)].map((part) => recode(part));
  return Buffer.concat(parts).toString("latin1");
}

const cases: readonly (readonly [name: string, text: string, expected: string])[] = [
  ["characters of the table", "a\xd0\xb0b\xe2\x82\xacc", "a\xc1b$c"],
  ["others, as references", "\xd0\xb1\xf0\x9f\x98\x80", "&#1073;&#128512;"],
  ["bytes that begin no character", "\x80\xc0\xc1\xf9\xff.", "?????."],
  ["characters that break off, with what breaks them", "\xd0A\xe2\x82B\xf0C..", "???.."],
  ["characters that are longer than they need be", "\xe0\x80\xaf\xf0\x80\x80\xaf.", "??."],
  ["code points beyond Unicode", "\xf7\xbf\xbf\xbf.", "?."],
  ["a character that never ends", "a\xd0", "a"],
];

for (const [name, text, expected] of cases) {
  test(`from UTF-8, wherever the text is cut: ${name}`, () => {
    for (let cut = 0; cut <= text.length; cut++) assert.equal(recoded(text, cut), expected);
  });
}

test("to UTF-8, a byte may become several", () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => Buffer.of(byte < 128 ? byte : 63));
  bytes[0xc1] = Buffer.from("d0b0", "hex");
  assert.equal(toUtf8(bytes)(Buffer.from("a\xc1\xff", "latin1")).toString("latin1"), "a\xd0\xb0?");
});
