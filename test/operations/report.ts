/** Facts as lines of a table: one per fact, nested names joined. */
export function linesOf(facts: object, prefix = ""): string[] {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(facts) as [string, unknown][]) {
    const full = prefix === "" ? name : `${prefix} · ${name}`;
    if (Array.isArray(value)) lines.push(...listLines(full, value));
    else if (typeof value === "object" && value !== null) lines.push(...linesOf(value, full));
    else lines.push(`${full.padEnd(52)} ${String(value)}`);
  }
  return lines;
}

function listLines(name: string, values: readonly unknown[]): string[] {
  if (values.every((value) => typeof value !== "object")) {
    if (values.every((value) => typeof value === "number")) return [`${name.padEnd(52)} ${values.join(" ")}`];
    return values.map((value) => `${name}: ${String(value)}`);
  }
  return values.map((value, index) => {
    const text = Object.entries(value as object).map(([key, entry]) => `${key} ${JSON.stringify(entry)}`);
    return `${name} ${index + 1}: ${text.join(", ")}`;
  });
}
