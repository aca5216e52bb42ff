/** Whether the value of a field Upgrade names a protocol: an empty list asks for nothing (RFC 9110, section 7.8). */
export function asksForUpgrade(value: string): boolean {
  return /[^\s,]/.test(value);
}
