import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Privileges } from "./privileges.ts";

const variable = "LONGHAUL_USER";
after(() => delete process.env[variable]);

for (const text of ["", "nonsense", "null", "7", "[]", '{"name":"a"}', '{"name":"a","uid":"0","gid":0}']) {
  test(`a process whose starter says ${text || "nothing"} belongs to nobody else`, () => {
    process.env[variable] = text;
    assert.equal(new Privileges().user, null);
    assert.equal(process.env[variable], undefined, "what this process starts must not take it for its own");
  });
}

test("a process is not of another user because its starter says so", () => {
  process.env[variable] = JSON.stringify({ name: "other", uid: (process.geteuid?.() ?? 0) + 1, gid: 1 });
  assert.equal(new Privileges().user, null);
});
