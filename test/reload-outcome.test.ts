/** `-s reload` tells what became of it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { asWhoeverTests } from "./support/user.ts";

interface Outcome {
  readonly code: number | null;
  readonly stderr: string;
}

/** Nobody waits here in a blocking way: this process may be the one that is signalled. */
async function command(directory: string, ...flags: string[]): Promise<Outcome> {
  const [program, ...args] = longhaul.command;
  const globals = `pid ${directory}/gateway.pid; ${asWhoeverTests}`;
  const all = [...args, "-p", directory, "-e", "stderr", "-g", globals, ...flags];
  const child = spawn(program!, all, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.setEncoding("latin1").on("data", (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stderr };
}

for (const workers of [1, 2]) {
  describe(`-s reload with ${workers} worker${workers === 1 ? "" : "s"}`, () => {
    let gateway: Gateway;
    let port: number;

    const configOf = (more: string): string =>
      `worker_processes ${workers}; events {} http { access_log off; server { listen 127.0.0.1:${port}; ${more} } }`;
    const configure = (more: string): void =>
      writeFileSync(join(gateway.directory, "nginx.conf"), configOf(more));
    const reload = (): Promise<Outcome> => command(gateway.directory, "-s", "reload");
    const answer = async (): Promise<string> =>
      await (await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: "close" } })).text();

    before(async () => {
      port = await freePort();
      gateway = await startGateway(longhaul, { config: configOf("return 200 first;"), port });
    });

    after(() => gateway.stop());

    beforeEach(() => assert.deepEqual(leftOver(gateway.directory), []));

    test("returns when the new configuration serves", async () => {
      configure("return 200 second;");
      assert.deepEqual(await reload(), { code: 0, stderr: "" });
      assert.equal(await answer(), "second");
    });

    test("tells what is wrong with the configuration before anything is signalled", async () => {
      configure("nonsense;");
      const { code, stderr } = await reload();
      assert.equal(code, 1);
      assert.match(stderr, /^longhaul: \[emerg\] unknown directive "nonsense" in .*nginx\.conf:1\n$/);
      assert.doesNotMatch(gateway.log(), /nonsense/);
    });

    test("tells that a port cannot be had, and the old configuration stays", async (t) => {
      const other = net.createServer().listen(0, "127.0.0.1");
      t.after(() => other.close());
      await new Promise((resolve) => other.once("listening", resolve));
      const { port: busy } = other.address() as net.AddressInfo;
      configure(`listen 127.0.0.1:${busy}; return 200 third;`);
      const { code, stderr } = await reload();
      assert.deepEqual(stderr.split("\n"), [
        `longhaul: [emerg] bind() to 127.0.0.1:${busy} failed (98: Address already in use)`,
        "longhaul: [emerg] still could not bind()",
        "",
      ]);
      assert.equal(code, 1);
      assert.equal(await answer(), "second");
    });

    test("tells each of several what it asked", async () => {
      configure("return 200 fourth;");
      const outcomes = await Promise.all([reload(), reload(), reload()]);
      assert.deepEqual(
        outcomes,
        Array.from({ length: 3 }, () => ({ code: 0, stderr: "" })),
      );
      assert.equal(await answer(), "fourth");
    });

    test("takes away the file of one who did not wait for the answer", async () => {
      // More than a process id can be.
      writeFileSync(join(gateway.directory, "gateway.pid.reload-4194305"), '{"kind":"taken"}');
      assert.deepEqual(await reload(), { code: 0, stderr: "" });
    });
  });
}

describe("-s reload of a process that tells nothing", () => {
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "longhaul-reload-"));
    writeFileSync(join(directory, "nginx.conf"), "events {}");
  });

  after(() => rmSync(directory, { recursive: true }));

  const signalled = async (script: string): Promise<Outcome & { pid: number }> => {
    const child = spawn("/bin/sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    writeFileSync(join(directory, "gateway.pid"), `${child.pid}\n`);
    const outcome = await command(directory, "-s", "reload");
    child.kill("SIGKILL");
    return { ...outcome, pid: child.pid! };
  };

  test("sends the signal and says that the outcome is in the log", async () => {
    const { code, stderr, pid } = await signalled("trap : HUP; echo ready; while :; do sleep 0.1; done");
    const text = `process ${pid} does not tell whether it uses the configuration: see its error log`;
    assert.deepEqual([code, stderr], [0, `longhaul: [notice] ${text}\n`]);
    assert.deepEqual(leftOver(directory), []);
  });

  test("says that the process has ended of it", async () => {
    const { code, stderr, pid } = await signalled("echo ready; exec sleep 60");
    assert.deepEqual([code, stderr], [1, `longhaul: [emerg] process ${pid} has ended\n`]);
  });
});

function leftOver(directory: string): string[] {
  return readdirSync(directory).filter((name) => name.includes("reload-"));
}
