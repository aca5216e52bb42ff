import { spawn } from "node:child_process";

/** Set for the process in the background, so that it does not go there again. */
const marker = "LONGHAUL_BACKGROUND";

/** True in the process that `goToBackground` has started. */
export function isBackground(): boolean {
  return process.env[marker] === "1";
}

/**
 * Starts this program again, detached from the terminal, and waits until it serves or has failed: a
 * runtime cannot fork. Resolves with the exit code for the process in the foreground.
 */
export async function goToBackground(): Promise<number> {
  const [, script = "", ...args] = process.argv;
  // A single-file executable is its own script, which has a name that only it understands.
  const own = script.startsWith("/$bunfs/") ? [] : [...process.execArgv, script];
  const child = spawn(process.execPath, [...own, ...args], {
    detached: true,
    env: { ...process.env, [marker]: "1" },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  return await new Promise<number>((resolve) => {
    child.once("error", () => resolve(1));
    child.once("exit", (code) => resolve(code ?? 1));
    child.once("message", () => {
      child.disconnect();
      child.unref();
      resolve(0);
    });
  });
}

/** Tells the process in the foreground that this one serves. */
export function reportReady(): void {
  if (!isBackground() || process.send === undefined) return;
  process.send("ready");
}
