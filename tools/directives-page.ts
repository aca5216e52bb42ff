/**
 * Writes docs/directives.md from the tables that the configuration is read with:
 * `npm run docs`. A test fails while the page and the tables differ.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { knownDirectives } from "../src/config/known-directives.ts";
import type { DirectiveSpec } from "../src/config/module.ts";
import { HARMLESS, OBSOLETE } from "../src/config/no-effect.ts";
import { refusalReason } from "../src/config/refusals.ts";
import { httpModules } from "../src/modules/index.ts";
import { mainModule } from "../src/modules/core/main.ts";

/** Where the page lies. */
export const pageFile = fileURLToPath(new URL("../docs/directives.md", import.meta.url));

interface Row {
  readonly name: string;
  readonly state: "works" | "no effect" | "refused";
  readonly contexts: readonly string[];
  readonly initial: string | null;
  readonly line: string;
}

const intro = `# Directives

Every directive of nginx 1.31, module by module, and Longhaul's own. This page is made from the tables that
configurations are read with (\`npm run docs\`).

- **works**: as in nginx.
- **no effect**: accepted and checked, because ignoring it changes no answer; a notice says so when the configuration is read.
- **refused**: the configuration is not used, and the error names file and line.
`;

/** The page as it should be. */
export function directivesPage(): string {
  const rows = new Map<string, Row[]>();
  const implemented = implementedDirectives();
  for (const known of knownDirectives()) {
    const spec = implemented.get(`${known.name} ${scopeOf(known.contexts)}`);
    const row = spec === undefined ? fallbackRow(known) : rowOf(spec);
    const contexts = known.contexts.length === 0 ? ["any"] : known.contexts;
    rows.set(known.module, [...(rows.get(known.module) ?? []), { ...row, contexts }]);
  }
  const sections = [...rows].map(([module, list]) => section(module, list));
  const own = ownDirectives().map((spec) => ({ ...rowOf(spec), contexts: spec.contexts }));
  if (own.length > 0) sections.unshift(section("Longhaul's own", own));
  return [intro, summary([...rows.values()].flat()), ...sections].join("\n");
}

/** Directives of one name may stand in several worlds: `server` of http is not `server` of mail. */
function scopeOf(contexts: readonly string[]): string {
  const [first = ""] = contexts;
  if (/^(mail|stream)/.test(first)) return first;
  return contexts.includes("upstream") ? "upstream" : contexts.includes("main") ? "main" : "http";
}

function allSpecs(): DirectiveSpec[] {
  return [mainModule, ...httpModules].flatMap((module) => [...module.directives]);
}

function implementedDirectives(): Map<string, DirectiveSpec> {
  return new Map(allSpecs().map((spec) => [`${spec.name} ${scopeOf(spec.contexts)}`, spec]));
}

function ownDirectives(): DirectiveSpec[] {
  const known = new Set(knownDirectives().map(({ name }) => name));
  return allSpecs().filter(({ name }) => !known.has(name));
}

function rowOf(spec: DirectiveSpec): Omit<Row, "contexts"> {
  const state = spec.hasNoEffect === true ? "no effect" : "works";
  return { name: spec.name, state, initial: spec.default, line: spec.doc };
}

function fallbackRow(known: ReturnType<typeof knownDirectives>[number]): Omit<Row, "contexts"> {
  const { name, module, noEffect } = known;
  if (name === "include") {
    return {
      name,
      state: "works",
      initial: null,
      line: "Reads the files that a pattern matches in its place.",
    };
  }
  if (noEffect !== null) return { name, state: "no effect", initial: null, line: sentence(noEffect) };
  const replacement = OBSOLETE.get(name);
  if (replacement !== undefined) {
    const instead = replacement === null ? "" : `; \`${replacement}\` takes its place`;
    return { name, state: "no effect", initial: null, line: sentence(`obsolete in nginx too${instead}`) };
  }
  const harmless = HARMLESS.get(name);
  const but =
    harmless === undefined ? "" : ` Accepted with ${harmless.map((word) => `\`${word}\``).join(" or ")}.`;
  const isInStream = module.startsWith("ngx_stream") && name !== "server";
  const only = isInStream ? " Accepted in a block without a server." : "";
  const reason = refusalReason(module, name);
  return {
    name,
    state: "refused",
    initial: null,
    line: (reason === null ? "" : sentence(reason)) + but + only,
  };
}

function summary(rows: readonly Row[]): string {
  const count = (state: Row["state"]): number => rows.filter((row) => row.state === state).length;
  return `Of ${rows.length} directives of nginx ${count("works")} work, ${count("no effect")} have no effect, ${count("refused")} are refused.\n`;
}

function section(name: string, rows: readonly Row[]): string {
  const lines = rows.map(({ name: directive, state, contexts, initial, line }) =>
    [
      `\`${directive}\``,
      state,
      contexts.join(", "),
      initial === null ? "–" : `\`${cell(initial)}\``,
      cell(line),
    ]
      .join(" | ")
      .trimEnd(),
  );
  return [
    `## ${name}\n`,
    "| directive | state | contexts | default | |",
    "| --- | --- | --- | --- | --- |",
    ...lines.map((line) => `| ${line} |`),
    "",
  ].join("\n");
}

function sentence(text: string): string {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return capital.endsWith(".") ? capital : `${capital}.`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(pageFile, directivesPage());
