/** An answer to a request, whole. */
export interface Answer {
  readonly status: number;
  /** Status line and fields, latin1, without the empty line. */
  readonly head: string;
  readonly body: Buffer;
  /** Bytes after the body: of the protocol that a 101 has changed to. */
  readonly rest: Buffer;
}

/** The value of a field; null without one. `name` in lower case. */
export function fieldOf(head: string, name: string): string | null {
  for (const line of head.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return null;
}

/** Which configuration gave this answer; -1 when it does not say. */
export function generationOf(head: string): number {
  return Number(fieldOf(head, "x-generation") ?? "-1");
}

/** Puts answers with a Content-Length together; one at a time, no pipelining. */
export class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** Bytes of an answer have come that is not complete. */
  get isInside(): boolean {
    return this.#bytes.length > 0;
  }

  get received(): number {
    return this.#bytes.length;
  }

  /** The answer when these bytes complete it. @throws Error for what is no HTTP/1.1 with a length */
  push(chunk: Buffer): Answer | null {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const end = this.#bytes.indexOf("\r\n\r\n");
    if (end < 0) return null;
    const head = this.#bytes.toString("latin1", 0, end);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? "0");
    if (status === 0) throw new Error(`not an answer: ${JSON.stringify(head.slice(0, 80))}`);
    const length = status === 101 ? 0 : Number(fieldOf(head, "content-length") ?? "NaN");
    if (Number.isNaN(length)) throw new Error(`no Content-Length: ${JSON.stringify(head.slice(0, 200))}`);
    const bodyAt = end + 4;
    if (this.#bytes.length < bodyAt + length) return null;
    const body = this.#bytes.subarray(bodyAt, bodyAt + length);
    const rest = this.#bytes.subarray(bodyAt + length);
    this.#bytes = Buffer.alloc(0);
    return { status, head, body, rest };
  }
}
