import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compileValue, parseValue } from "./complex-value.ts";
import { outcome, testReading } from "./test-reading.ts";
import { VariableRegistry } from "./variable-registry.ts";
import type { VariableHolder } from "./variables.ts";

const { scope } = testReading([]);

function registry(): VariableRegistry<VariableHolder> {
  const variables = new VariableRegistry<VariableHolder>();
  variables.add({ name: "host", get: () => "example.com" });
  variables.add({ name: "missing", get: () => null });
  variables.add({ name: "http_", prefix: true, get: (_, rest) => `<${rest}>` });
  return variables;
}

function holder(): VariableHolder {
  return { variableValues: [], captures: /(b)(c)?/.exec("abd") };
}

const VALUES: readonly [string, string][] = [
  ["", ""],
  ["plain", "plain"],
  ["$host", "example.com"],
  ["${host}", "example.com"],
  ["$HOST", "example.com"],
  ["a$host", "aexample.com"],
  ["${host}b", "example.comb"],
  ["$host:80/$http_x_y-", "example.com:80/<x_y>-"],
  ["[$missing]", "[]"],
  ["$1", "b"],
  ["<$1$2$3>", "<b>"],
  ["$10", "b0"],
  ["a\\$host", "a\\example.com"],
];

describe("values are evaluated", () => {
  for (const [text, expected] of VALUES) {
    test(JSON.stringify(text), () => {
      const variables = registry();
      const value = compileValue(variables, text, scope);
      variables.finish();
      assert.equal(value.evaluate(holder()), expected);
      assert.equal(value.constant, text.includes("$") ? null : expected);
    });
  }
});

const MISTAKES: readonly [string, string][] = [
  ["$", "invalid variable name"],
  ["a$", "invalid variable name"],
  ["$$", "invalid variable name"],
  ["$-a", "invalid variable name"],
  ["${", "invalid variable name"],
  ["${}", "invalid variable name"],
  ["${-}", 'the closing bracket in "" variable is missing'],
  ["${host", 'the closing bracket in "host" variable is missing'],
  ["${host-x}", 'the closing bracket in "host" variable is missing'],
];

describe("mistakes are told in nginx's words", () => {
  for (const [text, message] of MISTAKES) {
    test(text, () =>
      assert.equal(
        outcome(() => compileValue(registry(), text, scope)),
        message,
      ),
    );
  }
});

test("the parts of a value put together again give the value", () => {
  const part = fc.oneof(
    fc.string().map((text) => text.replaceAll("$", "")),
    fc.constantFrom("$host", "${host}", "$1", "$9"),
  );
  fc.assert(
    fc.property(fc.array(part), (written) => {
      const text = written.join(" ");
      const again = parseValue(text, scope).map((each) => {
        if (each.kind === "text") return each.text;
        return each.kind === "capture" ? `$${each.group}` : `\${${each.name}}`;
      });
      assert.equal(again.join(""), text.replaceAll(/\$\{?(host)\}?/g, "${$1}"));
    }),
  );
});
