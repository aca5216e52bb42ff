import { spawn, type ChildProcess } from "node:child_process";

/** A program that runs until it is told to end, with what it has written so far. */
export class Program {
  output = "";
  /** The exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly waiting = new Set<() => void>();

  constructor(command: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) {
    const [program, ...args] = command;
    // A process group of its own: what a launcher has started ends with it.
    this.child = spawn(program as string, args, {
      ...options,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exited = new Promise((resolve, reject) => {
      this.child.once("error", reject);
      this.child.once("close", (code) => {
        resolve(code);
        for (const look of this.waiting) look();
      });
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8");
      stream?.on("data", (chunk: string) => {
        this.output += chunk;
        for (const look of this.waiting) look();
      });
    }
    process.once("exit", () => this.signal("SIGKILL"));
  }

  /** The first match in the output, present or future. Rejects when the program ends without one. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match === null) return;
        this.waiting.delete(look);
        resolve(match);
      };
      this.waiting.add(look);
      look();
    });
    const ended = this.exited.then((code) => {
      throw new Error(`the program ended with ${code} and had printed:\n${this.output}`);
    });
    return await Promise.race([found, ended]);
  }

  /** Sends a signal to the program and all that it has started. */
  signal(name: NodeJS.Signals): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, name);
    } catch {
      // It has ended.
    }
  }
}

/** Runs a program to its end. */
export async function runProgram(
  command: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): Promise<{ code: number | null; output: string }> {
  const program = new Program(command, { env: process.env, ...options });
  const code = await program.exited;
  return { code, output: program.output };
}
