import type { BodyFilter, BodyOutput } from "../../gateway/request/body-filter.ts";
import { lowerAscii } from "../../http/fields.ts";

/** A string that `sub_filter` replaces, and what with: worked out once for each body, when it is found first. */
export interface Pattern {
  /** Found without regard to ASCII case; not empty. */
  readonly text: string;
  readonly replacement: () => Buffer;
}

interface SoughtString {
  readonly lower: string;
  readonly replacement: () => Buffer;
  done: boolean;
  /** Where it stands next in the text that is searched: `unknown`, or `nowhere`. */
  at: number;
}

const unknown = -2;
const nowhere = -1;

/**
 * Replaces strings in a body that comes in pieces. Holds back only what may be the beginning of a string. Of several strings that begin at one place, the one that was named first wins.
 */
export class SubstitutionFilter implements BodyFilter {
  onDrain: () => void = () => undefined;
  private readonly targets: SoughtString[];
  private readonly once: boolean;
  private readonly next: BodyOutput;
  private readonly longest: number;
  private held = Buffer.alloc(0);

  /** @param once each string is replaced only where it stands first */
  constructor(patterns: readonly Pattern[], once: boolean, next: BodyOutput) {
    this.targets = patterns.map(({ text, replacement }) => {
      let kept: Buffer | null = null;
      return {
        lower: lowerAscii(text),
        replacement: () => (kept ??= replacement()),
        done: false,
        at: unknown,
      };
    });
    this.longest = Math.max(...patterns.map(({ text }) => text.length));
    this.once = once;
    this.next = next;
  }

  write(bytes: Buffer): boolean {
    return this.pass(this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]), false);
  }

  flush(done?: () => void): void {
    this.next.flush(done);
  }

  end(): void {
    this.pass(this.held, true);
    this.next.end();
  }

  fail(error: Error): void {
    this.next.fail(error);
  }

  resume(): void {
    this.onDrain();
  }

  close(): void {
    this.held = Buffer.alloc(0);
  }

  /** Puts out what is decided; `last`: nothing follows. */
  private pass(bytes: Buffer, last: boolean): boolean {
    const lower = lowerAscii(bytes.toString("latin1"));
    const parts: Buffer[] = [];
    for (const target of this.targets) target.at = unknown;
    let limit = last ? bytes.length : this.beginningIn(lower, 0);
    let from = 0;
    for (
      let found = this.find(lower, 0);
      found !== null && found.at < limit;
      found = this.find(lower, from)
    ) {
      parts.push(bytes.subarray(from, found.at), found.replacement());
      from = found.at + found.lower.length;
      if (this.once) found.done = true;
      if (!last && (this.once || from > limit)) limit = this.beginningIn(lower, from);
    }
    parts.push(bytes.subarray(from, limit));
    this.held = Buffer.from(bytes.subarray(limit));
    const output = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return output.length === 0 || this.next.write(output);
  }

  /** Where, from `from` on, a string may begin whose end has not come; the length of `lower` for nowhere. */
  private beginningIn(lower: string, from: number): number {
    const { length } = lower;
    let at = Math.max(from, length - this.longest + 1);
    while (at < length && !this.targets.some((target) => mayBegin(target, lower, at))) at++;
    return Math.max(from, Math.min(at, length));
  }

  /** The string that stands next. Where each stands is kept: none is looked for twice in the same bytes. */
  private find(lower: string, from: number): SoughtString | null {
    let found: SoughtString | null = null;
    for (const target of this.targets) {
      if (target.done || target.at === nowhere) continue;
      if (target.at < from) target.at = lower.indexOf(target.lower, from);
      if (target.at >= 0 && (found === null || target.at < found.at)) found = target;
    }
    return found;
  }
}

/** What there is from `at` on is less than the string, and its beginning. */
function mayBegin({ lower, done }: SoughtString, text: string, at: number): boolean {
  if (done || lower.length <= text.length - at) return false;
  for (let index = at; index < text.length; index++)
    if (text.charCodeAt(index) !== lower.charCodeAt(index - at)) return false;
  return true;
}
