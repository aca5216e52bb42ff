import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";

/** Debian names the program by its version. */
const programs = ["8.4", "8.3", "8.2", "8.1", "7.4"].map((version) => `/usr/sbin/php-fpm${version}`);

/** PHP's FastCGI process manager where it is installed, or null. */
export const phpFpm = programs.find((program) => existsSync(program)) ?? null;

/** PHP at work. */
export interface PhpPool {
  /** The socket that it listens on. */
  readonly socket: string;
  stop(): Promise<void>;
}

/** Starts two workers, with sessions in a directory of their own. @throws Error when they do not come up. */
export async function startPhp(program: string): Promise<PhpPool> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-php-"));
  const socket = path.join(directory, "php.sock");
  const asRoot = process.getuid?.() === 0;
  const config = `[global]
error_log = ${directory}/log
daemonize = no
[www]
${asRoot ? "user = root\ngroup = root\n" : ""}listen = ${socket}
pm = static
pm.max_children = 2
request_terminate_timeout = 1s
catch_workers_output = no
php_admin_value[session.save_path] = ${directory}
php_admin_value[upload_tmp_dir] = ${directory}
php_admin_value[upload_max_filesize] = 16M
php_admin_value[post_max_size] = 17M
php_admin_flag[log_errors] = on
`;
  await writeFile(path.join(directory, "fpm.conf"), config);
  const options = ["-n", "-F", ...(asRoot ? ["-R"] : []), "-y", path.join(directory, "fpm.conf")];
  const child = spawn(program, options, { stdio: "ignore" });
  const exited = once(child, "exit");
  // Should the test itself end early, PHP must not outlive it.
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  await accepts(socket);
  return {
    socket,
    async stop() {
      child.kill("SIGTERM");
      await exited;
      process.off("exit", killAtExit);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function accepts(socket: string): Promise<void> {
  for (let left = 100; left > 0; left--) {
    const connected = await new Promise<boolean>((resolve) => {
      const connection = net.connect(socket, () => {
        connection.destroy();
        resolve(true);
      });
      connection.once("error", () => resolve(false));
    });
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("php-fpm did not start");
}
