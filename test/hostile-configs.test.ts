/** Configurations that are too large or too deep: a line that says what and where, as from nginx where it has one. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { parseOptions } from "../src/cli/options.ts";
import { checkConfiguration } from "../src/runtime/check.ts";
import { isOnPath } from "./support/gateway.ts";

const directory = mkdtempSync(path.join(tmpdir(), "longhaul-hostile-"));
mkdirSync(path.join(directory, "logs"));
after(() => rmSync(directory, { recursive: true, force: true }));

interface Hostile {
  readonly name: string;
  readonly text: string;
  /** More files. */
  readonly files?: Readonly<Record<string, string>>;
  /** The message, with DIR for the directory; "ok" where there is nothing wrong. */
  readonly says: string;
  /** nginx does otherwise. */
  readonly own?: true;
}

const events = "events { }\n";
const nested = (name: string, depth: number): string =>
  `${`${name} {\n`.repeat(depth)}${"}\n".repeat(depth)}`;
const tooDeep = "there are more than 200 blocks in each other in DIR/nginx.conf";

/** Files that each open a block for the next one. */
function chain(length: number): Record<string, string> {
  const files: Record<string, string> = { [`${length}.inc`]: "" };
  for (let at = 0; at < length; at++) files[`${at}.inc`] = `location /a {\n include ${at + 1}.inc;\n}\n`;
  return files;
}

const all: readonly Hostile[] = [
  {
    name: "5,000 locations in each other",
    text: `${events}http {\nserver {\n${nested("location /a", 5000)}} }`,
    says: `${tooDeep}:202`,
    own: true,
  },
  {
    name: "100,000 of them",
    text: `${events}http {\nserver {\n${nested("location /a", 100_000)}} }`,
    says: `${tooDeep}:202`,
    own: true,
  },
  {
    name: "5,000 that are not closed",
    text: `${events}http {\nserver {\n${"location /a {\n".repeat(5000)}`,
    says: `${tooDeep}:202`,
    own: true,
  },
  {
    name: "198 are fine",
    text: `${events}http {\nserver {\n${nested("location /a", 198)}} }`,
    says: "ok",
  },
  {
    name: "each in a file of its own",
    text: `${events}http { server { include 0.inc; } }`,
    files: chain(198),
    says: "ok",
  },
  {
    name: "5,000 blocks that may not stand there",
    text: `${events}http {\nserver {\nlocation / {\n${nested("if ($uri)", 5000)}} } }`,
    says: '"if" directive is not allowed here in DIR/nginx.conf:6',
  },
  {
    name: "5,000 blocks of nothing known",
    text: `${events}http {\n${nested("foo", 5000)}}`,
    says: 'unknown directive "foo" in DIR/nginx.conf:3',
  },
  {
    name: "5,000 blocks where data stand",
    text: `${events}http {\ntypes {\n${nested("a", 5000)}} }`,
    says: 'unexpected "{" in DIR/nginx.conf:4',
  },
  {
    name: "a NUL in the name of a file",
    text: `${events}http { include "none\0.conf"; }`,
    says: 'open() "DIR/none" failed (2: No such file or directory) in DIR/nginx.conf:2',
  },
  { name: "nothing but braces", text: "{".repeat(5000), says: 'unexpected "{" in DIR/nginx.conf:1' },
  { name: "nothing but ends", text: "}".repeat(5000), says: 'unexpected "}" in DIR/nginx.conf:1' },
  {
    name: "a word of 5,000 characters",
    text: `${events}http { root ${"a".repeat(5000)}; }`,
    says: 'too long parameter "aaaaaaaaaa..." started in DIR/nginx.conf:2',
  },
  {
    name: "200,000 arguments too many",
    text: `${events}http { root ${"a ".repeat(200_000)}; }`,
    says: 'invalid number of arguments in "root" directive in DIR/nginx.conf:2',
  },
  {
    name: "200,000 arguments",
    text: `${events}http { index ${"a ".repeat(200_000)}; }`,
    says: "ok",
  },
  {
    name: "256 strings to replace",
    text: `${events}http {\n${"sub_filter a b;\n".repeat(256)} }`,
    says: "number of search patterns exceeds 255 in DIR/nginx.conf:258",
  },
  {
    name: "50,000 addresses",
    text: `${events}http {\n${"deny 10.0.0.1;\n".repeat(50_000)} }`,
    says: "ok",
  },
];

function lay({ text, files = {} }: Hostile): string {
  for (const [name, content] of Object.entries({ ...files, "nginx.conf": text })) {
    writeFileSync(path.join(directory, name), content);
  }
  return path.join(directory, "nginx.conf");
}

const withoutDirectory = (message: string): string => message.replaceAll(directory, "DIR");

function nginxSays(file: string): string {
  const { stderr, status } = spawnSync(
    "nginx",
    ["-t", "-q", "-e", "/dev/null", "-p", directory, "-c", file],
    {
      encoding: "latin1",
      env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
    },
  );
  return withoutDirectory(/^nginx: \[emerg\] (.*)$/m.exec(stderr)?.[1] ?? (status === 0 ? "ok" : stderr));
}

describe("a hostile configuration gets a line", () => {
  for (const hostile of all) {
    test(hostile.name, async () => {
      const { commandLine } = parseOptions(["-t", "-e", "/dev/null", "-c", lay(hostile)], directory);
      const { ok, remarks } = await checkConfiguration(commandLine);
      assert.equal(ok ? "ok" : withoutDirectory(remarks.at(-1)?.text ?? ""), hostile.says);
    });
  }
});

const skip = isOnPath("nginx") ? false : "NGINX IS NOT INSTALLED";
describe("the same as from nginx", { skip }, () => {
  for (const hostile of all.filter(({ own }) => own !== true)) {
    test(hostile.name, () => assert.equal(nginxSays(lay(hostile)), hostile.says));
  }
});
