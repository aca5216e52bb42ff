import { opcode } from "./wire.ts";

/** Where replies are put: more than the runtime's largest read (512 KiB) with a held-back header. */
export const scratch = Buffer.allocUnsafeSlow(600 * 1024);

/**
 * Turns a client's masked frames into the server's unmasked ones, piece by piece as they arrive:
 * a large message is on its way back before its end is there. Keeps nothing but a cut-off header.
 */
export class EchoStream {
  /** True once a close frame has been answered. */
  closed = false;
  #payloadLeft = 0;
  #key0 = 0;
  #key1 = 0;
  #key2 = 0;
  #key3 = 0;
  #masked = false;
  #phase = 0;
  #held: Buffer | null = null;

  /** Puts the bytes to send back at the start of `scratch`; their number. */
  reply(bytes: Buffer): number {
    let input = bytes;
    if (this.#held !== null) {
      input = Buffer.concat([this.#held, bytes]);
      this.#held = null;
    }
    let offset = 0;
    let out = 0;
    while (offset < input.length) {
      if (this.#payloadLeft === 0) {
        const header = this.#readHeader(input, offset, out);
        if (header === 0) {
          this.#held = Buffer.from(input.subarray(offset));
          break;
        }
        offset += header;
        // The reply's header is the client's without the key.
        out += header - 4;
      }
      const take = Math.min(this.#payloadLeft, input.length - offset);
      input.copy(scratch, out, offset, offset + take);
      if (this.#masked) this.#unmask(out, take);
      this.#payloadLeft -= take;
      offset += take;
      out += take;
    }
    return out;
  }

  /** Reads the header at `offset`, writes the reply's at `out`; its length, or 0 when it is cut off. */
  #readHeader(input: Buffer, offset: number, out: number): number {
    if (input.length - offset < 6) return 0;
    const first = input[offset]!;
    const short = input[offset + 1]! & 0x7f;
    const header = short < 126 ? 6 : short === 126 ? 8 : 14;
    if (input.length - offset < header) return 0;
    if (short < 126) this.#payloadLeft = short;
    else if (short === 126) this.#payloadLeft = input.readUInt16BE(offset + 2);
    else this.#payloadLeft = input.readUIntBE(offset + 4, 6);
    input.copy(scratch, out, offset, offset + header - 4);
    scratch[out + 1] = short;
    const code = first & 0x0f;
    if (code === opcode.ping) scratch[out] = (first & 0xf0) | opcode.pong;
    if (code === opcode.close) this.closed = true;
    const key = offset + header - 4;
    this.#key0 = input[key]!;
    this.#key1 = input[key + 1]!;
    this.#key2 = input[key + 2]!;
    this.#key3 = input[key + 3]!;
    this.#masked = (this.#key0 | this.#key1 | this.#key2 | this.#key3) !== 0;
    this.#phase = 0;
    return header;
  }

  #unmask(start: number, length: number): void {
    const key = [this.#key0, this.#key1, this.#key2, this.#key3];
    for (let i = 0; i < length; i += 1) scratch[start + i]! ^= key[(this.#phase + i) & 3]!;
    this.#phase = (this.#phase + length) & 3;
  }
}
