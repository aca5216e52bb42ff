import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OptionError, parseOptions } from "./options.ts";
import type { Options } from "./options.ts";

function parse(line: string): Options {
  return parseOptions(line === "" ? [] : line.split(" "), "/work");
}

function complaint(line: string): string {
  try {
    parse(line);
    return "ok";
  } catch (error) {
    if (error instanceof OptionError) return error.message;
    throw error;
  }
}

const MISTAKES: readonly [string, string][] = [
  ["foo", 'invalid option: "foo"'],
  ["-x", 'invalid option: "x"'],
  ["-tx", 'invalid option: "x"'],
  ["--halp", 'invalid option: "-"'],
  ["-c", 'option "-c" requires file name'],
  ["-tc", 'option "-c" requires file name'],
  ["-e", 'option "-e" requires file name'],
  ["-p", 'option "-p" requires directory name'],
  ["-g", 'option "-g" requires parameter'],
  ["-s", 'option "-s" requires parameter'],
  ["-s foo", 'invalid option: "-s foo"'],
  ["-sfoo", 'invalid option: "-s foo"'],
];

describe("mistakes are told in nginx's words", () => {
  for (const [line, message] of MISTAKES) test(line, () => assert.equal(complaint(line), message));
});

test("without options the configuration is nginx.conf in the current directory", () => {
  assert.deepEqual(parse(""), {
    commandLine: {
      configFile: "/work/nginx.conf",
      configFileGiven: false,
      prefix: "/work/",
      globals: "",
      errorLog: null,
      testOnly: false,
      dump: false,
      quiet: false,
      signal: null,
    },
    showHelp: false,
    showVersion: false,
    showBuild: false,
    isLong: false,
    takeover: false,
  });
});

test("--takeover stands beside the others", () => {
  const { takeover, commandLine } = parse("--takeover -c a.conf");
  assert.deepEqual([takeover, commandLine.configFile], [true, "/work/a.conf"]);
});

const PATHS: readonly [string, string, string][] = [
  ["-c a.conf", "/work/a.conf", "/work/"],
  ["-c /etc/a.conf", "/etc/a.conf", "/work/"],
  ["-p /srv", "/srv/nginx.conf", "/srv/"],
  ["-p sub/ -c x/a.conf", "sub/x/a.conf", "sub/"],
  ["-psub -cx.conf", "sub/x.conf", "sub/"],
];

test("the configuration file is looked for below the prefix", () => {
  for (const [line, file, prefix] of PATHS) {
    const { commandLine } = parse(line);
    assert.deepEqual([commandLine.configFile, commandLine.prefix], [file, prefix], line);
  }
});

test("letters may be joined, and a value may follow its letter directly", () => {
  const { commandLine } = parse("-Tqc a.conf -estderr");
  assert.deepEqual(
    [commandLine.testOnly, commandLine.dump, commandLine.quiet, commandLine.errorLog],
    [true, true, true, "stderr"],
  );
  assert.equal(commandLine.configFile, "/work/a.conf");
});

test("values are kept as bytes", () => {
  assert.equal(parseOptions(["-g", "env Ä;"], "/").commandLine.globals, "env \xc3\x84;");
});

test("-h and -? show help, -V more than -v", () => {
  const shown = (line: string): boolean[] => {
    const { showHelp, showVersion, showBuild } = parse(line);
    return [showHelp, showVersion, showBuild];
  };
  assert.deepEqual(shown("-h"), [true, true, false]);
  assert.deepEqual(shown("-?"), [true, true, false]);
  assert.deepEqual(shown("-v"), [false, true, false]);
  assert.deepEqual(shown("-V"), [false, true, true]);
  assert.deepEqual(shown("--help"), [true, true, false]);
  assert.deepEqual(shown("--version"), [false, true, false]);
});

test("signals are nginx's four", () => {
  for (const name of ["stop", "quit", "reopen", "reload"]) {
    assert.equal(parse(`-s ${name}`).commandLine.signal, name);
  }
});
