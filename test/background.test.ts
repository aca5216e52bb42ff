/** A process that goes to the background: what the terminal learns. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { isAlive } from "./operations/processes.ts";
import { until } from "./operations/until.ts";
import { products } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { asWhoeverTests } from "./support/user.ts";

function textOf(file: string): string {
  return existsSync(file) ? readFileSync(file, "latin1") : "";
}

const limitMs = 20_000;
const env = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };

for (const product of products()) {
  describe(`${product.name} in the background`, () => {
    let root: string;

    beforeEach(() => {
      root = mkdtempSync(join(tmpdir(), "longhaul-background-"));
      mkdirSync(join(root, "logs"));
    });

    afterEach(() => {
      const pid = pidOf();
      if (pid !== null && isAlive(pid)) process.kill(pid, "SIGKILL");
      rmSync(root, { recursive: true });
    });

    const pidOf = (): number | null => {
      const file = join(root, "pid");
      return existsSync(file) ? Number(readFileSync(file, "latin1")) : null;
    };

    /** Ends only when nobody has the pipe any more: the process in the background has let go of it. */
    const run = (listen: string, ...flags: string[]): { status: number | null; stderr: string } => {
      writeFileSync(
        join(root, "nginx.conf"),
        `${asWhoeverTests} events {} http { access_log off; server { listen 127.0.0.1:${listen}; return 200 here; } }`,
      );
      const [program, ...before] = product.command;
      const all = [...before, "-p", root, "-c", join(root, "nginx.conf"), ...flags];
      const stdio: ["ignore", "pipe", "pipe"] = ["ignore", "pipe", "pipe"];
      const { status, stdout, stderr } = spawnSync(program!, all, {
        env,
        stdio,
        timeout: limitMs,
        encoding: "latin1",
      });
      said = stdout;
      return { status, stderr };
    };
    let said = "";

    test("serves when the command returns, and leaves the terminal alone", async () => {
      const port = await freePort();
      const globals = `pid ${root}/pid; error_log ${root}/error.log notice;`;
      assert.deepEqual(run(String(port), "-g", globals), { status: 0, stderr: "" });
      assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "here");
      const pid = await until("the pid file", limitMs, pidOf);
      const stop = `"longhaul -s quit -p ${root}/ -c ${root}/nginx.conf" ends it`;
      const begun = `longhaul: process ${pid} serves in the background, listening on 127.0.0.1:${port}; ${stop}\n`;
      assert.equal(said, product.name === "nginx" ? "" : begun);
      process.kill(pid, "SIGQUIT");
      await until("its end", limitMs, () => (isAlive(pid) ? null : true));
      assert.equal(pidOf(), null);
    });

    test("moves its pid file when a reload names another one, if it can", async () => {
      const port = await freePort();
      const globals = `error_log ${root}/error.log notice;`;
      const configure = (pid: string): void => writeFileSync(join(root, "pid.conf"), `pid ${pid};`);
      const main = "include pid.conf;";
      configure(`${root}/pid`);
      assert.deepEqual(run(String(port), "-g", globals + main), { status: 0, stderr: "" });
      const pid = await until("the pid file", limitMs, pidOf);
      const logged = (pattern: RegExp): Promise<true> =>
        until(String(pattern), limitMs, () => (pattern.test(textOf(join(root, "error.log"))) ? true : null));
      configure("/nonexistent/pid");
      process.kill(pid, "SIGHUP");
      await logged(/\[emerg\] .*open\(\) "\/nonexistent\/pid" failed \(2: No such file or directory\)/);
      assert.equal(pidOf(), pid);
      configure(`${root}/pid2`);
      process.kill(pid, "SIGHUP");
      await until("the new pid file only", limitMs, () => {
        return textOf(join(root, "pid2")) === `${pid}\n` && pidOf() === null ? true : null;
      });
      process.kill(pid, "SIGTERM");
      await until("its end", limitMs, () => (isAlive(pid) ? null : true));
      assert.equal(existsSync(join(root, "pid2")), false);
    });

    // nginx takes the file away that it has just written.
    const isNginx = product.name === "nginx";
    test("keeps its pid file when a reload names it another way", { skip: isNginx }, async () => {
      const configure = (pid: string): void => writeFileSync(join(root, "pid.conf"), `pid ${pid};`);
      symlinkSync(root, join(root, "alias"));
      configure(`${root}/pid`);
      const main = `error_log ${root}/error.log notice; include pid.conf;`;
      assert.deepEqual(run(String(await freePort()), "-g", main), { status: 0, stderr: "" });
      const pid = await until("the pid file", limitMs, pidOf);
      configure(`${root}/alias/pid`);
      process.kill(pid, "SIGHUP");
      await until("the reload", limitMs, () => {
        const log = textOf(join(root, "error.log"));
        return (
          /: reconfiguring\n[^]*: reconfigured: 1 worker follows the new configuration\n/.test(log) || null
        );
      });
      assert.equal(pidOf(), pid);
      process.kill(pid, "SIGTERM");
      await until("its end", limitMs, () => (isAlive(pid) ? null : true));
      assert.equal(pidOf(), null);
    });

    test("tells on the terminal, and in its log, why it does not serve", async (t) => {
      const other = net.createServer().listen(0, "127.0.0.1");
      t.after(() => other.close());
      await new Promise((resolve) => other.once("listening", resolve));
      const { port: busy } = other.address() as net.AddressInfo;
      const { status, stderr } = run(String(busy), "-g", `pid ${root}/pid; error_log ${root}/error.log;`);
      const log = readFileSync(join(root, "error.log"), "latin1");
      const reason = `bind() to 127.0.0.1:${busy} failed (98: `;
      for (const text of [stderr, log]) {
        const lines = text.split("\n").filter((line) => line.includes("[emerg]"));
        assert.equal(lines.filter((line) => line.includes(reason)).length, 5, text);
        assert.match(lines.at(-1)!, /still could not bind\(\)$/);
      }
      assert.equal(status, 1);
      assert.equal(pidOf(), null);
    });
  });
}
