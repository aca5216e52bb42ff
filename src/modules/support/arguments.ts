import { lowerAscii } from "../../http/fields.ts";

/**
 * The value of an argument as it was sent; null when there is no `name=` at the start or behind a "&".
 * The first of several counts; names are compared without case.
 */
export function findArgument(args: string, name: string): string | null {
  if (args === "" || name === "") return null;
  const wanted = `${name}=`;
  let start = 0;
  for (;;) {
    const end = args.indexOf("&", start);
    const stop = end < 0 ? args.length : end;
    const equals = start + name.length;
    if (equals < stop && lowerAscii(args.slice(start, equals + 1)) === wanted)
      return args.slice(equals + 1, stop);
    if (end < 0) return null;
    start = end + 1;
  }
}
