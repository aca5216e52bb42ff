import { createHash, randomBytes } from "node:crypto";
import { keyHash } from "./key-hash.ts";
import { ZoneLock } from "./zone-lock.ts";

/** What a table is made for. */
export interface TableShape {
  /** Keys that it holds at most. */
  readonly keysMax: number;
  /** Nodes that it has room for: more than keys where a key may have several. */
  readonly nodesMax: number;
  /** Bytes of a node, a multiple of 8. */
  readonly nodeBytes: number;
  /** Where a node's key begins: between `nodeHeadBytes` and here is what the table's user keeps. */
  readonly keyOffset: number;
}

/** Bytes at the beginning of a node that belong to the table. */
export const nodeHeadBytes = 20;

/** A SHA-256. */
const digestWords = 8;

/** Before the buckets: the table's own words, then room for a note. */
const headBytes = 4096;
const noteOffset = 64;
const noteBytesMax = headBytes - noteOffset;

// Words of the head. A region of zeros is a table that has yet to be made.
const lockWord = 0; // and the holder's number behind it
const madeWord = 2;
const freeWord = 3;
/** Nodes from this one on were never used. */
const freshWord = 4;
const oldestWord = 5;
const newestWord = 6;
const keysWord = 7;
const secretWord = 8; // two
const noteLengthWord = 10;

// Words of a node. Links are numbers of nodes, from 1; 0 is none.
const chainNode = 0;
const olderNode = 1;
const newerNode = 2;
const hashNode = 3;
/** Bytes of the key; 0 marks a node that is not in use. */
const lengthNode = 4;

/**
 * A hash table of small nodes in shared memory, in the order in which they were used last.
 *
 * Works on the key given to `select`. All else happens between `lock` and `unlock`, which any thread may do
 * on its own object over the same memory. Nothing here allocates or throws under the lock.
 */
export class ZoneTable {
  /** Of the region; a node's begin at `word(node)`. */
  readonly words: Int32Array;
  /** The same memory as 64-bit numbers: a node's begin at `word(node) / 2`. */
  readonly numbers: Float64Array;
  private readonly bytes: Buffer;
  private readonly shape: TableShape;
  private readonly mutex: ZoneLock;
  private readonly buckets: number;
  private readonly bucketMask: number;
  private readonly nodes: number;
  private readonly nodeWords: number;
  private readonly keyWord: number;
  /** The selected key: padded with zeros to whole words. */
  private readonly key: Buffer;
  private readonly keyWords: Int32Array;
  private keyWordCount = 0;
  private keyLength = 0;
  private hash = 0;

  /** Bytes of the region for a table. */
  static byteLength(shape: TableShape): number {
    return headBytes + bucketCount(shape) * 4 + shape.nodesMax * shape.nodeBytes;
  }

  /**
   * The table in a region. `owner`: number of this thread. The first one makes the table: the main thread,
   * which compiles a configuration before it gives it to others.
   */
  constructor(region: SharedArrayBuffer, shape: TableShape, owner: number) {
    this.words = new Int32Array(region);
    this.numbers = new Float64Array(region);
    this.bytes = Buffer.from(region);
    this.shape = shape;
    this.mutex = new ZoneLock(this.words, lockWord, owner);
    this.buckets = headBytes / 4;
    this.bucketMask = bucketCount(shape) - 1;
    this.nodeWords = shape.nodeBytes / 4;
    this.nodes = this.buckets + bucketCount(shape) - this.nodeWords;
    this.keyWord = shape.keyOffset / 4;
    const keyBytes = new ArrayBuffer(shape.nodeBytes - shape.keyOffset);
    this.key = Buffer.from(keyBytes);
    this.keyWords = new Int32Array(keyBytes);
    if (this.words[madeWord] === 0) this.make();
  }

  /** Keys in the table. */
  get keyCount(): number {
    return this.words[keysWord]!;
  }

  /** The node used last longest ago, or 0. */
  get oldest(): number {
    return this.words[oldestWord]!;
  }

  /** A line about the zone that outlives configurations; "" at first. Latin1; cut where there is no more room. */
  get note(): string {
    return this.bytes.toString("latin1", noteOffset, noteOffset + this.words[noteLengthWord]!);
  }

  set note(text: string) {
    this.words[noteLengthWord] = this.bytes.write(cutNote(text), noteOffset, "latin1");
  }

  /** The note would read so. */
  hasNote(text: string): boolean {
    return this.note === cutNote(text);
  }

  /** First word of a node. */
  word(node: number): number {
    return this.nodes + node * this.nodeWords;
  }

  /**
   * Takes the table's lock, for moments: see `ZoneLock`. What a dead thread has left half done is put right
   * before.
   */
  lock(): void {
    if (this.mutex.acquire()) this.rebuild();
  }

  /** Lets the lock go. */
  unlock(): void {
    this.mutex.release();
  }

  /** Opens the lock of a thread that has ended. */
  unlockFor(owner: number): void {
    if (!this.mutex.takeFrom(owner)) return;
    this.rebuild();
    this.unlock();
  }

  /** The key that what follows is about: not empty, latin1. Needs no lock. */
  select(key: string): void {
    this.keyLength = key.length;
    let used = key.length;
    if (used > this.key.length) {
      // Long keys are told apart by a digest: no two that anybody finds have the same.
      used = createHash("sha256").update(key, "latin1").digest().copy(this.key, 0);
    } else {
      for (let index = 0; index < used; index++) this.key[index] = key.charCodeAt(index);
    }
    this.keyWordCount = (used + 3) >> 2;
    this.key.fill(0, used, this.keyWordCount * 4);
    this.hash = keyHash(
      this.keyWords,
      this.keyWordCount,
      this.words[secretWord]! ^ this.keyLength,
      this.words[secretWord + 1]!,
    );
  }

  /** The first node with the selected key, or 0. */
  first(): number {
    return this.matching(this.words[this.bucket(this.hash)]!);
  }

  /** The one after it, or 0. */
  next(node: number): number {
    return this.matching(this.words[this.word(node) + chainNode]!);
  }

  /** A new node with the selected key, as the newest; 0 when there is no room. The user's part is as it was. */
  insert(): number {
    const { words, shape } = this;
    const isNew = this.first() === 0;
    if (isNew && words[keysWord]! >= shape.keysMax) return 0;
    const node = this.allocate();
    if (node === 0) return 0;
    const at = this.word(node);
    const start = at + this.keyWord;
    for (let index = 0; index < this.keyWordCount; index++) words[start + index] = this.keyWords[index]!;
    words[at + hashNode] = this.hash;
    words[at + lengthNode] = this.keyLength;
    if (isNew) words[keysWord]! += 1;
    this.chain(node);
    this.append(node);
    return node;
  }

  /** Makes a node the newest. */
  touch(node: number): void {
    if (this.words[newestWord] === node) return;
    this.detach(node);
    this.append(node);
  }

  /** Takes a node away; its memory is free for another key. */
  remove(node: number): void {
    const { words } = this;
    const at = this.word(node);
    this.detach(node);
    this.unchain(node);
    if (!this.hasTwin(node)) words[keysWord]! -= 1;
    words[at + lengthNode] = 0;
    words[at + chainNode] = words[freeWord]!;
    words[freeWord] = node;
  }

  /** Every node in use, oldest first. `visit` may remove the one that it is given. */
  each(visit: (node: number) => void): void {
    const { words } = this;
    let node = words[oldestWord]!;
    while (node !== 0) {
      const newer = words[this.word(node) + newerNode]!;
      visit(node);
      node = newer;
    }
  }

  private make(): void {
    const { words } = this;
    const secret = randomBytes(8);
    words[secretWord] = secret.readInt32LE(0);
    words[secretWord + 1] = secret.readInt32LE(4);
    words[freshWord] = 1;
    words[madeWord] = 1;
  }

  private bucket(hash: number): number {
    return this.buckets + (hash & this.bucketMask);
  }

  private matching(from: number): number {
    const { words, hash } = this;
    for (let node = from; node !== 0;) {
      const at = this.word(node);
      if (words[at + hashNode] === hash && this.hasKey(at)) return node;
      node = words[at + chainNode]!;
    }
    return 0;
  }

  private hasKey(at: number): boolean {
    const { words, keyWords, keyWord } = this;
    if (words[at + lengthNode] !== this.keyLength) return false;
    for (let index = 0; index < this.keyWordCount; index++) {
      if (words[at + keyWord + index] !== keyWords[index]) return false;
    }
    return true;
  }

  private allocate(): number {
    const { words } = this;
    const node = words[freeWord]!;
    if (node !== 0) {
      words[freeWord] = words[this.word(node) + chainNode]!;
      return node;
    }
    const fresh = words[freshWord]!;
    if (fresh > this.shape.nodesMax) return 0;
    words[freshWord] = fresh + 1;
    return fresh;
  }

  private chain(node: number): void {
    const { words } = this;
    const at = this.word(node);
    const bucket = this.bucket(words[at + hashNode]!);
    words[at + chainNode] = words[bucket]!;
    words[bucket] = node;
  }

  private unchain(node: number): void {
    const { words } = this;
    const at = this.word(node);
    let link = this.bucket(words[at + hashNode]!);
    while (words[link] !== node && words[link] !== 0) link = this.word(words[link]!) + chainNode;
    if (words[link] === node) words[link] = words[at + chainNode]!;
  }

  /** Another node in the chain has this one's key. */
  private hasTwin(node: number): boolean {
    const { words, keyWord } = this;
    const at = this.word(node);
    const length = words[at + lengthNode]!;
    const count = length > this.key.length ? digestWords : (length + 3) >> 2;
    for (let other = words[this.bucket(words[at + hashNode]!)]!; other !== 0;) {
      const place = this.word(other);
      other = words[place + chainNode]!;
      if (place === at || words[place + lengthNode] !== length) continue;
      let index = 0;
      while (index < count && words[place + keyWord + index] === words[at + keyWord + index]) index += 1;
      if (index === count) return true;
    }
    return false;
  }

  private append(node: number): void {
    const { words } = this;
    const at = this.word(node);
    const newest = words[newestWord]!;
    words[at + olderNode] = newest;
    words[at + newerNode] = 0;
    words[newest === 0 ? oldestWord : this.word(newest) + newerNode] = node;
    words[newestWord] = node;
  }

  private detach(node: number): void {
    const { words } = this;
    const at = this.word(node);
    const older = words[at + olderNode]!;
    const newer = words[at + newerNode]!;
    words[older === 0 ? oldestWord : this.word(older) + newerNode] = newer;
    words[newer === 0 ? newestWord : this.word(newer) + olderNode] = older;
  }

  /** Ties all links anew, after a thread has died while it changed them. The order of use is lost. */
  private rebuild(): void {
    const { words } = this;
    words.fill(0, this.buckets, this.buckets + this.bucketMask + 1);
    words[freeWord] = 0;
    words[oldestWord] = 0;
    words[newestWord] = 0;
    words[keysWord] = 0;
    for (let node = 1; node < words[freshWord]!; node++) {
      const at = this.word(node);
      if (words[at + lengthNode] === 0) {
        words[at + chainNode] = words[freeWord]!;
        words[freeWord] = node;
        continue;
      }
      if (!this.hasTwin(node)) words[keysWord]! += 1;
      this.chain(node);
      this.append(node);
    }
  }
}

/** A power of two, so that there is about a bucket for each key. */
function bucketCount({ keysMax }: TableShape): number {
  return 2 ** Math.ceil(Math.log2(Math.max(keysMax, 2)));
}

function cutNote(text: string): string {
  return text.slice(0, noteBytesMax);
}
