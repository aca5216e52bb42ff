/** How `log_format` makes values safe to stand in a line. */
export type LogEscape = "default" | "json" | "none";

/** What a format without `escape=` may contain ends at quotes, backslashes, controls, bytes beyond ASCII. */
const unsafe = /[^ !#-[\]-~]/;
const unsafeAll = /[^ !#-[\]-~]/g;
const jsonUnsafe = /[^ !#-[\]-\xff]/;
const jsonUnsafeAll = /[^ !#-[\]-\xff]/g;

const jsonShort: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\b": "\\b",
  "\f": "\\f",
};

/** A value as it goes into the line; null is a variable that was not found. */
export function escapeForLog(value: string | null, escape: LogEscape): string {
  if (escape === "default") return value === null ? "-" : escapeBytes(value);
  if (value === null) return "";
  return escape === "json" ? escapeJson(value) : value;
}

function escapeBytes(value: string): string {
  return unsafe.test(value) ? value.replace(unsafeAll, (char) => `\\x${hex(char)}`) : value;
}

function escapeJson(value: string): string {
  if (!jsonUnsafe.test(value)) return value;
  return value.replace(jsonUnsafeAll, (char) => jsonShort[char] ?? `\\u00${hex(char)}`);
}

function hex(char: string): string {
  return char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
}
