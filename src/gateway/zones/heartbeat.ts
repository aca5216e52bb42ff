import { latin1, writeLatin1 } from "../../http/latin1.ts";

/** Bytes of a request line that are kept; what says more is cut. nginx cuts its log lines at 2048 in all. */
const textBytesMax = 1024;

/** Indices into the 32-bit words ahead of the text. */
const beatWord = 0;
const threadWord = 1;
const lengthWord = 2;
const headBytes = 16;

/**
 * The signs of life of a thread, in memory that another one reads, also when this one has stopped answering:
 * how often it has come back to its event loop, and which request it has begun last.
 */
export class Heartbeat {
  static readonly byteLength = headBytes + textBytesMax;
  private readonly words: Int32Array;
  private readonly text: Buffer;
  /** What stands in the memory. */
  private line = "";

  constructor(memory: SharedArrayBuffer | ArrayBuffer = new ArrayBuffer(Heartbeat.byteLength)) {
    this.words = new Int32Array(memory, 0, headBytes / Int32Array.BYTES_PER_ELEMENT);
    this.text = Buffer.from(memory, headBytes, textBytesMax);
  }

  /** Told by the thread itself, once it has begun: the number by which the system knows it, or 0. */
  set systemId(id: number) {
    this.words[threadWord] = id;
  }

  get systemId(): number {
    return Atomics.load(this.words, threadWord);
  }

  /** The thread has come back to its event loop. What it did before is no matter any more. */
  beat(): void {
    this.line = "";
    this.words[lengthWord] = 0;
    Atomics.add(this.words, beatWord, 1);
  }

  /** Has changed since `beat`; 0 before the first. */
  get beats(): number {
    return Atomics.load(this.words, beatWord);
  }

  /** The thread works on this from here on. `line`: latin1. */
  begin(line: string): void {
    if (line === this.line) return;
    this.line = line;
    this.words[lengthWord] = writeLatin1(this.text, line, 0);
  }

  /** The request line that was begun last, "" when none was since the last beat. Latin1. */
  get request(): string {
    return latin1(this.text, 0, Atomics.load(this.words, lengthWord));
  }
}
