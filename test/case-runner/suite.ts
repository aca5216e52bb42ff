import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseCaseFile, type Case, type CaseFile } from "./case-file.ts";
import { runCaseFile, type Against, type Outcome } from "./group.ts";

const CASES = new URL("../cases/", import.meta.url).pathname;
/** Most of a case is waiting for timeouts; a few groups side by side keep two cores busy. */
const AT_ONCE = 4;

/** All case files below test/cases, by name. */
export function loadCaseFiles(): CaseFile[] {
  return readdirSync(CASES, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".case"))
    .sort()
    .map((path) => parseCaseFile(path.replace(/\.case$/, ""), readFileSync(join(CASES, path), "latin1")));
}

/** Outcomes that are still to come. The files start to run when the first outcome is asked for. */
export class Suite {
  readonly #files: readonly CaseFile[];
  readonly #against: Against;
  readonly #outcomes = new Map<Case, PromiseWithResolvers<Outcome>>();
  #started = false;

  constructor(files: readonly CaseFile[], against: Against) {
    this.#files = files;
    this.#against = against;
    for (const file of files) {
      for (const testCase of file.cases) this.#outcomes.set(testCase, Promise.withResolvers());
    }
  }

  async outcome(testCase: Case): Promise<Outcome> {
    this.#start();
    const outcome = this.#outcomes.get(testCase);
    if (outcome === undefined) throw new Error(`${testCase.title} is not in this suite`);
    return outcome.promise;
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const queue = [...this.#files];
    for (let i = 0; i < AT_ONCE; i++) void this.#work(queue);
  }

  async #work(queue: CaseFile[]): Promise<void> {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      await runCaseFile(file, this.#against, (testCase, outcome) => {
        this.#outcomes.get(testCase)?.resolve(outcome);
      });
    }
  }
}
