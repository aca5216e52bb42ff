import type { Command, Report } from "../job.ts";

/** The load generator's side of the conversation with the runner. */
export class Control {
  #heard: Command[] = [];
  #waiting: (() => void) | null = null;

  constructor() {
    let text = "";
    process.stdin.setEncoding("latin1");
    process.stdin.on("data", (chunk: string) => {
      text += chunk;
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      this.#heard.push(...(lines as Command[]));
      this.#waiting?.();
    });
    // The runner is gone: nobody will ask for the result.
    process.stdin.on("end", () => process.exit(1));
  }

  report(report: Report): void {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }

  /** Resolves when the runner says `command`. */
  async hear(command: Command): Promise<void> {
    while (this.#heard[0] !== command) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
      this.#waiting = null;
    }
    this.#heard.shift();
  }

  fail(reason: string): never {
    this.report({ event: "failed", reason });
    process.exit(1);
  }
}

/**
 * The usual course of a job: a warm-up, then the measured stretch.
 * `stretch(seconds)` keeps the work going for that long, waits for what is under way, and tells how many units it was.
 */
export async function runStretches(
  control: Control,
  seconds: { readonly warmup: number; readonly measured: number },
  stretch: (seconds: number) => Promise<number>,
  facts: Partial<Report> = {},
): Promise<void> {
  if (seconds.warmup > 0) await stretch(seconds.warmup);
  control.report({ ...facts, event: "ready" });
  await control.hear("go");
  const begin = performance.now();
  const units = await stretch(seconds.measured);
  control.report({ event: "done", units, seconds: (performance.now() - begin) / 1000 });
  await control.hear("stop");
}
