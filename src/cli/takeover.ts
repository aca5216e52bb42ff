import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { describeErrno } from "../config/errors.ts";
import { ownProgram } from "../runtime/background.ts";
import { readAnswer, removeRequest, writeRequest } from "../runtime/takeover-file.ts";
import { tell } from "./console.ts";
import { takeoverOption } from "./options.ts";
import { runningProcess } from "./signal.ts";

const lookEveryMs = 50;
/** In which a process that knows the request has taken it up. */
const answerLimitMs = 10_000;
/** In which the new process serves. */
const serveLimitMs = 60_000;

/**
 * Has the running process start this program in its place, and ends it gracefully when that serves.
 * Returns the exit code.
 */
export async function takeOverRunning(pidFile: string): Promise<number> {
  const old = runningProcess(pidFile);
  if (old === null) return 1;
  try {
    process.kill(old, 0);
    writeRequest(pidFile, old, {
      ...ownProgram,
      args: ownProgram.args.filter((arg) => arg !== takeoverOption),
    });
    process.kill(old, "SIGUSR2");
  } catch (error) {
    removeRequest(pidFile);
    tell(`[emerg] process ${old} cannot be asked to hand over ${describeErrno(error)}`);
    return 1;
  }
  const failure = await waitForSuccessor(pidFile, old);
  removeRequest(pidFile);
  if (failure === null) return 0;
  tell(`[emerg] process ${old} goes on serving: ${failure}`);
  return 1;
}

/** Returns why there is none, or null when it serves and the old process was told to end. */
async function waitForSuccessor(pidFile: string, old: number): Promise<string | null> {
  for (let waitedMs = 0; waitedMs < serveLimitMs; waitedMs += lookEveryMs) {
    const answer = readAnswer(pidFile);
    if (answer !== null && answer.failure !== null) return answer.failure;
    if (answer === null && waitedMs > answerLimitMs) return "it did not answer";
    const fresh = pidIn(pidFile);
    if (fresh !== null && fresh !== old) {
      process.kill(old, "SIGQUIT");
      return null;
    }
    await pause(lookEveryMs);
  }
  return "the new process does not serve";
}

function pidIn(pidFile: string): number | null {
  try {
    return Number(readFileSync(Buffer.from(pidFile, "latin1"), "latin1").trimEnd()) || null;
  } catch {
    return null;
  }
}
