import { readFileSync } from "node:fs";
import type { SignalName } from "../config/command-line.ts";
import { describeErrno } from "../config/errors.ts";
import { tell } from "./console.ts";

const SIGNALS: Readonly<Record<SignalName, NodeJS.Signals>> = {
  stop: "SIGTERM",
  quit: "SIGQUIT",
  reopen: "SIGUSR1",
  reload: "SIGHUP",
};

/** nginx prints signals by number. */
const NUMBERS: Readonly<Record<SignalName, number>> = { stop: 15, quit: 3, reopen: 10, reload: 1 };

/** Sends a signal to the process that a pid file names. Returns the exit code. */
export function sendSignal(name: SignalName, pidFile: string): number {
  const pid = runningProcess(pidFile);
  if (pid === null) return 1;
  try {
    process.kill(pid, SIGNALS[name]);
    return 0;
  } catch (error) {
    tell(`[alert] kill(${pid}, ${NUMBERS[name]}) failed ${describeErrno(error)}`);
    return 1;
  }
}

/** The process that a pid file names; null, and told, when it names none. */
export function runningProcess(pidFile: string): number | null {
  const text = readPid(pidFile);
  if (text === null) return null;
  if (/^[0-9]+$/.test(text) && Number(text) !== 0) return Number(text);
  tell(`[error] invalid PID number "${text}" in "${pidFile}"`);
  return null;
}

function readPid(pidFile: string): string | null {
  try {
    return readFileSync(Buffer.from(pidFile, "latin1"), "latin1").trimEnd();
  } catch (error) {
    tell(`[error] open() "${pidFile}" failed ${describeErrno(error)}`);
    return null;
  }
}
