import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scgiHead } from "./scgi-request.ts";
import { uwsgiBytes, uwsgiHead } from "./uwsgi-request.ts";

const plain = { modifier1: 0, modifier2: 0, string: "" };

describe("scgiHead", () => {
  it("is a netstring that begins with the length of the body", () => {
    const head = scgiHead(
      [
        ["SCGI", "1"],
        ["A", ""],
      ],
      27,
    );
    assert.equal(head.toString("latin1"), "28:CONTENT_LENGTH\0" + "27\0SCGI\0" + "1\0A\0\0,");
  });

  it("keeps bytes that are no ASCII, and counts them once", () => {
    assert.equal(
      scgiHead([["A", "\u00ff"]], 0).toString("latin1"),
      "21:CONTENT_LENGTH\0" + "0\0A\0\u00ff\0,",
    );
  });
});

describe("uwsgiHead", () => {
  it("is a packet of sizes and texts", () => {
    const head = uwsgiHead(
      [
        ["AB", "c"],
        ["D", ""],
      ],
      plain,
    );
    assert.equal(head?.toString("latin1"), "\0\x0c\0\0\x02\0AB\x01\0c\x01\0D\0\0");
  });

  it("tells its modifiers and its string", () => {
    const head = uwsgiHead([], { modifier1: 5, modifier2: 255, string: "xyz" });
    assert.equal(head?.toString("latin1"), "\x05\x03\0\u00ffxyz");
  });

  it("holds 65535 bytes, and no more", () => {
    const params = (length: number) => [["A", "v".repeat(length)]] as const;
    assert.equal(uwsgiBytes(params(65_530), plain), 65_535);
    assert.equal(uwsgiHead(params(65_530), plain)?.length, 65_539);
    assert.equal(uwsgiHead(params(65_531), plain), null);
  });
});
