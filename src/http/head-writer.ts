import type { Fields } from "./fields.ts";
import { writeLatin1 } from "./latin1.ts";
import { reasonPhrase } from "./status.ts";

/**
 * Builds the head of a request or a response and makes bytes of it once, at the end.
 * Values must come from checked heads or configuration: nothing is looked at here.
 */
export class HeadWriter {
  #text: string;

  private constructor(firstLine: string) {
    this.#text = firstLine;
  }

  /** Begins with a request line. `target` stands there as it is, in whichever form (RFC 9112 section 3.2). */
  static request(method: string, target: string, version: "1.0" | "1.1"): HeadWriter {
    return new HeadWriter(`${method} ${target} HTTP/${version}\r\n`);
  }

  /** @param reason null takes nginx's phrase; a status without one ends in a space, as nginx writes it */
  static response(status: number, reason: string | null = null): HeadWriter {
    return new HeadWriter(
      `HTTP/1.1 ${String(status).padStart(3, "0")} ${reason ?? reasonPhrase(status)}\r\n`,
    );
  }

  /** Appends a field line. */
  field(name: string, value: string): this {
    this.#text += name + ": " + value + "\r\n";
    return this;
  }

  /** Appends a field line for each of them, in order. */
  fields(fields: Fields): this {
    for (let i = 0; i < fields.size; i++) this.field(fields.nameAt(i), fields.valueAt(i));
    return this;
  }

  /** The head with its empty line. */
  finish(): Buffer {
    return Buffer.from(this.#text + "\r\n", "latin1");
  }

  /** The head with its empty line and a body behind it: small answers leave in one piece. */
  finishWith(body: Uint8Array): Buffer {
    const text = this.#text + "\r\n";
    const bytes = Buffer.allocUnsafe(text.length + body.length);
    writeLatin1(bytes, text, 0);
    bytes.set(body, text.length);
    return bytes;
  }
}
