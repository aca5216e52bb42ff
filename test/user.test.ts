/** Whom a process belongs to that root has started: `user`, its default, and what cannot be done afterwards. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { statSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { isAlive } from "./operations/processes.ts";
import { pause, until } from "./operations/until.ts";
import { longhaul, repository } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { Program, runProgram } from "./support/program.ts";

const nobody = 65534;
const limitMs = 20_000;
const limit = { timeout: 60_000 };
const isBun = process.versions.bun !== undefined;
/** What is logged once all serve. */
const serving = /\[notice\] .* longhaul\/\d/;
const isRoot = process.getuid?.() === 0;

interface Scene {
  /** Root's, and everybody may look into it. */
  readonly folder: string;
  readonly port: number;
}

let scene: Scene;
const running = new Set<Program>();

beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), "longhaul-user-"));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "logs"));
  scene = { folder, port: await freePort() };
});

afterEach(async () => {
  for (const program of running) {
    program.signal("SIGKILL");
    await program.exited;
  }
  running.clear();
  rmSync(scene.folder, { recursive: true });
});

function configure(main: string, servers = ""): void {
  const { folder, port } = scene;
  const text = `${main}
    daemon off; pid ${folder}/pid; error_log stderr notice;
    events {}
    http {
      access_log ${folder}/logs/access.log;
      client_body_temp_path ${folder}/body;
      server { listen 127.0.0.1:${port}; location / { root /; } ${servers} }
    }`;
  writeFileSync(join(folder, "nginx.conf"), text);
}

/** The command line, run by root. */
function command(...flags: string[]): string[] {
  const { folder } = scene;
  return [...longhaul.command, "-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr", ...flags];
}

/** Resolves when it serves. */
async function start(): Promise<{ program: Program; pid: number }> {
  const program = new Program(command(), { cwd: "/", env: process.env });
  running.add(program);
  await program.printed(serving);
  return { program, pid: Number(readFileSync(join(scene.folder, "pid"), "latin1")) };
}

async function status(path: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${scene.port}${path}`, { headers: { Connection: "close" } });
  await response.arrayBuffer();
  return response.status;
}

/** User, group and further groups of every thread of a process, each as it stands there. */
function identities(pid: number): Set<string> {
  const found = new Set<string>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${task}/status`, "latin1");
    const line = (name: string): string => new RegExp(`^${name}:\\s*(.*?)\\s*$`, "m").exec(text)?.[1] ?? "";
    found.add(
      `${line("Uid")} | ${line("Gid")} | ${line("Groups")} | ${line("CapEff")}`.replaceAll("\t", " "),
    );
  }
  return found;
}

function startedThreads(program: Program): number {
  return program.output.match(/start worker thread/g)?.length ?? 0;
}

/** Null where everybody may bind every port. */
async function freeLowPort(): Promise<number | null> {
  const first = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "latin1"));
  for (let port = 900; port < Math.min(first, 1000); port++) {
    const server = net.createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
  return null;
}

const asNobody = new Set(["65534 65534 65534 65534 | 65534 65534 65534 65534 | 65534 | 0000000000000000"]);

describe("user", { skip: isRoot ? false : "only root can become somebody else" }, () => {
  for (const [what, main] of [
    ["user nobody nogroup, one worker", "user nobody nogroup; worker_processes 1;"],
    ["user nobody nogroup, three workers", "user nobody nogroup; worker_processes 3;"],
    ["no user at all", "worker_processes 2;"],
  ] as const) {
    test(`${what}: every thread is nobody's, and what root alone may read is refused`, limit, async () => {
      configure(main);
      const { pid } = await start();
      assert.deepEqual(identities(pid), asNobody);
      assert.equal(await status("/etc/shadow"), 403);
      assert.equal(await status("/etc/passwd"), 200);
    });
  }

  test("unix sockets are root's, and everybody may connect to them", limit, async () => {
    const socketPath = join(scene.folder, "s.sock");
    configure("worker_processes 2;", `} server { listen unix:${socketPath}; return 204;`);
    const { pid } = await start();
    assert.deepEqual(identities(pid), asNobody);
    assert.equal(statSync(socketPath).mode & 0o777, 0o666);
    const socket = net.connect(socketPath);
    socket.end("GET / HTTP/1.0\r\n\r\n");
    let answer = "";
    for await (const bytes of socket) answer += String(bytes);
    assert.match(answer, /^HTTP\/1\.1 204 /);
  });

  test("user root: it stays root", limit, async () => {
    configure("user root;");
    const { pid } = await start();
    assert.match([...identities(pid)].join(), /^0 0 0 0 \| 0 0 0 0 \|/);
    assert.equal(await status("/etc/shadow"), 200);
  });

  test("threads that a reload adds are nobody's, too", limit, async () => {
    configure("worker_processes 2;");
    const { pid } = await start();
    configure("worker_processes 4;");
    const { code, output } = await runProgram(command("-s", "reload"), { cwd: "/" });
    assert.equal(code, 0, output);
    assert.deepEqual(identities(pid), asNobody);
  });

  test("a reload gives root's rights up, and cannot name somebody else after that", limit, async () => {
    configure("user root;");
    const { pid } = await start();
    configure("user nobody nogroup;");
    assert.equal((await runProgram(command("-s", "reload"), { cwd: "/" })).code, 0);
    assert.deepEqual(identities(pid), asNobody);
    configure("user www-data;");
    const { code, output } = await runProgram(command("-s", "reload"), { cwd: "/" });
    assert.equal(code, 1);
    assert.match(output, /\[emerg\] "user" cannot change from "nobody" to "www-data" without a restart/);
    assert.equal(await status("/etc/passwd"), 200);
  });

  test(
    "a reload that only root could do is refused with the reason, and the service goes on",
    limit,
    async () => {
      configure("");
      await start();
      const refused = async (pattern: RegExp): Promise<void> => {
        const { code, output } = await runProgram(command("-s", "reload"), { cwd: "/" });
        assert.equal(code, 1);
        assert.match(output, pattern);
        assert.match(
          output,
          /\[emerg\] the process belongs to user "nobody" now: what only root may read or bind/,
        );
        assert.equal(await status("/etc/passwd"), 200);
      };
      writeFileSync(join(scene.folder, "secret"), "", { mode: 0o600 });
      configure("", `include ${scene.folder}/secret;`);
      await refused(/\[emerg\] open\(\) ".*secret" failed \(13: Permission denied\)/);
      if (Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "latin1")) <= 81) return;
      configure("", "listen 127.0.0.1:81;");
      await refused(/\[emerg\] bind\(\) to 127.0.0.1:81 failed \(13: Permission denied\)/);
    },
  );

  test("logs and folders of bodies are the user's: both work after the change", limit, async () => {
    configure("", "location = /up { proxy_pass http://127.0.0.1:1; client_body_buffer_size 1k; }");
    const { folder } = scene;
    const log = join(folder, "logs/access.log");
    const { program, pid } = await start();
    assert.deepEqual([statSync(log).uid, statSync(join(folder, "body")).uid], [nobody, nobody]);
    // As logrotate does: another file of the same owner.
    renameSync(log, `${log}.1`);
    writeFileSync(log, "");
    chownSync(log, nobody, -1);
    process.kill(pid, "SIGUSR1");
    await program.printed(/reopening logs/);
    await until("a line in the new file", limitMs, async () => {
      await status("/etc/passwd");
      return readFileSync(log, "latin1") === "" ? null : true;
    });
    // In root's folder it cannot make one: the old one goes on, and the log says so.
    renameSync(log, `${log}.2`);
    process.kill(pid, "SIGUSR1");
    await program.printed(/\[emerg\] .* open\(\) ".*access\.log" failed \(13: Permission denied\)/);
    const before = statSync(`${log}.2`).size;
    await until("a line in the old file", limitMs, async () => {
      await status("/etc/passwd");
      return statSync(`${log}.2`).size > before ? true : null;
    });
  });

  test("a thread that dies is replaced, on a port that only root may bind, too", limit, async () => {
    const low = await freeLowPort();
    if (low === null) return;
    configure("worker_processes 2;", "location = /crash { worker_crash exception; }");
    const file = join(scene.folder, "nginx.conf");
    writeFileSync(file, readFileSync(file, "latin1").replace("listen", `listen 127.0.0.1:${low}; listen`));
    const program = new Program(
      [
        process.execPath,
        join(repository, "test/workers/program.ts"),
        ...command().slice(longhaul.command.length),
      ],
      { cwd: "/", env: process.env },
    );
    running.add(program);
    await program.printed(serving);
    const pid = Number(readFileSync(join(scene.folder, "pid"), "latin1"));
    for (let times = 1; times <= 2; times++) {
      await fetch(`http://127.0.0.1:${low}/crash`).catch(() => undefined);
      await until("another thread", limitMs, () => (startedThreads(program) === 2 + times ? true : null));
      const ask = async (): Promise<number> => (await fetch(`http://127.0.0.1:${low}/etc/passwd`)).status;
      const answers = Array.from({ length: 20 }, ask);
      assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
    }
    assert.doesNotMatch(program.output, /could not be replaced/);
    assert.deepEqual(identities(pid), asNobody);
  });

  test("root does not give away what a link in the place of a log leads to", limit, async () => {
    const { folder } = scene;
    writeFileSync(join(folder, "precious"), "", { mode: 0o600 });
    spawnSync("ln", ["-s", "../precious", join(folder, "logs/access.log")]);
    configure("");
    await start();
    assert.equal(statSync(join(folder, "precious")).uid, 0);
  });

  test(
    "the pid file in a folder of root's stays, which is told; the next start writes over it",
    limit,
    async () => {
      configure("");
      const first = await start();
      process.kill(first.pid, "SIGQUIT");
      await first.program.printed(/\[alert\] .* unlink\(\) ".*pid" failed \(13: Permission denied\)/);
      assert.equal(await first.program.exited, 0);
      const second = await start();
      assert.notEqual(second.pid, first.pid);
    },
  );

  test("--takeover by root starts the new program as the same user", limit, async () => {
    const { folder } = scene;
    chownSync(folder, nobody, -1);
    configure("");
    const text = readFileSync(join(folder, "nginx.conf"), "latin1");
    writeFileSync(
      join(folder, "nginx.conf"),
      text.replace("daemon off;", "").replace("stderr", `${folder}/logs/error.log`),
    );
    assert.equal((await runProgram(command(), { cwd: "/" })).code, 0);
    const pidNow = (): number => Number(readFileSync(join(folder, "pid"), "latin1"));
    const old = pidNow();
    const readable = spawnSync("setpriv", [
      "--reuid=65534",
      "--clear-groups",
      "cat",
      join(repository, "package.json"),
    ]);
    try {
      const { code, output } = await runProgram(command("--takeover"), { cwd: "/" });
      if (readable.status === 0) {
        assert.equal(code, 0, output);
        assert.deepEqual(identities(pidNow()), asNobody);
        await until("the end of the old process", limitMs, () => (isAlive(old) ? null : true));
      } else {
        assert.equal(code, 1);
        assert.match(output, /goes on serving/);
      }
    } finally {
      for (const pid of [old, pidNow()]) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    }
  });

  test("a process that keeps root's groups does not serve", limit, async () => {
    configure("user nobody nogroup;");
    const preload = join(scene.folder, "preload.mjs");
    writeFileSync(preload, "process.initgroups = () => undefined;");
    const { code, output } = await runProgram(["setpriv", "--groups=0,4", ...command()], {
      cwd: "/",
      env: { ...process.env, NODE_OPTIONS: `--import=${preload}`, BUN_OPTIONS: `--preload=${preload}` },
    });
    assert.equal(code, 1, output);
    assert.match(output, /\[emerg\] the process is in groups 0, 4 still, and user "nobody" is not/);
  });

  describe("where sockets cannot be shared", { skip: isBun ? "they always can on Bun" : false }, () => {
    const preloading = (text: string): NodeJS.ProcessEnv => {
      const preload = join(scene.folder, "preload.mjs");
      writeFileSync(preload, `import net from "node:net"; net.BoundSocket = undefined; ${text}`);
      return { ...process.env, NODE_OPTIONS: `--import=${preload}` };
    };

    test("nobody is served before the process is nobody's", limit, async () => {
      const late = await freePort();
      configure("user nobody nogroup;", `} server { listen 127.0.0.1:${late};`);
      // One port is open for a second before the other is.
      const env = preloading(`const { listen } = net.Server.prototype;
        net.Server.prototype.listen = function (...args) {
          if (args[0].port !== ${late}) return listen.apply(this, args);
          setTimeout(() => listen.apply(this, args), 1000);
          return this;
        };`);
      const program = new Program(command(), { cwd: "/", env });
      running.add(program);
      const seen = new Set<number | string>();
      const served = program.printed(serving).finally(() => seen.add("serves"));
      while (!seen.has("serves")) {
        seen.add(await status("/etc/shadow").catch((error: Error) => (error.cause as Error).message));
        await pause(20);
      }
      await served;
      assert.ok(!seen.has(200) && seen.size > 2, [...seen].join());
      assert.equal(await status("/etc/shadow"), 403);
    });

    test("a reload that names another user is refused before it is in use", limit, async () => {
      configure("user nobody nogroup;", "location = /generation { return 201; }");
      const program = new Program(command(), { cwd: "/", env: preloading("") });
      running.add(program);
      await program.printed(serving);
      configure("user daemon;", "location = /generation { return 202; }");
      process.kill(Number(readFileSync(join(scene.folder, "pid"), "latin1")), "SIGHUP");
      await program.printed(/"user" cannot change from "nobody" to "daemon" without a restart/);
      assert.equal(await status("/generation"), 201);
    });
  });

  for (const [main, message] of [
    ["user nosuchuser;", 'getpwnam("nosuchuser") failed in ROOT/nginx.conf:1'],
    ["user root nosuchgroup;", 'getgrnam("nosuchgroup") failed in ROOT/nginx.conf:1'],
    ["user root; user root;", '"user" directive is duplicate in ROOT/nginx.conf:1'],
  ] as const) {
    test(`${main} is refused in nginx's words`, async () => {
      configure(main);
      const { code, output } = await runProgram(command("-t"), { cwd: "/" });
      assert.equal(code, 1);
      assert.ok(output.replaceAll(scene.folder, "ROOT").includes(`[emerg] ${message}`), output);
    });
  }

  test("whoever is not root is told that it is ignored", async () => {
    configure("user nosuchuser;");
    chownSync(scene.folder, nobody, -1);
    chownSync(join(scene.folder, "logs"), nobody, -1);
    const { output } = await runProgram(["setpriv", "--reuid=65534", "--clear-groups", ...command("-t")], {
      cwd: "/",
    });
    assert.match(
      output,
      /\[warn\] the "user" directive makes sense only if the master process runs with super-user privileges, ignored in .*nginx.conf:1/,
    );
  });
});
