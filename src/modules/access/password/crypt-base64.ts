const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The crypt functions' own base64: the lowest six bits come first, three bytes make four characters. */
export function cryptBase64(bytes: Uint8Array, order: readonly (readonly number[])[]): string {
  let text = "";
  for (const group of order) {
    let value = 0;
    for (const index of group) value = (value << 8) | (bytes[index] ?? 0);
    const characters = Math.ceil((group.length * 8) / 6);
    for (let i = 0; i < characters; i++) {
      text += ALPHABET[value & 63]!;
      value >>>= 6;
    }
  }
  return text;
}
