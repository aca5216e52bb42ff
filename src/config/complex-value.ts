import type { Scope } from "./scope.ts";
import type { VariableReader, VariableRegistry } from "./variable-registry.ts";
import type { VariableHolder } from "./variables.ts";

/** A string of a configuration that may contain variables and captures. */
export interface ComplexValue<H extends VariableHolder> {
  /** As written. */
  readonly text: string;
  /** The value when it is the same for every holder, else null. */
  readonly constant: string | null;
  /** What is not found counts as empty. */
  evaluate(holder: H): string;
}

/** A piece of a string with variables: text as it stands, or what is put in its place. */
export type ValuePart =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string }
  /** `$1` … `$9` of the regular expression that matched last. */
  | { readonly kind: "capture"; readonly group: number };

/**
 * Splits a string at its variables: `$name`, `${name}`, `$1`. There is no way to write a literal
 * dollar sign, as in nginx.
 *
 * @throws ConfigError in nginx's words for `$` without a name and `${` without a closing brace.
 */
export function parseValue(text: string, scope: Scope): ValuePart[] {
  const parts: ValuePart[] = [];
  let position = 0;
  while (position < text.length) {
    const dollar = text.indexOf("$", position);
    const end = dollar < 0 ? text.length : dollar;
    if (end > position) parts.push({ kind: "text", text: text.slice(position, end) });
    if (dollar < 0) break;
    const digit = text.charCodeAt(dollar + 1) - 0x30;
    if (digit >= 1 && digit <= 9) {
      parts.push({ kind: "capture", group: digit });
      position = dollar + 2;
    } else {
      const { name, next } = readName(text, dollar, scope);
      parts.push({ kind: "variable", name });
      position = next;
    }
  }
  return parts;
}

const NAME = /[A-Za-z0-9_]*/y;

function readName(text: string, dollar: number, scope: Scope): { name: string; next: number } {
  const bracket = text[dollar + 1] === "{";
  NAME.lastIndex = dollar + (bracket ? 2 : 1);
  if (NAME.lastIndex >= text.length) scope.fail("invalid variable name");
  const start = NAME.lastIndex;
  const name = NAME.exec(text)![0];
  const next = start + name.length;
  if (bracket && text[next] !== "}") {
    scope.fail(`the closing bracket in "${name}" variable is missing`);
  }
  if (name === "") scope.fail("invalid variable name");
  return { name, next: bracket ? next + 1 : next };
}

/**
 * Compiles a string with variables to a function.
 *
 * @throws ConfigError in nginx's words; names that nothing defines are found by `registry.finish()`.
 */
export function compileValue<H extends VariableHolder>(
  registry: VariableRegistry<H>,
  text: string,
  scope: Scope,
): ComplexValue<H> {
  const parts = parseValue(text, scope);
  if (parts.every((part) => part.kind === "text")) return constantValue(text);
  return {
    text,
    constant: null,
    evaluate: joinParts(parts.map((part) => partReader(registry, part, scope))),
  };
}

/** A value that is `text` as it stands, whoever holds it: a "$" in it means itself. */
export function constantValue<H extends VariableHolder>(text: string): ComplexValue<H> {
  return { text, constant: text, evaluate: () => text };
}

function partReader<H extends VariableHolder>(
  registry: VariableRegistry<H>,
  part: ValuePart,
  scope: Scope,
): VariableReader<H> {
  if (part.kind === "variable") return registry.reader(part.name, scope);
  if (part.kind === "text") {
    const { text } = part;
    return () => text;
  }
  const { group } = part;
  return (holder) => holder.captures?.[group] ?? null;
}

/** The usual numbers of parts are written out: a loop costs more than the parts themselves. */
function joinParts<H extends VariableHolder>(parts: readonly VariableReader<H>[]): (holder: H) => string {
  const [a, b, c] = parts;
  if (a === undefined) return () => "";
  if (b === undefined) return (holder) => a(holder) ?? "";
  if (c === undefined) return (holder) => (a(holder) ?? "") + (b(holder) ?? "");
  return (holder) => {
    let joined = "";
    for (const part of parts) joined += part(holder) ?? "";
    return joined;
  };
}
