import type { StepRule } from "./step.ts";
import { lineMatches } from "./text.ts";
import { failCase, poll, type World } from "./world.ts";

/** "2026/11/22 13:24:00 [error] 123#123: *1 ", whose numbers say nothing about the outcome. */
const ERROR_LINE = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[(\w+)\] \d+#\d+: (?:\*\d+ )?([^\n]*)$/;

/** Lines that look at what was logged since the case began. */
export const LOG_STEPS: readonly StepRule[] = [
  {
    pattern: /^log (\S+): (.+)$/,
    async run(world, [name = "", line = ""]) {
      await requireLines(world, name, [line]);
    },
  },
  {
    pattern: /^log (\S+):$/,
    async run(world, [name = ""], below) {
      await requireLines(world, name, below);
    },
  },
  {
    pattern: /^no log (\S+) ~ (.+)$/,
    run(world, [name = "", pattern = ""]) {
      const line = world.newLogLines(name).find((candidate) => new RegExp(pattern).test(candidate));
      if (line !== undefined) failCase(`logged in ${name}: ${line}`);
    },
  },
  {
    pattern: /^error \[(\w+)\](?: in (\S+\.log))? (.+)$/,
    async run(world, [level = "", file = "", text = ""]) {
      const name = file === "" ? "error.log" : file;
      const found = await poll(
        () => (errorLines(world, name).some(matcher(level, text)) ? true : undefined),
        3000,
      );
      if (found === null) failCase(`not among the lines of ${name}:\n${world.newLogLines(name).join("\n")}`);
    },
  },
];

interface ErrorLine {
  readonly level: string;
  readonly text: string;
}

function matcher(level: string, text: string): (line: ErrorLine) => boolean {
  return (line) => line.level === level && lineMatches(text, line.text);
}

function errorLines(world: World, name: string): ErrorLine[] {
  return world.newLogLines(name).flatMap((line) => {
    const match = ERROR_LINE.exec(line);
    return match === null ? [] : [{ level: match[1] ?? "", text: match[2] ?? "" }];
  });
}

/** All lines have to come, in this order; lines between them are somebody else's. */
async function requireLines(world: World, name: string, lines: readonly string[]): Promise<void> {
  const found = await poll(() => {
    let next = 0;
    for (const line of world.newLogLines(name)) {
      const wanted = lines[next];
      if (wanted !== undefined && lineMatches(wanted, line)) next++;
    }
    return next === lines.length ? true : undefined;
  }, 3000);
  if (found === null) failCase(`the new lines of ${name} are:\n${world.newLogLines(name).join("\n")}`);
}
