import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, writeSync } from "node:fs";

/** Set for the process in the background, so that it does not go there again. */
const marker = "LONGHAUL_BACKGROUND";

const standardErrorFd = 2;

/** The terminal in the process in the background, until that serves; 3 is the channel to the foreground. */
const terminalFd = 4;

/** What starts a process. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** What a process tells of itself when it serves. */
export interface ServingReport {
  readonly pid: number;
  /** Addresses that it listens on, as its configuration has them; latin1. */
  readonly addresses: readonly string[];
}

/** How this process was started: read at once, since the executable may be replaced while it runs. */
export const ownProgram: Program = readOwnProgram();

function readOwnProgram(): Program {
  const [, script = "", ...args] = process.argv;
  // A single-file executable is its own script, which has a name that only it understands.
  const own = script.startsWith("/$bunfs/") ? [] : [...process.execArgv, script];
  return { file: process.execPath, args: [...own, ...args], cwd: process.cwd() };
}

/** True in the process that `goToBackground` has started. */
export function isBackground(): boolean {
  return process.env[marker] === "1";
}

/**
 * Starts this program again, detached from the terminal, and waits until it serves or has failed: a
 * runtime cannot fork. `standardError` is for what the runtime itself has to say there: as nginx does, the
 * terminal is let go of, so that whoever reads from it finds an end. `onServing` is told when it serves. Resolves
 * with the exit code for the process in the foreground.
 */
export async function goToBackground(
  standardError: number | "ignore",
  onServing: (report: ServingReport) => void,
): Promise<number> {
  const { file, args, cwd } = ownProgram;
  const child = spawn(file, args, {
    cwd,
    detached: true,
    env: { ...process.env, [marker]: "1" },
    stdio: ["ignore", "ignore", standardError, "ipc", standardErrorFd],
  });
  return await new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code ?? 1));
    child.once("message", (report) => {
      onServing(report as ServingReport);
      child.disconnect();
      child.unref();
      resolve(0);
    });
  });
}

/**
 * Starts a program in the background that takes this process's place: with these variables, and these
 * descriptors from 3 on.
 */
export function startSuccessor(
  { file, args, cwd }: Program,
  environment: NodeJS.ProcessEnv,
  descriptors: readonly number[],
): ChildProcess {
  return spawn(file, args, {
    cwd,
    env: { ...process.env, ...environment, [marker]: "1" },
    stdio: ["ignore", "ignore", "inherit", ...descriptors],
  });
}

/** Tells the process in the foreground that this one serves. */
export function reportReady(report: ServingReport): void {
  if (!isBackground() || process.send === undefined) return;
  process.send(report);
  closeSync(terminalFd);
}

/** Before this process serves. `text`: latin1. */
export function writeToTerminal(text: string): void {
  const hasOther = isBackground() && process.send !== undefined;
  try {
    writeSync(hasOther ? terminalFd : standardErrorFd, Buffer.from(text, "latin1"));
  } catch {
    // Nobody is there to read it.
  }
}
