import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { repository } from "./support/gateway.ts";

/**
 * What has to have a doc comment directly before it, in every file of src/ that is no test and no fixture:
 *
 * - every function, class, interface, type and constant that is exported at the top level. What is only passed on
 *   (`export { x } from`) is told of where it is declared, and the first of a function's overloads speaks for all.
 * - every public method of an exported class. One that a type declares which the class names after `implements` or
 *   `extends` is told of there; an accessor (`get x()`) is a field by another spelling, and as free as fields are.
 *
 * The constant that is an nginx module (`export const map: HttpModule = {`) needs none of its own where its file
 * begins with a doc comment and has no other module: that comment is about the module.
 *
 * The formatter keeps declarations at the margin and members two spaces in, so lines are enough to read.
 */
const source = path.join(repository, "src");

const declaration =
  /^(export )?(?:default |declare |abstract |async )*(?:(function|class|interface|type|const|let)\b\*?) (\w+)/;
const member =
  /^  ((?:(?:private|protected|static|override|async|abstract|readonly|get|set) )*)\*?(\w+)(.*)$/;
/** `export { x } from "…"`, `export type { X }`, `export * from "…"` */
const passedOn = /^export (type )?[{*]/;
const statementWord = /^(if|for|while|switch|return|constructor)$/;
const nginxModule = /^export const \w+: (Http)?Module\b/;

/** A declaration at the margin of a file. */
interface Declared {
  readonly place: string;
  readonly name: string;
  readonly kind: string;
  readonly exported: boolean;
  readonly commented: boolean;
  readonly isModule: boolean;
  /** Types that a class or interface names after `implements` and `extends`. */
  readonly parents: readonly string[];
  readonly members: readonly Member[];
}

interface Member {
  readonly place: string;
  readonly name: string;
  readonly commented: boolean;
  /** Anybody may call it, and it is no accessor. */
  readonly publicMethod: boolean;
}

function isCommented(lines: readonly string[], at: number): boolean {
  let start = at - 1;
  if (!(lines[start] ?? "").endsWith("*/")) return false;
  while (start > 0 && !lines[start]!.trimStart().startsWith("/*")) start--;
  return lines[start]!.trimStart().startsWith("/**");
}

/** What stands between a block's name and its opening brace. */
function headOf(lines: readonly string[], at: number): string {
  let head = lines[at]!;
  for (let next = at + 1; next < lines.length && !head.endsWith("{"); next++)
    head += ` ${lines[next]!.trim()}`;
  return head;
}

function parentsOf(head: string): string[] {
  const list = /\b(?:extends|implements) (.*)/.exec(head)?.[1] ?? "";
  return list.match(/\b[A-Z]\w*/g) ?? [];
}

function membersOf(file: string, lines: readonly string[], from: number): Member[] {
  const members: Member[] = [];
  for (let at = from + 1; at < lines.length && !lines[at]!.startsWith("}"); at++) {
    const [, words = "", name = "", rest = ""] = member.exec(lines[at]!) ?? [];
    if (name === "" || statementWord.test(name)) continue;
    members.push({
      place: placeOf(file, lines, at),
      name,
      commented: isCommented(lines, at),
      publicMethod: !/\b(private|protected|get|set)\b/.test(words) && /^(<.*>)?\(/.test(rest),
    });
  }
  return members;
}

function placeOf(file: string, lines: readonly string[], at: number): string {
  return `src/${file}:${at + 1}: ${lines[at]!.trim()}`;
}

function declarationsOf(file: string): Declared[] {
  const lines = readFileSync(path.join(source, file), "utf8").split("\n");
  const modules = lines.filter((line) => nginxModule.test(line)).length;
  const toldAtTop = modules === 1 && lines[0]!.startsWith("/**");
  return lines.flatMap((text, at) => {
    const [, exported, kind = "", name = ""] = declaration.exec(text) ?? [];
    if (name === "") {
      assert.ok(
        !text.startsWith("export ") || passedOn.test(text),
        `not understood: ${placeOf(file, lines, at)}`,
      );
      return [];
    }
    const block = kind === "class" || kind === "interface";
    return {
      place: placeOf(file, lines, at),
      name,
      kind,
      exported: exported !== undefined,
      commented: isCommented(lines, at),
      isModule: toldAtTop && nginxModule.test(text),
      parents: block ? parentsOf(headOf(lines, at)) : [],
      members: block ? membersOf(file, lines, at) : [],
    };
  });
}

const byFile = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !/\.(test|fixture)\.ts$/.test(name))
  .toSorted()
  .map(declarationsOf);
const declared = byFile.flat();
const byName = Map.groupBy(declared, ({ name }) => name);

/** Whether one of these types, or one that it names in turn, declares the member. */
function isDeclaredBy(types: readonly string[], name: string): boolean {
  return types
    .flatMap((type) => byName.get(type) ?? [])
    .some(({ members, parents }) => members.some((one) => one.name === name) || isDeclaredBy(parents, name));
}

describe("the doc comments", () => {
  test("tell of every export", () => {
    assert.ok(declared.length > 1000, "the sources are found");
    const silent = byFile.flatMap((inFile) => {
      const told = new Set(inFile.filter(({ commented }) => commented).map(({ name }) => name));
      return inFile.filter(({ exported, isModule, name }) => exported && !isModule && !told.has(name));
    });
    assert.deepEqual(
      silent.map(({ place }) => place),
      [],
    );
  });

  test("tell of every public method of an exported class", () => {
    const classes = declared.filter(({ kind, exported }) => kind === "class" && exported);
    const silent = classes.flatMap(({ members, parents }) =>
      members.filter(
        ({ publicMethod, commented, name }) => publicMethod && !commented && !isDeclaredBy(parents, name),
      ),
    );
    assert.deepEqual(
      silent.map(({ place }) => place),
      [],
    );
  });
});
