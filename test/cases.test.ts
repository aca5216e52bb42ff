import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import type { Against, Outcome } from "./case-runner/group.ts";
import { nginxPath } from "./case-runner/program.ts";
import { loadCaseFiles, Suite } from "./case-runner/suite.ts";

const files = loadCaseFiles();
const runtime = process.versions.bun === undefined ? "node" : "bun";
const timeout = 120_000;

function register(against: Against): void {
  const suite = new Suite(files, against);
  for (const file of files) {
    describe(`${against.program} ${file.name}`, () => {
      for (const testCase of file.cases) {
        test(testCase.title, { timeout }, async (t: TestContext) => {
          const outcome: Outcome = await suite.outcome(testCase);
          if (outcome.kind === "skip") t.skip(outcome.why);
          if (outcome.kind === "fail") {
            assert.fail(`test/cases/${file.name}.case:${testCase.line}\n${outcome.why}`);
          }
        });
      }
    });
  }
}

register({ program: "longhaul", runtime });

if (nginxPath() === null) {
  const why = "NGINX IS NOT INSTALLED: the cases were not checked against it (apt-get install nginx-light)";
  test("nginx serves every case as expected", { skip: why }, () => {});
  console.warn(why);
} else {
  register({ program: "nginx", runtime });
}
