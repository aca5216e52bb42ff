import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCaseFile } from "./case-file.ts";

const TEXT = `# a comment
needs: unix

config:
    server { listen %PORT1%; }

    # kept: an nginx comment
file html/a.txt:
    a

link html/b.txt: a.txt

backend B1 answers:
    HTTP/1.1 200 OK

    body

case: first
    oracle differs: because
    GET /a
        X-A: b
    200

case: second
    needs: ipv6
    body = "x"
`;

test("sections become configuration, files, backends and cases", () => {
  const file = parseCaseFile("folder/name", TEXT);
  assert.deepEqual(file.needs, ["unix"]);
  assert.equal(file.config, "server { listen %PORT1%; }\n\n# kept: an nginx comment\n");
  assert.deepEqual(file.files, [{ path: "html/a.txt", content: "a\n" }]);
  assert.deepEqual(file.links, [{ path: "html/b.txt", target: "a.txt" }]);
  assert.deepEqual(file.backends[0]?.behaviour.below, ["HTTP/1.1 200 OK", "", "body"]);
  const [first, second] = file.cases;
  assert.equal(first?.oracleDiffers, "because");
  assert.deepEqual(
    first?.steps.map(({ line, text }) => [line, text]),
    [
      [20, "GET /a"],
      [22, "200"],
    ],
  );
  assert.deepEqual(second?.needs, ["ipv6"]);
});

test("an unknown step is refused with file and line", () => {
  assert.throws(() => parseCaseFile("f", "case: x\n    dance\n"), /^Error: f\.case:2: unknown step: dance$/);
});

test("an unknown section is refused", () => {
  assert.throws(() => parseCaseFile("f", "story: x\n"), /^Error: f\.case:1: unknown section/);
});

test("an odd indent is refused", () => {
  assert.throws(() => parseCaseFile("f", "case: x\n  GET /\n"), /indent by four spaces/);
});
