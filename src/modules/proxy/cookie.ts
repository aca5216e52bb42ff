/** A part of a Set-Cookie field after the first: "Path=/" or "Secure". */
export interface CookieAttribute {
  name: string;
  /** Null for one without "=". */
  value: string | null;
}

/** A Set-Cookie field, taken apart as nginx does. */
export interface Cookie {
  readonly name: string;
  readonly value: string;
  attributes: CookieAttribute[];
}

/** Null when the field does not begin with a name and "=". */
export function parseCookie(text: string): Cookie | null {
  const [first, ...attributes] = text.split(";").map(parsePart);
  if (first === undefined || first.value === null) return null;
  return { name: first.name, value: first.value, attributes };
}

/** The field's value, with its parts joined by "; ", whatever stood between them before. */
export function formatCookie({ name, value, attributes }: Cookie): string {
  let text = `${name}=${value}`;
  for (const attribute of attributes) {
    text += attribute.value === null ? `; ${attribute.name}` : `; ${attribute.name}=${attribute.value}`;
  }
  return text;
}

function parsePart(part: string): CookieAttribute {
  const equals = part.indexOf("=");
  if (equals < 0) return { name: trimSpaces(part), value: null };
  return { name: trimSpaces(part.slice(0, equals)), value: trimSpaces(part.slice(equals + 1)) };
}

/** Spaces only: other white space is part of the value. */
function trimSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (text[start] === " ") start++;
  while (end > start && text[end - 1] === " ") end--;
  return text.slice(start, end);
}
