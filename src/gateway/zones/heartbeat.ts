import { latin1, writeLatin1 } from "../../http/latin1.ts";

/** Bytes of a request line that are kept; what says more is cut. nginx cuts its log lines at 2048 in all. */
const textBytesMax = 1024;

/**
 * So many requests have their line in memory, each written once: a turn seldom works on more, and who works on one
 * again then tells only its number. A power of two.
 */
const places = 32;

/** Indices into the 32-bit words ahead of the texts. */
const beatWord = 0;
const threadWord = 1;
/** Of the request that was worked on last, from 1; 0: none since the last beat. */
const placeWord = 2;
/** 1 while it is. */
const busyWord = 3;
const lengthWords = 4;
const headBytes = (lengthWords + places) * Int32Array.BYTES_PER_ELEMENT;

/** A request, as far as the signs of life tell of it. */
export interface HeartbeatSubject {
  readonly head: { readonly requestLine: string };
  /** By which its line is found again; 0 before it was written. The heartbeat's own. */
  heartbeatSerial: number;
}

/** What a thread works on, or has worked on. */
export interface HeartbeatWork {
  /** Latin1. */
  readonly requestLine: string;
  /** False: it has left that work, and since then does something that is not known. */
  readonly isUnderWay: boolean;
}

/**
 * The signs of life of a thread, in memory that another one reads, also when this one has stopped answering:
 * how often it has come back to its event loop, and which request it works on.
 */
export class Heartbeat {
  static readonly byteLength = headBytes + places * textBytesMax;
  private readonly words: Int32Array;
  private readonly texts: Buffer;
  /** Whose lines stand in the memory, by place. */
  private readonly serials = new Float64Array(places);
  private lastSerial = 0;
  private current: HeartbeatSubject | null = null;

  constructor(memory: SharedArrayBuffer | ArrayBuffer = new ArrayBuffer(Heartbeat.byteLength)) {
    this.words = new Int32Array(memory, 0, lengthWords + places);
    this.texts = Buffer.from(memory, headBytes, places * textBytesMax);
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
    this.current = null;
    this.words[placeWord] = 0;
    Atomics.add(this.words, beatWord, 1);
  }

  /** Has changed since `beat`; 0 before the first. */
  get beats(): number {
    return Atomics.load(this.words, beatWord);
  }

  /** The thread works on this request until `leave`, which must be given what this returns: works may be nested. */
  enter(request: HeartbeatSubject): HeartbeatSubject | null {
    const before = this.current;
    if (before !== request) this.turnTo(request);
    return before;
  }

  /** Ends what `enter` began, and goes back to the work around it, if any. */
  leave(before: HeartbeatSubject | null): void {
    if (before === this.current) return;
    if (before !== null) return this.turnTo(before);
    this.current = null;
    this.words[busyWord] = 0;
  }

  private turnTo(request: HeartbeatSubject): void {
    const { heartbeatSerial } = request;
    const isWritten = heartbeatSerial > 0 && this.serials[heartbeatSerial % places] === heartbeatSerial;
    if (!isWritten) this.write(request);
    this.current = request;
    this.words[placeWord] = (request.heartbeatSerial % places) + 1;
    this.words[busyWord] = 1;
  }

  private write(request: HeartbeatSubject): void {
    this.lastSerial += 1;
    const place = this.lastSerial % places;
    this.serials[place] = this.lastSerial;
    request.heartbeatSerial = this.lastSerial;
    const start = place * textBytesMax;
    const line = request.head.requestLine;
    const text = line.length > textBytesMax ? line.slice(0, textBytesMax) : line;
    this.words[lengthWords + place] = writeLatin1(this.texts, text, start);
  }

  /** Null when nothing was worked on since the last beat. */
  get work(): HeartbeatWork | null {
    const place = Atomics.load(this.words, placeWord) - 1;
    if (place < 0) return null;
    const start = place * textBytesMax;
    const end = start + Atomics.load(this.words, lengthWords + place);
    const isUnderWay = Atomics.load(this.words, busyWord) === 1;
    return { requestLine: latin1(this.texts, start, end), isUnderWay };
  }
}
