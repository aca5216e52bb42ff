import { rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { askForOutcome, outcomeIn } from "../runtime/reload-file.ts";
import { tell } from "./console.ts";
import { isRunning, runningProcess, signalProcess } from "./signal.ts";

const lookEveryMs = 20;
/** In which a process that can tell the outcome says that it has the signal; nginx never does. */
const takenLimitMs = 3000;
/** In which it has taken the configuration or refused it: binding alone may take it 2.5 s for each socket. */
const overLimitMs = 60_000;

/**
 * Has the running process read its configuration again, and tells why it does not use it. Returns the exit
 * code: as with nginx, 0 says no more than that the signal was sent where the outcome is not known.
 */
export async function reload(pidFile: string): Promise<number> {
  const pid = runningProcess(pidFile);
  if (pid === null) return 1;
  const file = isRunning(pid) ? ask(pidFile, pid) : null;
  try {
    const code = signalProcess("reload", pid);
    return code === 0 && file !== null ? await outcome(file, pid) : code;
  } finally {
    if (file !== null) rmSync(file, { force: true });
  }
}

function ask(pidFile: string, pid: number): string | null {
  try {
    return askForOutcome(pidFile, pid);
  } catch {
    tell(`[notice] whether process ${pid} uses the configuration is told in its error log only`);
    return null;
  }
}

async function outcome(file: string, pid: number): Promise<number> {
  for (let waitedMs = 0; waitedMs < overLimitMs; waitedMs += lookEveryMs) {
    const answer = outcomeIn(file);
    if (answer?.kind === "over") {
      for (const line of answer.failures) tell(`[emerg] ${line}`);
      return answer.failures.length === 0 ? 0 : 1;
    }
    if (!isRunning(pid)) {
      tell(`[emerg] process ${pid} has ended`);
      return 1;
    }
    if (answer === null && waitedMs >= takenLimitMs) {
      tell(`[notice] process ${pid} does not tell whether it uses the configuration: see its error log`);
      return 0;
    }
    await pause(lookEveryMs);
  }
  tell(`[warn] process ${pid} still has not taken the configuration: see its error log`);
  return 0;
}
