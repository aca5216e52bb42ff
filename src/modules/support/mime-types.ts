import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { lowerAscii } from "../../http/fields.ts";
import type { Response } from "../../gateway/request/response.ts";

/** Media types that a filter is for; "any" for all. */
export type MimeTypes = ReadonlySet<string> | "any";

/** What filters are for where nothing else is said. */
export const htmlOnly: MimeTypes = new Set(["text/html"]);

/** Reads a directive such as `gzip_types`: "text/html" is always among the types, "*" stands for all. */
export function readMimeTypes(before: MimeTypes | undefined, { args }: Directive, scope: Scope): MimeTypes {
  let types = before;
  for (const arg of args) types = addType(types, arg, scope);
  return types ?? htmlOnly;
}

function addType(before: MimeTypes | undefined, arg: string, scope: Scope): MimeTypes {
  if (before === "any" || arg === "*") return "any";
  const types = new Set(before ?? htmlOnly);
  const type = lowerAscii(arg);
  if (types.has(type)) scope.warn(`duplicate MIME type "${arg}"`);
  return types.add(type);
}

/** Whether an answer is of one of these types; parameters do not matter. */
export function isOfType({ contentType }: Response, types: MimeTypes): boolean {
  if (types === "any") return true;
  if (contentType === null || contentType === "") return false;
  return types.has(lowerAscii(contentType.split(";", 1)[0]!.trimEnd()));
}
