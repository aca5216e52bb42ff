import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ArgumentRule, Context, DirectiveSpec } from "./module.ts";
import { testReading, testScope } from "./test-reading.ts";
import type { TestReading } from "./test-reading.ts";

/** Words of the directives that were applied, in order. */
type Applied = string[];

function reading(files: Readonly<Record<string, string>> = {}): { applied: Applied; reading: TestReading } {
  const applied: Applied = [];
  const spec = (name: string, contexts: Context[], args: ArgumentRule): DirectiveSpec => ({
    name,
    contexts,
    args,
    default: null,
    doc: "",
    set: (scope, directive) => void applied.push([scope.context, name, ...directive.args].join(" ")),
  });
  const block = (name: string, contexts: Context[], inner: Context): DirectiveSpec => ({
    ...spec(name, contexts, "0,1"),
    block: true,
    async set(scope, directive) {
      applied.push(name);
      await scope.cycle.walk(directive.block!, testScope(scope.cycle, inner, scope));
      if (directive.args[0] === "empty") scope.fail("nothing in here");
    },
  });
  const specs: DirectiveSpec[] = [
    block("server", ["http"], "server"),
    block("upstream", ["http"], "upstream"),
    spec("server", ["upstream"], "1+"),
    ...(["flag", "1", "2", "1,2", "2,3", "0+", "1+", "2+", "0"] as const).map((rule) =>
      spec(`takes_${rule}`, ["http", "server"], rule),
    ),
    spec("twice", ["http"], "0"),
    spec("twice", ["http"], "2"),
    {
      ...spec("types", ["http"], "0"),
      block: true,
      set(scope, { block: entries }) {
        return scope.cycle.entries(entries!, scope, (entry) => {
          applied.push(`${entry.name}=${entry.args.join(",")}`);
          if (entry.args.length === 0) scope.fail("no arguments");
        });
      },
    },
  ];
  return { applied, reading: testReading(specs, { files }) };
}

const COMPLAINTS: readonly [string, string][] = [
  ["nope;", 'unknown directive "nope" in f:1'],
  ["takes_0;\n'' a;", 'unknown directive "" in f:2'],
  ["upstream u { upstream v { } }", '"upstream" directive is not allowed here in f:1'],
  ["takes_1 { }", 'directive "takes_1" is not terminated by ";" in f:1'],
  ["server;", 'directive "server" has no opening "{" in f:1'],
  ["server a b { }", 'invalid number of arguments in "server" directive in f:1'],
  ["nope { ; }", 'unknown directive "nope" in f:1'],
  ["server {\n takes_0;\n ;\n}", 'unexpected ";" in f:3'],
  ["server { takes_0;\n", 'unexpected end of file, expecting "}" in f:2'],
  ["server empty {\n\n}", "nothing in here in f:3"],
  ["types { a; }", "no arguments in f:1"],
  ["types { a b { } }", 'unexpected "{" in f:1'],
  ["types {\n a b;\n", 'unexpected end of file, expecting "}" in f:3'],
  ["include;", 'invalid number of arguments in "include" directive in f:1'],
  ["include a { }", 'directive "include" is not terminated by ";" in f:1'],
];

describe("what does not fit is refused in nginx's words", () => {
  for (const [text, expected] of COMPLAINTS) {
    test(JSON.stringify(text), async () => assert.equal(await reading().reading.read(text), expected));
  }
});

const COUNTS: readonly [ArgumentRule, number[]][] = [
  ["0", [0]],
  ["1", [1]],
  ["flag", [1]],
  ["2", [2]],
  ["1,2", [1, 2]],
  ["2,3", [2, 3]],
  ["1+", [1, 2, 3, 4, 12]],
  ["0+", [0, 1, 2, 3, 4, 12]],
  ["2+", [2, 3, 4, 12]],
];

describe("the number of arguments is checked", () => {
  for (const [rule, accepted] of COUNTS) {
    test(rule, async () => {
      const complaint = `invalid number of arguments in "takes_${rule}" directive in f:1`;
      for (const count of [0, 1, 2, 3, 4, 12]) {
        const text = `takes_${rule} ${"on ".repeat(count)};`;
        assert.equal(await reading().reading.read(text), accepted.includes(count) ? "ok" : complaint, text);
      }
    });
  }
});

test("a name that several modules have means what its context says", async () => {
  const { applied, reading: it } = reading();
  assert.equal(await it.read("upstream u { server a; } server { takes_0; }"), "ok");
  assert.deepEqual(applied, ["upstream", "upstream server a", "server", "server takes_0"]);
});

test("of two specs for one name and context the first counts", async () => {
  assert.equal(await reading().reading.read("twice;"), "ok");
  assert.match(await reading().reading.read("twice a b;"), /invalid number of arguments/);
});

test("what stands before an error is applied first", async () => {
  const { applied, reading: it } = reading();
  await it.read("takes_0; server { takes_1 a; } takes_1 b; ;");
  assert.deepEqual(applied, ["http takes_0", "server", "server takes_1 a", "http takes_1 b"]);
});

describe("include", () => {
  test("applies a file in the including context; relative names begin in the conf directory", async () => {
    const { applied, reading: it } = reading({ "/conf/a": "takes_1 a; include /b;", "/b": "takes_1 b;" });
    assert.equal(await it.read("include a; server { include /b; }"), "ok");
    assert.deepEqual(applied, ["http takes_1 a", "http takes_1 b", "server", "server takes_1 b"]);
  });

  test("a pattern may match many files or none", async () => {
    const { applied, reading: it } = reading({ "/conf/d/1.x": "takes_1 1;", "/conf/d/2.x": "takes_1 2;" });
    assert.equal(await it.read("include d/*.x; include none/*.x;"), "ok");
    assert.deepEqual(applied, ["http takes_1 1", "http takes_1 2"]);
  });

  test("errors name the included file, but a missing file the including one", async () => {
    const files = { "/conf/a": "\nnope;", "/conf/b": "takes_0;\n}", "/conf/c": "server {" };
    const { reading: it } = reading(files);
    assert.equal(await it.read("include a;"), 'unknown directive "nope" in /conf/a:2');
    assert.equal(await it.read("include b;"), 'unexpected "}" in /conf/b:2');
    assert.equal(await it.read("include c;"), 'unexpected end of file, expecting "}" in /conf/c:1');
    assert.equal(
      await it.read("\ninclude d;"),
      'open() "/conf/d" failed (2: No such file or directory) in f:2',
    );
  });

  test("a circle ends", async () => {
    const { reading: it } = reading({ "/conf/a": "include a;" });
    assert.equal(
      await it.read("include a;"),
      'open() "/conf/a" failed (24: Too many open files) in /conf/a:1',
    );
  });

  test("works where names are data", async () => {
    const { applied, reading: it } = reading({ "/conf/mime": "text/html html;" });
    assert.equal(await it.read("types { include mime; a b c; }"), "ok");
    assert.deepEqual(applied, ["text/html=html", "a=b,c"]);
  });
});
