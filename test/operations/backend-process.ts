import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The server behind the gateway, in a process of its own. */
export class BackendProcess {
  readonly ports: Readonly<Record<string, number>>;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: Record<string, number>) {
    this.#child = child;
    this.ports = ports;
  }

  /** Starts one that listens on a port for each of the names. */
  static async start(names: readonly string[]): Promise<BackendProcess> {
    const script = fileURLToPath(new URL("./backend.ts", import.meta.url));
    const child = spawn(process.execPath, [script, names.join(",")], { stdio: ["pipe", "pipe", "inherit"] });
    const line = await new Promise<string>((resolve, reject) => {
      let text = "";
      child.once("exit", (code) => reject(new Error(`the backend ended with ${code}`)));
      child.stdout.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
        if (text.includes("\n")) resolve(text);
      });
    });
    return new BackendProcess(child, JSON.parse(line) as Record<string, number>);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode !== null) return;
    this.#child.stdin?.end();
    await ended;
  }
}
