/** Options, exit codes and messages: what nginx answers to the same command. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { products } from "./support/gateway.ts";
import type { Product } from "./support/gateway.ts";

const files: Readonly<Record<string, string>> = {
  "nginx.conf": "events {}\n",
  "twice.conf": "events {}\ndaemon off;\ndaemon on;\n",
  "workers.conf": "worker_processes x;\nevents {}\n",
  "pid.conf": "pid /nonexistent/pid;\nevents {}\n",
  "signal.conf": "pid pid;\nevents {}\n",
};

const syntaxOk = "the configuration file FILE syntax is ok";
const successful = "configuration file FILE test is successful";
const failed = "configuration file FILE test failed";

/** Arguments, the exit code, and what is told behind the program's name or the time. */
const commands: readonly (readonly [string, number, readonly string[]])[] = [
  ["-t -c nginx.conf", 0, [syntaxOk, successful]],
  ["-tq -c nginx.conf", 0, []],
  ["-Tq -c nginx.conf", 0, []],
  ["-t -q -cnginx.conf", 0, []],
  ["-c nginx.conf -t -g daemon_off;", 1, ['unknown directive "daemon_off" in command line', failed]],
  ["-tc nginx.conf -g daemon\u00a0off;", 0, [syntaxOk, successful]],
  [
    "-tc nginx.conf -g daemon\u00a0off",
    1,
    ['unexpected end of parameter, expecting ";" in command line', failed],
  ],
  [
    "-tc nginx.conf -g events{}",
    1,
    ["block directives are not supported in -g option in command line", failed],
  ],
  ["-tc twice.conf", 1, ['"daemon" directive is duplicate in ROOT/twice.conf:3', failed]],
  ["-tc twice.conf -g daemon\u00a0off;", 1, ['"daemon" directive is duplicate in ROOT/twice.conf:2', failed]],
  ["-tc workers.conf", 1, ['"worker_processes" directive invalid value in ROOT/workers.conf:1', failed]],
  ["-tc none.conf", 1, ['open() "ROOT/none.conf" failed (2: No such file or directory)', failed]],
  ["-tc pid.conf", 1, [syntaxOk, 'open() "/nonexistent/pid" failed (2: No such file or directory)', failed]],
  ["-tc signal.conf -s stop", 0, [syntaxOk, successful]],
  ["-s stop -c workers.conf", 1, ['"worker_processes" directive invalid value in ROOT/workers.conf:1']],
  ["-s stop -c signal.conf", 1, ['open() "ROOT/pid" failed (2: No such file or directory)']],
  ["-s nonsense", 1, ['invalid option: "-s nonsense"']],
  ["-s", 1, ['option "-s" requires parameter']],
  ["-c", 1, ['option "-c" requires file name']],
  ["-e", 1, ['option "-e" requires file name']],
  ["-g", 1, ['option "-g" requires parameter']],
  ["-p", 1, ['option "-p" requires directory name']],
  ["-x", 1, ['invalid option: "x"']],
  ["stop", 1, ['invalid option: "stop"']],
];

for (const product of products()) {
  describe(`the command line of ${product.name}`, () => {
    let root: string;

    before(() => {
      root = mkdtempSync(join(tmpdir(), "longhaul-command-"));
      mkdirSync(join(root, "logs"));
      for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);
    });

    after(() => rmSync(root, { recursive: true }));

    for (const [line, code, told] of commands) {
      test(line, () => {
        const { status, lines } = run(product, root, line);
        const name = /-t?c ?(\S+)/.exec(line)?.[1] ?? "";
        assert.deepEqual(
          lines,
          told.map((text) => text.replace("FILE", `ROOT/${name}`)),
        );
        assert.equal(status, code);
      });
    }

    for (const [pid, signal, text] of [
      ["", "stop", 'invalid PID number "" in "ROOT/pid"'],
      ["abc\n", "quit", 'invalid PID number "abc" in "ROOT/pid"'],
      ["4194305\n", "stop", "kill(4194305, 15) failed (3: No such process)"],
      ["4194305\r\n", "quit", "kill(4194305, 3) failed (3: No such process)"],
      ["4194305", "reopen", "kill(4194305, 10) failed (3: No such process)"],
      ["4194305", "reload", "kill(4194305, 1) failed (3: No such process)"],
      ["99999999999999999999", "stop", 'invalid PID number "99999999999999999999" in "ROOT/pid"'],
    ] as const) {
      test(`-s ${signal} with a pid file of ${JSON.stringify(pid)}`, () => {
        writeFileSync(join(root, "pid"), pid);
        const outcome = run(product, root, `-s ${signal} -c signal.conf`);
        assert.deepEqual(outcome, { status: 1, lines: [text] });
        assert.deepEqual(
          readdirSync(root).filter((name) => name.startsWith("pid.") && name !== "pid.conf"),
          [],
        );
      });
    }
  });
}

/** Words of `line` are separated by spaces; the other kind of space stands for itself. */
function run(product: Product, root: string, line: string): { status: number | null; lines: string[] } {
  const [program, ...first] = product.command;
  const words = line.split(" ").map((word) => word.replaceAll("\u00a0", " "));
  const flags = /^-[a-z]$/.test(line) && line !== "-x" ? words : ["-e", "stderr", "-p", root, ...words];
  const { status, stderr } = spawnSync(program!, [...first, ...flags], {
    cwd: root,
    encoding: "latin1",
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
  });
  const lines = stderr.split("\n").filter((text) => text !== "" && !text.includes("signal process started"));
  const clean = /^((nginx|longhaul): )?(\d{4}\/\S+ \S+ )?(\[\w+\] )?(\d+#\d+: )?/;
  return { status, lines: lines.map((text) => text.replaceAll(root, "ROOT").replace(clean, "")) };
}
