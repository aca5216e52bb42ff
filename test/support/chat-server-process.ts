import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("./chat-server.ts", import.meta.url));

/** A server of `chat-server.ts`, which may die and come again. */
export class ChatServer {
  readonly name: string;
  readonly port: number;
  private child: ChildProcess | null = null;

  constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [script, String(this.port), this.name], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.child = child;
    await once(child.stdout, "data");
  }

  /** Sends a signal; resolves when the process is gone, where it goes by that. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const { child } = this;
    if (child === null) return;
    this.child = null;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  /** It does nothing any more until `thaw`. */
  freeze(): void {
    this.child!.kill("SIGSTOP");
  }

  thaw(): void {
    this.child!.kill("SIGCONT");
  }
}
