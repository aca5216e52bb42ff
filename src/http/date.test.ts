import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatCookieDate, formatHttpDate, parseHttpDate } from "./date.ts";

const EXAMPLE_MS = Date.UTC(1994, 10, 6, 8, 49, 37);

describe("HTTP dates", () => {
  it("are written as IMF-fixdate, to the second", () => {
    assert.equal(formatHttpDate(EXAMPLE_MS), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert.equal(formatHttpDate(EXAMPLE_MS + 999), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert.equal(formatHttpDate(EXAMPLE_MS + 1000), "Sun, 06 Nov 1994 08:49:38 GMT");
  });

  it("are written for cookies with a short year until 2037", () => {
    assert.equal(formatCookieDate(EXAMPLE_MS), "Sun, 06-Nov-94 08:49:37 GMT");
    assert.equal(formatCookieDate(Date.UTC(2038, 0, 1)), "Fri, 01-Jan-2038 00:00:00 GMT");
  });

  it("are read in all three forms", () => {
    assert.equal(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), EXAMPLE_MS);
    assert.equal(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), EXAMPLE_MS);
    assert.equal(parseHttpDate("Sun Nov  6 08:49:37 1994"), EXAMPLE_MS);
    assert.equal(parseHttpDate("x, 01-Jan-30 00:00:00"), Date.UTC(2030, 0, 1));
  });

  it("are refused when they are none", () => {
    const bad = [
      "",
      "x",
      "Sun, 06 Xxx 1994 08:49:37 GMT",
      "Sun, 31 Feb 2020 00:00:00 GMT",
      "Sun, 00 Jan 2020 00:00:00",
    ];
    const badTimes = [
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 06 Nov 1969 08:00:00 GMT",
    ];
    for (const text of [...bad, ...badTimes]) assert.equal(parseHttpDate(text), null, text);
  });

  it("are read as they were written", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4102444799 }), (second) => {
        assert.equal(parseHttpDate(formatHttpDate(second * 1000)), second * 1000);
      }),
    );
  });
});
