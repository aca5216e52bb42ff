import type { Fields } from "../../http/fields.ts";

/** By the part of a variable's name; bounded by the configuration, where these names are written. */
const fieldNames = new Map<string, string>();

/**
 * The value of the field that a variable such as `$http_x_forwarded_for` names: in variables,
 * underscores stand for hyphens. Several fields are joined.
 *
 * @param rest the variable's name behind its prefix, lower case
 */
export function fieldByVariable(fields: Fields, rest: string): string | null {
  let name = fieldNames.get(rest);
  if (name === undefined) {
    name = rest.replaceAll("_", "-");
    fieldNames.set(rest, name);
  }
  const value = fields.getJoined(name);
  return value === null && name !== rest ? byUnderscores(fields, name) : value;
}

/** Names that have underscores themselves, where `underscores_in_headers` lets them in. */
function byUnderscores(fields: Fields, name: string): string | null {
  const found = fields.lowerNames.find(
    (lower) => lower.length === name.length && lower.replaceAll("_", "-") === name,
  );
  return found === undefined ? null : fields.getJoined(found);
}
