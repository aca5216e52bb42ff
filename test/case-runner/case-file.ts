import { parseStep, type Step } from "./step.ts";
import type { ClientProtocol } from "./world.ts";

/** One line of a block, with what is indented below it. */
export interface Line {
  readonly number: number;
  readonly text: string;
  readonly below: readonly string[];
}

export interface LaidFile {
  readonly path: string;
  readonly content: string;
}

export interface BackendSpec {
  /** "B1", "B2", … */
  readonly name: string;
  readonly unix: boolean;
  /** What it speaks: a name of `wires`. */
  readonly wire: string;
  /** Its standing behaviour, as in `B1 …` steps. */
  readonly behaviour: Line;
}

export interface Case {
  readonly title: string;
  readonly line: number;
  readonly needs: readonly string[];
  /** Why nginx 1.22 cannot serve as oracle here; null when it can. */
  readonly oracleDiffers: string | null;
  readonly steps: readonly Step[];
}

/** One configuration with all the cases that run against it, in order. */
export interface CaseFile {
  /** Path below test/cases, without the suffix. */
  readonly name: string;
  readonly needs: readonly string[];
  /** What clients speak that no step has connected. */
  readonly clients: ClientProtocol;
  /** Directives that longhaul may still refuse as not supported; the file is skipped when it does. */
  readonly mayLack: readonly string[];
  readonly main: string;
  readonly config: string;
  /** What the name servers at %DNS%, %DNS2%, … know. */
  readonly names: readonly string[];
  readonly files: readonly LaidFile[];
  /** Symbolic links below the prefix. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  readonly backends: readonly BackendSpec[];
  readonly cases: readonly Case[];
}

interface Section {
  readonly number: number;
  readonly header: string;
  readonly lines: readonly NumberedLine[];
}

interface NumberedLine {
  readonly number: number;
  readonly text: string;
}

/** Parses a case file; the format is described in test/cases/README.md. Throws with file and line. */
export function parseCaseFile(name: string, text: string): CaseFile {
  const needs: string[] = [];
  const files: LaidFile[] = [];
  const links: { path: string; target: string }[] = [];
  const backends: BackendSpec[] = [];
  const cases: Case[] = [];
  const mayLack: string[] = [];
  let main = "";
  let config = "";
  const names: string[] = [];
  let clients: ClientProtocol = "http1";
  for (const section of splitSections(name, text)) {
    const [, kind = "", argument = ""] = /^(\w+)\s*(.*)$/.exec(section.header) ?? [];
    const fail = (why: string): never => {
      throw new Error(`${name}.case:${section.number}: ${why}: ${section.header}`);
    };
    if (kind === "needs") needs.push(...words(argument.replace(/^:/, "")));
    else if (kind === "clients") clients = protocolNamed(argument) ?? fail("unknown protocol");
    else if (kind === "longhaul") mayLack.push(...words(argument.replace(/^may lack:/, "")));
    else if (kind === "main") main += block(section.lines);
    else if (kind === "config") config += block(section.lines);
    else if (kind === "names") names.push(block(section.lines));
    else if (kind === "file") files.push({ path: argument.replace(/:$/, ""), content: block(section.lines) });
    else if (kind === "link") links.push(parseLink(argument) ?? fail("bad link"));
    else if (kind === "backend") backends.push(parseBackend(section, argument) ?? fail("bad backend"));
    else if (kind === "case") cases.push(parseCase(name, section, argument.replace(/^:\s*/, "")));
    else fail("unknown section");
  }
  return { name, needs, clients, mayLack, main, config, names, files, links, backends, cases };
}

function protocolNamed(text: string): ClientProtocol | null {
  const word = text.replace(/^: */, "");
  return word === "h2" || word === "h2c" || word === "http1" ? word : null;
}

function parseLink(text: string): { path: string; target: string } | null {
  const [path, target] = text.split(": ", 2);
  return path === undefined || target === undefined ? null : { path, target };
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** Lines joined again; blank lines before the next section do not belong to the block. */
function block(lines: readonly NumberedLine[]): string {
  const kept = withoutBlankTail(lines.map(({ text }) => text));
  return kept.length === 0 ? "" : `${kept.join("\n")}\n`;
}

function withoutBlankTail(lines: readonly string[]): readonly string[] {
  let end = lines.length;
  while (end > 0 && lines[end - 1] === "") end--;
  return lines.slice(0, end);
}

function splitSections(name: string, text: string): Section[] {
  const sections: Section[] = [];
  let lines: NumberedLine[] | null = null;
  for (const [index, raw] of text.split("\n").entries()) {
    if (raw.startsWith("#")) continue;
    if (raw.startsWith("    ") || raw.trim() === "") {
      lines?.push({ number: index + 1, text: raw.slice(4) });
      continue;
    }
    if (/^\s/.test(raw)) throw new Error(`${name}.case:${index + 1}: indent by four spaces: ${raw}`);
    lines = [];
    sections.push({ number: index + 1, header: raw.trimEnd(), lines });
  }
  return sections;
}

/** Groups lines with what is indented below them. */
function groupLines(lines: readonly NumberedLine[]): Line[] {
  const groups: { number: number; text: string; below: string[] }[] = [];
  for (const { number, text: raw } of lines) {
    const last = groups.at(-1);
    if (raw.startsWith("    ") && last !== undefined) last.below.push(raw.slice(4));
    else if (raw.trim() === "") last?.below.push("");
    else groups.push({ number, text: raw.trimEnd(), below: [] });
  }
  return groups.map((group) => ({ ...group, below: withoutBlankTail(group.below) }));
}

function parseBackend(section: Section, argument: string): BackendSpec | null {
  const match = /^(B\d+)( fastcgi| scgi| uwsgi)?( unix)?(?::| (?=answers|does))\s*(.*)$/.exec(argument);
  if (match === null) return null;
  const [, name = "", wire = "http", unix, behaviour = ""] = match;
  const below = withoutBlankTail(section.lines.map(({ text }) => text));
  return {
    name,
    wire: wire.trim(),
    unix: unix !== undefined,
    behaviour: { number: section.number, text: behaviour, below },
  };
}

function parseCase(file: string, section: Section, title: string): Case {
  const needs: string[] = [];
  const steps: Step[] = [];
  let oracleDiffers: string | null = null;
  for (const line of groupLines(section.lines)) {
    const [, word = "", rest = ""] = /^(needs|oracle differs): *(.*)$/.exec(line.text) ?? [];
    if (word === "needs") needs.push(...words(rest));
    else if (word === "oracle differs") oracleDiffers = rest;
    else steps.push(stepAt(file, line));
  }
  return { title, line: section.number, needs, oracleDiffers, steps };
}

function stepAt(file: string, line: Line): Step {
  const step = parseStep(line);
  if (step === null) throw new Error(`${file}.case:${line.number}: unknown step: ${line.text}`);
  return step;
}
