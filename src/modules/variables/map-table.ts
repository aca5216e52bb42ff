import type { CompiledRegex } from "../../config/regex.ts";
import { lowerAscii } from "../../http/fields.ts";

/** Why a key cannot be added; nginx's words for it begin with these. */
export type KeyFault = "invalid hostname or wildcard" | "conflicting parameter";

/** Matches a text by regular expression; the caller keeps the captures. */
export type RegexMatcher = (regex: CompiledRegex, text: string) => boolean;

/**
 * The keys of a `map`: exact ones (without regard to case), host name masks, regular expressions, tried
 * in this order. Among masks, leading ones come first, and the longest wins.
 */
export class MapTable<V> {
  private readonly exact = new Map<string, V>();
  /** Suffixes with their dot: ".example.com". */
  private readonly suffixes = new Map<string, V>();
  /** Prefixes with their dot: "www.example.". */
  private readonly prefixes = new Map<string, V>();
  /** Longer masks than these there are none: what a client names may have thousands of dots. */
  private longestSuffix = 0;
  private longestPrefix = 0;
  private readonly regexes: { readonly regex: CompiledRegex; readonly value: V }[] = [];

  /** Adds a key; `masks` says whether "*.example.com", ".example.com" and "example.*" are masks. */
  add(key: string, value: V, masks: boolean): KeyFault | null {
    const lower = lowerAscii(key);
    if (!masks) return put(this.exact, lower, value);
    const stars = lower.split("*").length - 1;
    if (stars > 1 || lower.includes("..") || lower.includes("\0")) return "invalid hostname or wildcard";
    if (lower.length > 1 && lower.startsWith(".")) return this.addDotted(lower, value);
    if (lower.length > 2 && lower.startsWith("*.")) {
      this.longestSuffix = Math.max(this.longestSuffix, lower.length - 1);
      return put(this.suffixes, lower.slice(1), value);
    }
    if (lower.length > 2 && lower.endsWith(".*")) {
      this.longestPrefix = Math.max(this.longestPrefix, lower.length - 1);
      return put(this.prefixes, lower.slice(0, -1), value);
    }
    return stars > 0 ? "invalid hostname or wildcard" : put(this.exact, lower, value);
  }

  /** Adds an expression behind those that are there: the first that matches counts. */
  addRegex(regex: CompiledRegex, value: V): void {
    this.regexes.push({ regex, value });
  }

  /** The value for `text`; undefined when no key matches. An empty text is only ever matched exactly. */
  find(text: string, matches: RegexMatcher): V | undefined {
    const found = this.findKey(lowerAscii(text));
    if (found !== undefined || text === "") return found;
    for (const { regex, value } of this.regexes) if (matches(regex, text)) return value;
    return undefined;
  }

  private findKey(lower: string): V | undefined {
    const exact = this.exact.get(lower);
    if (exact !== undefined) return exact;
    return this.findSuffix(lower) ?? this.findPrefix(lower);
  }

  /** ".example.com" stands for the name itself, too. */
  private addDotted(lower: string, value: V): KeyFault | null {
    if (this.exact.has(lower.slice(1)) || this.suffixes.has(lower)) return "conflicting parameter";
    this.exact.set(lower.slice(1), value);
    this.suffixes.set(lower, value);
    this.longestSuffix = Math.max(this.longestSuffix, lower.length);
    return null;
  }

  private findSuffix(lower: string): V | undefined {
    if (this.suffixes.size === 0) return undefined;
    const first = Math.max(0, lower.length - this.longestSuffix);
    for (let dot = lower.indexOf(".", first); dot >= 0; dot = lower.indexOf(".", dot + 1)) {
      const value = this.suffixes.get(lower.slice(dot));
      if (value !== undefined) return value;
    }
    return undefined;
  }

  private findPrefix(lower: string): V | undefined {
    if (this.prefixes.size === 0) return undefined;
    for (
      let dot = lower.lastIndexOf(".", this.longestPrefix - 1);
      dot > 0;
      dot = lower.lastIndexOf(".", dot - 1)
    ) {
      const value = this.prefixes.get(lower.slice(0, dot + 1));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function put<V>(table: Map<string, V>, key: string, value: V): KeyFault | null {
  if (table.has(key)) return "conflicting parameter";
  table.set(key, value);
  return null;
}
