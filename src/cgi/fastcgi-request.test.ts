import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Param } from "./param.ts";
import { paramsText, requestRecords as recordsOf } from "./fastcgi-request.ts";

/** Of parameters as they are. */
function requestRecords(params: readonly Param[], keeps: boolean): Buffer | null {
  return recordsOf(paramsText(params), keeps);
}

describe("requestRecords", () => {
  it("writes the beginning, the parameters in one record, and their end", () => {
    const bytes = requestRecords(
      [
        ["A", "bc"],
        ["D", ""],
      ],
      false,
    );
    assert.equal(
      bytes?.toString("latin1"),
      "\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0" +
        "\x01\x04\0\x01\0\x08\0\0\x01\x02Abc\x01\0D" +
        "\x01\x04\0\x01\0\0\0\0",
    );
  });

  it("asks the application to keep the connection", () => {
    assert.equal(requestRecords([], true)?.[10], 1);
  });

  it("writes no record of parameters where there are none but the last", () => {
    assert.equal(requestRecords([], false)?.length, 24);
  });

  it("pads to eight bytes", () => {
    const bytes = requestRecords([["A", "b"]], false)!;
    assert.equal(bytes[16 + 6], 4);
    assert.equal(bytes.toString("latin1", 24), "\x01\x01Ab\0\0\0\0\x01\x04\0\x01\0\0\0\0");
  });

  it("writes lengths from 128 on as four bytes", () => {
    const value = "v".repeat(128);
    const bytes = requestRecords([["N".repeat(127), value]], false)!;
    assert.equal(bytes.toString("latin1", 24, 30), "\x7f\x80\0\0\x80N");
    assert.equal(paramsText([["", value]]).length, 133);
    assert.equal(bytes.subarray(24 + 5 + 127, 24 + 5 + 127 + 128).toString("latin1"), value);
  });

  it("keeps bytes that are no ASCII", () => {
    assert.equal(
      requestRecords([["A", "\u00e4\0\u00ff"]], false)?.toString("latin1", 27, 30),
      "\u00e4\0\u00ff",
    );
  });

  it("writes what fits one record, and nothing that does not", () => {
    assert.equal(paramsText([["A", "v".repeat(65_529)]]).length, 65_535);
    assert.equal(requestRecords([["A", "v".repeat(65_529)]], false)?.length, 16 + 8 + 65_536 + 8);
    assert.equal(requestRecords([["A", "v".repeat(65_530)]], false), null);
  });
});
