import { ESCAPE_CLASSES, POSIX_CLASSES, addAll, complement, emptySet, foldCase } from "./byte-set.ts";
import type { ByteSet } from "./byte-set.ts";
import { unicodeClass } from "./pcre-property.ts";
import type { PcreNode } from "./pcre-syntax.ts";
import { caseVariants, utf8Literal, utf8Node } from "./pcre-utf8.ts";

/** Bytes, and all that there is with `(*UTF)`. */
const BYTES = 256;
const CODE_POINTS = 0x110000;

/** `\h` and `\v` beyond the first 256 characters. */
const FAR_SPACES: Readonly<Record<string, RegExp>> = {
  h: /[\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]/u,
  v: /[\u2028\u2029]/u,
};
const FAR_MAX = 0x3000;

/**
 * What a pattern's characters are: bytes, of which only ASCII letters have cases; with `(*UCP)` bytes with
 * Unicode's properties; with `(*UTF)` code points, which are matched as bytes all the same.
 */
export class PcreCharacters {
  readonly utf: boolean;
  readonly ucp: boolean;
  readonly #known = new Map<string, ByteSet>();

  constructor(utf: boolean, ucp: boolean) {
    this.utf = utf;
    this.ucp = ucp;
  }

  /** How many there are. */
  get size(): number {
    return this.utf ? CODE_POINTS : BYTES;
  }

  /** A set of none of them, to be filled. */
  emptySet(): ByteSet {
    return emptySet(this.size);
  }

  /** `\d`, `\D` and the like; undefined for a letter that stands for no class. */
  escapeClass(letter: string): ByteSet | undefined {
    if (!this.utf && !this.ucp) return ESCAPE_CLASSES.get(letter);
    const lower = letter.toLowerCase();
    if (!ESCAPE_CLASSES.has(lower)) return undefined;
    const set = this.#kept(lower, () => this.#escapeClass(lower));
    return letter === lower ? set : complement(set);
  }

  #escapeClass(lower: string): ByteSet {
    const unicode = this.ucp ? unicodeClass(lower, this.size) : null;
    if (unicode !== null) return unicode;
    const set = this.#widened(ESCAPE_CLASSES.get(lower)!);
    const far = FAR_SPACES[lower];
    if (this.utf && far !== undefined) {
      for (let code = BYTES; code <= FAR_MAX; code++) if (far.test(String.fromCodePoint(code))) set[code] = 1;
    }
    return set;
  }

  /** `[:alpha:]` and the like; undefined for a name that does not exist. */
  posixClass(name: string): ByteSet | undefined {
    const plain = POSIX_CLASSES.get(name);
    if (plain === undefined || (!this.utf && !this.ucp)) return plain;
    return this.#kept(`[${name}]`, () => {
      if (this.ucp && name === "blank") return this.#escapeClass("h");
      return (this.ucp ? unicodeClass(name, this.size) : null) ?? this.#widened(plain);
    });
  }

  /** What words are made of. */
  get words(): ByteSet {
    return this.escapeClass("w")!;
  }

  /** What a dot matches. */
  get notNewline(): ByteSet {
    return this.#kept(".", () => {
      const set = this.all.slice();
      set[0x0a] = 0;
      return set;
    });
  }

  get all(): ByteSet {
    return this.#kept("all", () => complement(this.emptySet()));
  }

  /** Adds the other cases of every letter. */
  fold(set: ByteSet): void {
    if (!this.utf && !this.ucp) return foldCase(set);
    const variants = this.emptySet();
    for (let code = set.indexOf(1); code >= 0; code = set.indexOf(1, code + 1)) {
      for (const variant of caseVariants(code)) if (variant < this.size) variants[variant] = 1;
    }
    addAll(set, variants);
  }

  /** What matches one character out of a set. */
  node(set: ByteSet): PcreNode {
    return this.utf ? utf8Node(set) : { kind: "set", set };
  }

  /** What matches one character. */
  literal(code: number, caseless: boolean): PcreNode {
    if (this.utf) return utf8Literal(caseless ? caseVariants(code) : [code]);
    const set = emptySet();
    set[code] = 1;
    if (caseless) this.fold(set);
    return { kind: "set", set };
  }

  #widened(bytes: ByteSet): ByteSet {
    const set = this.emptySet();
    set.set(bytes);
    return set;
  }

  #kept(name: string, make: () => ByteSet): ByteSet {
    const known = this.#known.get(name) ?? make();
    this.#known.set(name, known);
    return known;
  }
}
