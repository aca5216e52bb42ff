import assert from "node:assert/strict";
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isAlive } from "../operations/processes.ts";
import { until } from "../operations/until.ts";
import { freePort } from "./ports.ts";
import { runProgram } from "./program.ts";
import { asWhoeverTests } from "./user.ts";

const limitMs = 20_000;

/** What a program must be when it starts itself anew. */
export interface SuccessorScene {
  /** Prefix of its own; `nginx.conf` and the pid files are written there. */
  readonly directory: string;
  /** Starts the program with these flags, in the background. */
  readonly command: (...flags: string[]) => readonly string[];
  /** Called while the first process serves, before it is told to start another. */
  readonly beforehand?: () => void;
}

/**
 * Starts a program in the background and has it start itself anew by USR2; after WINCH only the new process
 * serves, after QUIT the old one is gone. Returns the executable of the new process.
 */
export async function upgradeByUsr2({ directory, command, beforehand }: SuccessorScene): Promise<string> {
  const port = await freePort();
  const started = new Set<number>();
  const pidIn = (name: string): number | null => {
    const pid = Number(textOf(path.join(directory, name))) || null;
    if (pid !== null) started.add(pid);
    return pid;
  };
  const answer = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: "close" } });
    return await response.text();
  };
  try {
    configure(directory, port, "old");
    const flags = ["-p", directory, "-c", path.join(directory, "nginx.conf")];
    const { code, output } = await runProgram(command(...flags), { cwd: directory });
    assert.equal(code, 0, output);
    const old = await until("the pid file", limitMs, () => pidIn("pid"));
    assert.equal(await answer(), "old");
    beforehand?.();
    configure(directory, port, "new");
    process.kill(old, "SIGUSR2");
    const fresh = await until("the new process's pid file", limitMs, () => {
      const pid = pidIn("pid");
      return pid === old ? null : pid;
    });
    assert.equal(pidIn("pid.oldbin"), old);
    process.kill(old, "SIGWINCH");
    await until("answers of the new process only", limitMs, async () => {
      const answers = await Promise.all(Array.from({ length: 30 }, answer));
      return answers.every((each) => each === "new") ? true : null;
    });
    const executable = readlinkSync(`/proc/${fresh}/exe`);
    process.kill(old, "SIGQUIT");
    await until("the end of the old process", limitMs, () => (isAlive(old) ? null : true));
    assert.equal(await answer(), "new");
    process.kill(fresh, "SIGQUIT");
    await until("the end of the new process", limitMs, () => (isAlive(fresh) ? null : true));
    return executable;
  } catch (error) {
    throw new Error(`${String(error)}\n${textOf(path.join(directory, "error.log"))}`, { cause: error });
  } finally {
    for (const pid of started) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
}

function configure(directory: string, port: number, answer: string): void {
  const config = `${asWhoeverTests} worker_processes 2; pid ${directory}/pid; error_log ${directory}/error.log notice;
    events {} http { access_log off; server { listen 127.0.0.1:${port}; return 200 ${answer}; } }`;
  writeFileSync(path.join(directory, "nginx.conf"), config);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}
