import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "longhaul-main-"));
after(() => rmSync(root, { recursive: true }));

writeFileSync(join(root, "good.conf"), "events { }\ninclude part.conf;\n");
writeFileSync(join(root, "part.conf"), "http { }");
writeFileSync(join(root, "bad.conf"), "events { }\nnonsense;\n");
writeFileSync(join(root, "pid.conf"), `events { }\npid ${root}/pid;\n`);

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function longhaul(...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd: root,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("-t", () => {
  test("tells that a configuration is good", () => {
    const { status, stderr } = longhaul("-t", "-e", "/dev/null", "-c", "good.conf");
    assert.deepEqual(stderr.split("\n"), [
      `longhaul: the configuration file ${root}/good.conf syntax is ok`,
      `longhaul: configuration file ${root}/good.conf test is successful`,
      "",
    ]);
    assert.equal(status, 0);
  });

  test("tells what is wrong with a bad one", () => {
    const { status, stderr } = longhaul("-t", "-e", "/dev/null", "-c", "bad.conf");
    assert.deepEqual(stderr.split("\n"), [
      `longhaul: [emerg] unknown directive "nonsense" in ${root}/bad.conf:2`,
      `longhaul: configuration file ${root}/bad.conf test failed`,
      "",
    ]);
    assert.equal(status, 1);
  });

  test("says nothing of a good one with -q", () => {
    assert.deepEqual(longhaul("-tq", "-e", "/dev/null", "-c", "good.conf"), {
      status: 0,
      stdout: "",
      stderr: "",
    });
  });

  test("reads the directives of -g first", () => {
    const { status, stderr } = longhaul("-tq", "-e", "/dev/null", "-c", "good.conf", "-g", "nonsense;");
    assert.equal(stderr.split("\n")[0], 'longhaul: [emerg] unknown directive "nonsense" in command line');
    assert.equal(status, 1);
    assert.equal(longhaul("-tq", "-e", "/dev/null", "-c", "good.conf", "-g", "daemon off;").status, 0);
  });
});

test("-T prints every file under its name", () => {
  const { status, stdout } = longhaul("-Tq", "-e", "/dev/null", "-c", "good.conf");
  const good = `# configuration file ${root}/good.conf:\nevents { }\ninclude part.conf;\n\n`;
  assert.equal(stdout, `${good}# configuration file ${root}/part.conf:\nhttp { }\n`);
  assert.equal(status, 0);
});

test("options that cannot be understood end with code 1", () => {
  assert.deepEqual(longhaul("-x"), { status: 1, stdout: "", stderr: 'longhaul: invalid option: "x"\n' });
});

test("the version is the package's", () => {
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  assert.equal(longhaul("-v").stderr, `longhaul version: longhaul/${version}\n`);
});

test("-v, -V and -h tell and end", () => {
  for (const [option, pattern] of [
    ["-v", /^longhaul version: longhaul\/\d+\.\d+\.\d+\n$/],
    ["-V", /^longhaul version: .*\nrunning on (node|bun) .*\nTLS SNI support enabled\n/],
    ["-h", /^longhaul version: .*\nUsage: longhaul \[-\?hvVtTq\]/],
  ] as const) {
    const { status, stderr } = longhaul(option);
    assert.match(stderr, pattern);
    assert.equal(status, 0);
  }
});

test("--version and --help tell on standard output", () => {
  const version = longhaul("--version");
  assert.match(version.stdout, /^longhaul version: longhaul\/\d+\.\d+\.\d+\n$/);
  const help = longhaul("--help");
  assert.match(help.stdout, /^longhaul version: .*\nUsage: longhaul /);
  assert.deepEqual([version.status, version.stderr, help.status, help.stderr], [0, "", 0, ""]);
});

test("-V names the cryptography of its runtime", () => {
  const pattern =
    process.versions.bun === undefined ? /node \S+ with OpenSSL \d/ : /bun \S+ with BoringSSL\n/;
  assert.match(longhaul("-V").stderr, pattern);
});

describe("-s", () => {
  test("needs a pid file", () => {
    const { status, stderr } = longhaul("-s", "stop", "-e", "/dev/null", "-c", "pid.conf");
    assert.equal(stderr, `longhaul: [error] open() "${root}/pid" failed (2: No such file or directory)\n`);
    assert.equal(status, 1);
  });

  test("needs a number in it", () => {
    writeFileSync(join(root, "pid"), "abc\n");
    const { status, stderr } = longhaul("-s", "reload", "-e", "/dev/null", "-c", "pid.conf");
    assert.equal(stderr, `longhaul: [error] invalid PID number "abc" in "${root}/pid"\n`);
    assert.equal(status, 1);
  });
});

test("without a configuration file it tells where it looked", () => {
  const { status, stderr } = longhaul("-t", "-e", "/dev/null");
  assert.equal(
    stderr.split("\n")[0],
    `longhaul: [emerg] open() "${root}/nginx.conf" failed (2: No such file or directory)`,
  );
  assert.match(stderr, /longhaul quickstart/);
  assert.equal(status, 1);
});
