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

/** More is no process id; and 0 would be the whole group of whoever signals. */
const pidMax = 0x7fff_ffff;

/** Sends a signal to the process that a pid file names. Returns the exit code. */
export function sendSignal(name: SignalName, pidFile: string): number {
  const pid = runningProcess(pidFile);
  return pid === null ? 1 : signalProcess(name, pid);
}

/** Sends a signal. Returns the exit code: 1, and the reason is told, where it cannot be sent. */
export function signalProcess(name: SignalName, pid: number): number {
  try {
    process.kill(pid, SIGNALS[name]);
    return 0;
  } catch (error) {
    tell(`[alert] kill(${pid}, ${NUMBERS[name]}) failed ${describeErrno(error)}`);
    return 1;
  }
}

/** Whether there is a process of that id, whomever it belongs to. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's runs, too.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** The process that a pid file names; null, and told, when it names none. */
export function runningProcess(pidFile: string): number | null {
  const text = readPid(pidFile);
  if (text === null) return null;
  const pid = /^[0-9]+$/.test(text) ? Number(text) : 0;
  if (pid > 0 && pid <= pidMax) return pid;
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
