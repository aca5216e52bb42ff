import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { outcome, testReading } from "./test-reading.ts";
import { VariableRegistry, variableName } from "./variable-registry.ts";
import type { VariableHolder } from "./variables.ts";

const { scope } = testReading([]);

function holder(): VariableHolder {
  return { variableValues: [], captures: null };
}

test("a value is computed once per holder, a volatile one each time", () => {
  const variables = new VariableRegistry<VariableHolder>();
  let calls = 0;
  variables.add({ name: "kept", get: () => String(++calls) });
  variables.add({ name: "fresh", volatile: true, get: () => String(++calls) });
  const kept = variables.reader("kept", scope);
  const fresh = variables.reader("fresh", scope);
  variables.finish();
  const one = holder();
  assert.deepEqual([kept(one), kept(one), fresh(one), fresh(one), kept(holder())], ["1", "1", "2", "3", "4"]);
});

test("not found is kept as well", () => {
  const variables = new VariableRegistry<VariableHolder>();
  let calls = 0;
  variables.add({ name: "none", get: () => (calls++, null) });
  const read = variables.reader("none", scope);
  const one = holder();
  assert.deepEqual([read(one), read(one), calls], [null, null, 1]);
});

test("an assigned value is read as assigned, even of a volatile variable", () => {
  const variables = new VariableRegistry<VariableHolder>();
  variables.add({ name: "fresh", volatile: true, get: () => "computed" });
  const one = holder();
  one.variableValues[variables.indexOf("fresh", scope)] = "assigned";
  assert.equal(variables.reader("fresh", scope)(one), "assigned");
});

test("a name may be used before it is defined", () => {
  const variables = new VariableRegistry<VariableHolder>();
  const read = variables.reader("Later", scope);
  variables.define("later", scope, () => "here");
  variables.finish();
  assert.equal(read(holder()), "here");
});

test("the first name that is used but never defined is told", () => {
  const variables = new VariableRegistry<VariableHolder>();
  variables.reader("One", scope);
  variables.reader("two", scope);
  assert.equal(
    outcome(() => variables.finish()),
    'unknown "one" variable',
  );
});

test("families are found by their longest prefix, and exact names come before them", () => {
  const variables = new VariableRegistry<VariableHolder>();
  variables.add({ name: "http_", prefix: true, get: (_, rest) => `http:${rest}` });
  variables.add({ name: "http_x_", prefix: true, get: (_, rest) => `x:${rest}` });
  variables.add({ name: "http_host", get: () => "exact" });
  const read = ["http_foo", "http_x_foo", "http_host", "http_"].map((name) => variables.reader(name, scope));
  variables.finish();
  assert.deepEqual(
    read.map((reader) => reader(holder())),
    ["http:foo", "x:foo", "exact", "http:"],
  );
});

describe("defining", () => {
  test("a variable of a module cannot be taken unless it is changeable", () => {
    const variables = new VariableRegistry<VariableHolder>();
    variables.add({ name: "host", get: () => "h" });
    variables.add({ name: "args", changeable: true, get: () => "a" });
    const define = (name: string): string => outcome(() => variables.define(name, scope, () => "new"));
    assert.equal(define("Host"), 'the duplicate "Host" variable');
    assert.equal(define("args"), "ok");
    assert.equal(define("args"), "ok");
    assert.equal(define(""), 'invalid variable name "$"');
  });

  test("without a getter, as for set, what is there stays", () => {
    const variables = new VariableRegistry<VariableHolder>();
    variables.define("x", scope, () => "map");
    variables.define("x", scope, null);
    variables.define("y", scope, null);
    const [x, y] = [variables.reader("x", scope), variables.reader("y", scope)];
    variables.finish();
    assert.deepEqual([x(holder()), y(holder())], ["map", null]);
  });
});

test("a variable that is computed from itself is not found, and is told", () => {
  const cycles: string[] = [];
  const variables = new VariableRegistry<VariableHolder>((_, name) => cycles.push(name));
  const inner = variables.reader("b", scope);
  variables.define("a", scope, inner);
  const read = variables.reader("a", scope);
  variables.define("b", scope, read);
  assert.equal(read(holder()), null);
  assert.equal(cycles.length, 1);
});

test("named captures become variables, empty when their group took no part", () => {
  const variables = new VariableRegistry<VariableHolder>();
  const regex = variables.regex("^(?<user>\\w+)(-(?P<rest>.+))?$", false, scope);
  const [user, rest] = [variables.reader("user", scope), variables.reader("rest", scope)];
  variables.finish();
  const one = holder();
  assert.deepEqual([user(one), rest(one)], [null, null]);
  const two = holder();
  regex.assignNamed(two, regex.exec("bob")!);
  assert.deepEqual([user(two), rest(two)], ["bob", ""]);
});

test("an argument that must be a variable begins with a dollar", () => {
  assert.equal(variableName("$x", scope), "x");
  assert.equal(
    outcome(() => variableName("x", scope)),
    'invalid variable name "x"',
  );
});
