import { parseArgs } from "node:util";
import type { Case, CaseFile } from "./case-file.ts";
import type { Outcome } from "./group.ts";
import type { Runtime } from "./program.ts";
import { loadCaseFiles, Suite } from "./suite.ts";

/** Prints outcomes as they come; cases of one file that end alike are told once. */
class Printer {
  readonly counts = { pass: 0, fail: 0, skip: 0 };
  #last = "";
  #repeated = 0;

  case(file: CaseFile, testCase: Case, outcome: Outcome): void {
    this.counts[outcome.kind]++;
    if (outcome.kind === "pass") return;
    const text = `${file.name}${outcome.why}`;
    if (text === this.#last) {
      this.#repeated++;
      return;
    }
    this.flush();
    this.#last = text;
    const place = `test/cases/${file.name}.case:${testCase.line}`;
    if (outcome.kind === "skip") console.log(`skip ${place} ${testCase.title}: ${outcome.why}`);
    else console.log(`FAIL ${place} ${testCase.title}\n${outcome.why.replace(/^/gm, "     ")}`);
  }

  flush(): void {
    if (this.#repeated > 0) console.log(`     … and ${this.#repeated} more of this file likewise`);
    this.#repeated = 0;
  }
}

/** `node test/case-runner/run.ts --against nginx|longhaul [--runtime node|bun] [--list] [filter]` */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      against: { type: "string", default: "longhaul" },
      runtime: { type: "string", default: process.versions.bun === undefined ? "node" : "bun" },
      list: { type: "boolean", default: false },
    },
  });
  const files = filtered(loadCaseFiles(), positionals[0] ?? "");
  if (values.list) {
    for (const file of files) for (const { title } of file.cases) console.log(`${file.name}: ${title}`);
    return 0;
  }
  const runtime: Runtime = values.runtime === "bun" ? "bun" : "node";
  const program = values.against === "nginx" ? "nginx" : "longhaul";
  const suite = new Suite(files, { program, runtime });
  const printer = new Printer();
  const startedAt = performance.now();
  for (const file of files) {
    for (const testCase of file.cases) printer.case(file, testCase, await suite.outcome(testCase));
  }
  printer.flush();
  const { pass, fail, skip } = printer.counts;
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${program}: ${pass} passed, ${fail} failed, ${skip} skipped in ${seconds}s`);
  return fail === 0 ? 0 : 1;
}

function filtered(files: readonly CaseFile[], filter: string): CaseFile[] {
  return files
    .map((file) => ({
      ...file,
      cases: file.cases.filter(({ title }) => `${file.name}: ${title}`.includes(filter)),
    }))
    .filter(({ cases }) => cases.length > 0);
}

process.exitCode = await main();
