import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { knownDirectives } from "../src/config/known-directives.ts";
import { httpModules } from "../src/modules/index.ts";
import { mainModule } from "../src/modules/core/main.ts";
import { directivesPage, pageFile } from "../tools/directives-page.ts";

test("docs/directives.md is what the tables say (npm run docs writes it)", () => {
  assert.equal(readFileSync(pageFile, "utf8"), directivesPage());
});

test("the page names every directive of nginx and every directive that a module brings", () => {
  const page = directivesPage();
  const own = [mainModule, ...httpModules].flatMap((module) => module.directives);
  for (const { name } of [...knownDirectives(), ...own]) assert.ok(page.includes(`| \`${name}\` |`), name);
});

test("every directive that works has a line that says what it does", () => {
  for (const module of [mainModule, ...httpModules]) {
    for (const { name, doc } of module.directives) assert.match(doc, /^\S.*\.$/, name);
  }
});
