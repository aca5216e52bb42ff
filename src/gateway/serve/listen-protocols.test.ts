import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ListenProtocols } from "./listen-protocols.ts";

const nothing = 0;
const proxy = 1;
const ssl = 2;

/** Which of the directives behind the first are warned of. */
function warnings(first: number, ...others: (number | [number, "socket options"])[]): boolean[] {
  const protocols = new ListenProtocols(first);
  let had = false;
  return others.map((other) => {
    const [options, has] = typeof other === "number" ? [other, false] : [other[0], true];
    const warned = protocols.add(options, has, had);
    had ||= has;
    return warned;
  });
}

describe("ListenProtocols", () => {
  it("is silent where all say the same, or the first alone says more", () => {
    assert.deepEqual(warnings(proxy, proxy, proxy), [false, false]);
    assert.deepEqual(warnings(proxy, nothing, nothing), [false, false]);
    assert.deepEqual(warnings(ssl | proxy, ssl, ssl), [false, false]);
  });

  it("is silent where one that comes later says more, and the others agree", () => {
    assert.deepEqual(warnings(nothing, proxy, nothing), [false, false]);
    assert.deepEqual(warnings(nothing, nothing, ssl | proxy, nothing), [false, false, false]);
  });

  it("warns where two say more", () => {
    assert.deepEqual(warnings(nothing, proxy, ssl), [false, true]);
    assert.deepEqual(warnings(nothing, proxy, proxy), [false, true]);
  });

  it("warns where each says something else", () => {
    assert.deepEqual(warnings(proxy, ssl), [true]);
    assert.deepEqual(warnings(proxy, nothing, proxy), [false, true]);
  });

  it("warns where the directive with the socket's options is not the one that says more", () => {
    assert.deepEqual(warnings(proxy, [nothing, "socket options"]), [true]);
    assert.deepEqual(warnings(nothing, [nothing, "socket options"], proxy), [false, true]);
    assert.deepEqual(warnings(nothing, [proxy, "socket options"], nothing), [false, false]);
  });
});
