/** A new program in the place of a running one: by USR2, and by `--takeover`. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { isAlive } from "./operations/processes.ts";
import { pause, until } from "./operations/until.ts";
import { longhaul } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { asWhoeverTests } from "./support/user.ts";

const limitMs = 20_000;
const limit = { timeout: 60_000 };

let root: string;
let port: number;
const started = new Set<number>();

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "longhaul-upgrade-"));
  port = await freePort();
});

afterEach(async () => {
  for (const pid of started) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  started.clear();
  rmSync(root, { recursive: true });
});

function configure(workers: number, answer: string): void {
  const config = `${asWhoeverTests} worker_processes ${workers}; pid ${root}/pid; error_log ${root}/error.log notice; events {}
    http { access_log off; server { listen 127.0.0.1:${port}; listen unix:${root}/socket; return 200 ${answer}; } }`;
  writeFileSync(join(root, "nginx.conf"), config);
}

/** Its exit code and what it says. */
function run(...flags: string[]): { status: number | null; stderr: string } {
  const [program, ...before] = longhaul.command;
  const args = [...before, ...flags, "-p", `${root}/`, "-e", `${root}/error.log`];
  // The end of the pipe shows that a process in the background lets go of the terminal.
  const { status, stderr } = spawnSync(program!, args, {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: limitMs,
    encoding: "latin1",
  });
  return { status, stderr };
}

function pidIn(name: string): number | null {
  if (!existsSync(join(root, name))) return null;
  const pid = Number(readFileSync(join(root, name), "utf8")) || null;
  if (pid !== null) started.add(pid);
  return pid;
}

function start(workers: number): number {
  configure(workers, "old");
  const { status, stderr } = run();
  assert.equal(status, 0, stderr);
  return pidIn("pid")!;
}

function get(where: http.RequestOptions): Promise<string> {
  return new Promise((resolve) => {
    const request = http.get({ ...where, agent: false }, (response) => {
      response.setEncoding("latin1");
      response.once("data", resolve);
    });
    request.once("error", (error) => resolve(error.message));
  });
}

const overTcp = (): Promise<string> => get({ host: "127.0.0.1", port });
const overUnix = (): Promise<string> => get({ socketPath: join(root, "socket") });

/** Answers over both sockets, which must not be anything else than `expected`. */
async function assertAnswers(expected: readonly string[]): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all([overTcp(), overUnix()]);
    for (const answer of answers) assert.ok(expected.includes(answer), answer);
  }
}

async function successorOf(old: number): Promise<number> {
  return await until("the new process's pid file", limitMs, () => {
    const pid = pidIn("pid");
    return pid !== null && pid !== old ? pid : null;
  });
}

const gone = (pid: number): Promise<true> =>
  until(`the end of ${pid}`, limitMs, () => (isAlive(pid) ? null : true));

for (const workers of [1, 2]) {
  describe(`USR2 with ${workers} worker${workers === 1 ? "" : "s"}`, () => {
    test("both serve, then the one that is not told to quit", limit, async () => {
      const old = start(workers);
      configure(workers, "new");
      process.kill(old, "SIGUSR2");
      const fresh = await successorOf(old);
      assert.equal(pidIn("pid.oldbin"), old);
      await assertAnswers(["old", "new"]);
      process.kill(old, "SIGQUIT");
      await gone(old);
      assert.equal(pidIn("pid.oldbin"), null);
      await assertAnswers(["new"]);
      process.kill(fresh, "SIGQUIT");
      await gone(fresh);
      assert.equal(existsSync(join(root, "socket")), false);
      assert.equal(pidIn("pid"), null);
    });

    test("the old process takes over again after WINCH when the new one ends", limit, async () => {
      const old = start(workers);
      configure(workers, "new");
      process.kill(old, "SIGUSR2");
      const fresh = await successorOf(old);
      process.kill(old, "SIGWINCH");
      await until("answers of the new process only", limitMs, async () => {
        // While both accept, so many would hardly all come from one.
        const asked = Array.from({ length: 30 }, () => [overTcp(), overUnix()]).flat();
        return (await Promise.all(asked)).every((answer) => answer === "new") ? true : null;
      });
      await assertAnswers(["new"]);
      process.kill(fresh, "SIGKILL");
      await until("the pid file in its place", limitMs, () => (pidIn("pid") === old ? true : null));
      await until("an answer of the old process", limitMs, async () =>
        (await overUnix()) === "old" ? true : null,
      );
      await assertAnswers(["old"]);
      process.kill(old, "SIGQUIT");
      await gone(old);
    });
  });
}

test("a new process that cannot start leaves everything as it was", limit, async () => {
  const old = start(2);
  writeFileSync(join(root, "nginx.conf"), "nonsense;");
  process.kill(old, "SIGUSR2");
  const logged = (): string => readFileSync(join(root, "error.log"), "latin1");
  await until("the end of the new process", limitMs, () =>
    / new binary process \d+ exited with code 1/.test(logged()) ? true : null,
  );
  assert.equal(pidIn("pid"), old);
  assert.equal(pidIn("pid.oldbin"), null);
  await assertAnswers(["old"]);
  process.kill(old, "SIGQUIT");
  await gone(old);
});

describe("--takeover", () => {
  test("ends the running process when the new one serves, and lets its connections end", limit, async () => {
    const old = start(2);
    const held = net.connect(port, "127.0.0.1");
    held.write("GET / HTTP/1.1\r\n");
    await pause(100);
    configure(2, "new");
    const { status, stderr } = run("--takeover");
    assert.deepEqual([status, stderr], [0, ""]);
    const fresh = await successorOf(old);
    assert.ok(isAlive(old));
    const answered = new Promise<string>((resolve) => held.once("data", (data) => resolve(data.toString())));
    held.end("Host: a\r\n\r\n");
    assert.match(await answered, /old$/);
    await gone(old);
    await assertAnswers(["new"]);
    assert.equal(existsSync(join(root, "pid.takeover")), false);
    process.kill(fresh, "SIGQUIT");
    await gone(fresh);
  });

  test("says why when the configuration is bad, and when nobody runs", limit, async () => {
    configure(1, "old");
    const nobody = run("--takeover");
    assert.match(nobody.stderr, /open\(\) ".*pid" failed \(2: No such file or directory\)/);
    const old = start(1);
    writeFileSync(join(root, "nginx.conf"), `pid ${root}/pid; nonsense;`);
    const bad = run("--takeover");
    assert.deepEqual([nobody.status, bad.status], [1, 1]);
    assert.match(bad.stderr, /unknown directive "nonsense"/);
    await assertAnswers(["old"]);
    process.kill(old, "SIGQUIT");
    await gone(old);
  });

  test("says why when the new process cannot serve", limit, async () => {
    const old = start(1);
    const taken = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port: busy } = taken.address() as net.AddressInfo;
    const config = readFileSync(join(root, "nginx.conf"), "utf8");
    writeFileSync(
      join(root, "nginx.conf"),
      config.replace("listen unix", `listen 127.0.0.1:${busy}; listen unix`),
    );
    const { status, stderr } = run("--takeover");
    taken.close();
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`process ${old} goes on serving: the new process exited with code 1`));
    assert.equal(pidIn("pid"), old);
    await assertAnswers(["old"]);
    process.kill(old, "SIGQUIT");
    await gone(old);
  });
});
