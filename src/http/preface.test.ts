import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { HTTP2_PREFACE, matchHttp2Preface } from "./preface.ts";

describe("matchHttp2Preface", () => {
  it("is sure at the last byte, or at the first that differs", () => {
    for (let length = 0; length < HTTP2_PREFACE.length; length++) {
      assert.equal(matchHttp2Preface(HTTP2_PREFACE, 0, length), "partial");
    }
    const more = Buffer.concat([Buffer.from("--"), HTTP2_PREFACE, Buffer.from("--")]);
    assert.equal(matchHttp2Preface(more, 2, more.length), "yes");
    assert.equal(matchHttp2Preface(Buffer.from("POST"), 0, 4), "no");
    assert.equal(matchHttp2Preface(Buffer.from("PRI * HTTP/1.1"), 0, 14), "no");
  });
});
