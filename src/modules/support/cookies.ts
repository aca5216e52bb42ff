import { lowerAscii } from "../../http/fields.ts";
import type { Fields } from "../../http/fields.ts";

/**
 * The value of a cookie out of the Cookie fields of a request. As in nginx, names are compared without
 * case, and a value goes up to its semicolon: a comma is part of it.
 *
 * @param name in lower case
 */
export function findCookie(fields: Fields, name: string): string | null {
  return findCookieField(fields, name)?.value ?? null;
}

/** The same, with the whole field that the cookie stands in. */
export function findCookieField(fields: Fields, name: string): { value: string; field: string } | null {
  for (let index = fields.indexOf("cookie"); index >= 0; index = fields.indexOf("cookie", index + 1)) {
    const field = fields.valueAt(index);
    const value = cookieIn(field, name);
    if (value !== null) return { value, field };
  }
  return null;
}

/** The value of a cookie that a Set-Cookie field of a response sets. */
export function findSetCookie(fields: Fields, name: string): string | null {
  for (
    let index = fields.indexOf("set-cookie");
    index >= 0;
    index = fields.indexOf("set-cookie", index + 1)
  ) {
    const value = valueAfterName(fields.valueAt(index), 0, name);
    if (value !== null) return value;
  }
  return null;
}

function cookieIn(field: string, name: string): string | null {
  let start = 0;
  while (start < field.length) {
    const value = valueAfterName(field, start, name);
    if (value !== null) return value;
    const semicolon = field.indexOf(";", start);
    if (semicolon < 0) return null;
    start = semicolon + 1;
    while (field[start] === " ") start++;
  }
  return null;
}

/** The value, up to a semicolon, when `name=` stands at `start`. */
function valueAfterName(field: string, start: number, name: string): string | null {
  const nameEnd = start + name.length;
  if (lowerAscii(field.slice(start, nameEnd)) !== name) return null;
  let position = skipSpaces(field, nameEnd);
  if (field[position] !== "=") return null;
  position = skipSpaces(field, position + 1);
  const end = field.indexOf(";", position);
  return field.slice(position, end < 0 ? field.length : end);
}

function skipSpaces(field: string, start: number): number {
  let position = start;
  while (field[position] === " ") position++;
  return position;
}
