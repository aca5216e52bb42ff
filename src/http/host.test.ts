import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { validateHost } from "./host.ts";

describe("validateHost", () => {
  it("takes names and addresses, and parts them from their port", () => {
    const cases: Record<string, [string, number | null]> = {
      "Example.COM": ["example.com", null],
      "a:8080": ["a", 8080],
      "a:": ["a", null],
      "a.": ["a", null],
      "a.:80": ["a", 80],
      "[::1]:443": ["[::1]", 443],
      "[FE80::1]": ["[fe80::1]", null],
      "1.2.3.4:0": ["1.2.3.4", 0],
      "a:65535": ["a", 65535],
      "a_b~!$&'()*+,;=%41": ["a_b~!$&'()*+,;=%41", null],
    };
    for (const [value, [host, port]] of Object.entries(cases)) {
      assert.deepEqual(validateHost(value), { host, port }, value);
    }
  });

  it("refuses what RFC 3986 does not know", () => {
    const bad = [
      "",
      ".",
      "..",
      "a..b",
      ":80",
      "a/b",
      "a b",
      "u@a",
      "a?b",
      "a#b",
      "a:b",
      "a:1:2",
      "a:65536",
      "::1",
    ];
    const badLiterals = ["[", "[]x", "[::1", "[::1]x", "[::1]:x", "a[b]", 'a"b', "a\\b", "\u00e4", "a\u0000"];
    for (const value of [...bad, ...badLiterals]) assert.equal(validateHost(value), null, value);
  });
});
