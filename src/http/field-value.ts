const token = /^[\w!#$%&'*+.^`|~-]+$/;

/** Whether it can stand as the method of a request: a token (RFC 9110, section 5.6.2). */
export function isMethod(text: string): boolean {
  return token.test(text);
}

const unsafe = /[\0\r\n]/;
const unsafeRuns = /[\0\r\n]+/g;

/**
 * A field's value as it may go on the wire. What variables hold (a decoded URI, a capture) may contain line
 * ends, which would begin another field or end the head: as RFC 9110, section 5.5 wants it, spaces take
 * their place. nginx sends them as they are.
 */
export function safeFieldValue(value: string): string {
  return unsafe.test(value) ? value.replace(unsafeRuns, " ") : value;
}

const unsafeInTarget = /[\0- \x7f]/;

/**
 * The same for a request's target, where such bytes are escaped; spaces and other controls, too, which would
 * end the target (RFC 9112, section 3.2).
 */
export function safeTarget(target: string): string {
  if (!unsafeInTarget.test(target)) return target;
  return target.replace(
    /[\0- \x7f]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
