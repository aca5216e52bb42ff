/** Strings of a case file: quoted bytes, placeholders, expected lines. All text is latin1, one char per byte. */

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  "0": "\0",
  '"': '"',
  "\\": "\\",
};

/** The bytes that a quoted string stands for: `"a\r\n\x00"`. `"x"*5` repeats. Throws on anything else. */
export function unquote(text: string): string {
  const parts = text.trim().match(/"(?:[^"\\]|\\.)*"(?:\*\d+)?/g);
  if (parts === null || parts.join(" ") !== text.trim().replace(/"\s+"/g, '" "')) {
    throw new Error(`not a quoted string: ${text}`);
  }
  return parts.map(unquotePart).join("");
}

function unquotePart(part: string): string {
  const end = part.lastIndexOf('"');
  const times = part[end + 1] === "*" ? Number(part.slice(end + 2)) : 1;
  const bytes = part
    .slice(1, end)
    .replace(/\\(x([0-9a-fA-F]{2})|.)/g, (whole, name: string, hex?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      const byte = SIMPLE_ESCAPES[name];
      if (byte === undefined) throw new Error(`unknown escape ${whole} in ${part}`);
      return byte;
    });
  return bytes.repeat(times);
}

/** Bytes as a person reads them in a failure report, cut to a bearable length. */
export function show(bytes: string): string {
  const cut = bytes.length > 600 ? `${bytes.slice(0, 600)}… (${bytes.length} bytes)` : bytes;
  return JSON.stringify(cut);
}

/** The `%NAME%` marks of one running group. Unknown marks stay as they are: `%` is common in URIs. */
export class Placeholders {
  readonly #values = new Map<string, string>();

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  get(name: string): string {
    const value = this.#values.get(name);
    if (value === undefined) throw new Error(`%${name}% has no value`);
    return value;
  }

  fill(text: string): string {
    return text.replace(
      /%([A-Z][A-Za-z0-9_.:]*)%/g,
      (whole, name: string) => this.#values.get(name) ?? whole,
    );
  }
}

/** True when the actual line is what was expected; `~ pattern` expects by regular expression. */
export function lineMatches(expected: string, actual: string): boolean {
  return expected.startsWith("~ ") ? new RegExp(expected.slice(2)).test(actual) : expected === actual;
}

/** Null when all lines agree, else a small diff. */
export function diffLines(expected: readonly string[], actual: readonly string[]): string | null {
  const count = Math.max(expected.length, actual.length);
  const report: string[] = [];
  let differs = false;
  for (let i = 0; i < count; i++) {
    const want = expected[i];
    const got = actual[i];
    if (want !== undefined && got !== undefined && lineMatches(want, got)) {
      report.push(`    ${got}`);
      continue;
    }
    differs = true;
    if (want !== undefined) report.push(`  - ${want}`);
    if (got !== undefined) report.push(`  + ${got}`);
  }
  return differs ? report.join("\n") : null;
}
