import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { escapeUri, normalizePath, unescapeUri } from "./uri.ts";

const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");

/** The printable ASCII characters that an escape of all bytes leaves alone. */
function kept(kind: "uri" | "args" | "uri-component" | "html"): string {
  return escapeUri(ALL_BYTES, kind).replace(/%[0-9A-F]{2}/g, "");
}

describe("escapeUri", () => {
  const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const sorted = (text: string): string => text.split("").sort().join("");

  it("leaves alone what each place takes", () => {
    assert.equal(sorted(kept("uri")), sorted(alphanumeric + "!$&'()*+,-./:;=@[]_~"));
    assert.equal(sorted(kept("args")), sorted(alphanumeric + "!$'()*,-./:=@[]_~"));
    assert.equal(sorted(kept("uri-component")), sorted(alphanumeric + "-._~"));
    assert.equal(sorted(kept("html")), sorted(alphanumeric + "!$&()*+,-./:;=?@[]_~"));
  });

  it("writes two capital digits per byte", () => {
    assert.equal(escapeUri("\u0000 \u00ff", "uri"), "%00%20%FF");
  });

  it("is undone by unescapeUri", () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(fc.array(byte), fc.constantFrom("uri", "args", "uri-component", "html"), (bytes, kind) => {
        assert.equal(unescapeUri(escapeUri(bytes.join(""), kind), "all"), bytes.join(""));
      }),
    );
  });
});

describe("unescapeUri", () => {
  it("decodes every escape", () => {
    assert.equal(unescapeUri("a%20b%3Fc?%41", "all"), "a b?c?A");
  });

  it("keeps for a redirect what has to stay escaped, and stops at the arguments", () => {
    const cases = {
      "a%20b": "a%20b",
      "%41": "A",
      "%3f%20": "?%20",
      "a?%41": "a?%41",
      "%25%2f": "%25/",
      "%7f%80%ff": "%7f%80%ff",
      "%00%01": "%00%01",
      "%3Fx%3F": "?x%3F",
    };
    for (const [text, expected] of Object.entries(cases))
      assert.equal(unescapeUri(text, "redirect"), expected, text);
  });

  it("takes broken escapes apart as nginx does", () => {
    const cases = { "%zz": "zz", "%4": "", "%4g%41": "A", "100%": "100", "%%41": "%41", "%e4%": "\u00e4" };
    for (const [text, expected] of Object.entries(cases))
      assert.equal(unescapeUri(text, "all"), expected, text);
  });
});

describe("normalizePath", () => {
  it("never leaves the root, a dot segment or, when merging, two slashes", () => {
    const piece = fc.constantFrom("/", "/", ".", "..", "a", "%2e", "%2F", "%41", "#");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const path = normalizePath("/" + pieces.join(""), true);
        if (path === null) return;
        assert.match(path, /^\//);
        assert.doesNotMatch(path, /\/\/|\/\.\.?(\/|$)/);
      }),
      { numRuns: 2000 },
    );
  });

  it("leaves a path alone that is normal", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,5}$/)), fc.boolean(), (segments, merge) => {
        const path = "/" + segments.join("/");
        assert.equal(normalizePath(path, merge), path);
      }),
    );
  });
});
