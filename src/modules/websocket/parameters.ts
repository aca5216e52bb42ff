import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseNumber, parseSize } from "../../config/values.ts";
import type { Sides } from "../../gateway/serve/websocket-policy.ts";
import { isSendableCloseCode } from "../../websocket/close-codes.ts";

/** The `name=value` parameters of a directive. Each read takes its parameter away; what is left is refused. */
export class Parameters {
  private readonly scope: Scope;
  private readonly left = new Map<string, string>();

  /** @throws ConfigError for what is no parameter, or stands twice */
  constructor(scope: Scope, parameters: readonly string[]) {
    this.scope = scope;
    for (const parameter of parameters) {
      const equals = parameter.indexOf("=");
      const name = parameter.slice(0, equals);
      if (equals < 1 || this.left.has(name)) this.refuse(parameter);
      this.left.set(name, parameter.slice(equals + 1));
    }
  }

  /** As it stands; null where it is not there. */
  text(name: string): string | null {
    return this.read<string | null>(name, null, (text) => text);
  }

  /** A time in milliseconds. */
  time(name: string, usual: number): number {
    return this.read(name, usual, parseMilliseconds);
  }

  /** A whole number. */
  number(name: string, usual: number): number {
    return this.read(name, usual, parseNumber);
  }

  /** "client", "upstream" or "both". */
  sides(name: string, usual: Sides): Sides {
    return this.read(name, usual, (word) => {
      if (word === "both") return { client: true, upstream: true };
      if (word !== "client" && word !== "upstream") return null;
      return { client: word === "client", upstream: word === "upstream" };
    });
  }

  /** A code that may stand in a close frame. */
  closeCode(name: string, usual: number): number {
    return this.read(name, usual, (text) => {
      const code = parseNumber(text);
      return code !== null && isSendableCloseCode(code) ? code : null;
    });
  }

  /** One of `words`. */
  word<W extends string>(name: string, words: readonly W[], usual: W): W {
    return this.read(name, usual, (text) => words.find((word) => word === text) ?? null);
  }

  /** "10/s", "600/m": so many a second. 0 where it is not there. */
  perSecond(name: string, unit: "messages" | "bytes"): number {
    return this.read(name, 0, (text) => {
      const [, amount = "", per] = /^(.+?)\/([sm])$/s.exec(text) ?? [];
      const value = unit === "bytes" ? parseSize(amount) : parseNumber(amount);
      if (value === null || value === 0) return null;
      return per === "m" ? value / 60 : value;
    });
  }

  /** @throws ConfigError for a parameter that nobody has read */
  end(): void {
    for (const [name, value] of this.left) this.refuse(`${name}=${value}`);
  }

  private read<T>(name: string, usual: T, parse: (text: string) => T | null): T {
    const text = this.left.get(name);
    if (text === undefined) return usual;
    this.left.delete(name);
    return parse(text) ?? this.refuse(`${name}=${text}`);
  }

  private refuse(parameter: string): never {
    return this.scope.fail(`invalid parameter "${parameter}"`);
  }
}

/** The first argument, a time that is not 0. @throws ConfigError */
export function readTime(scope: Scope, directive: Directive): number {
  return parseMilliseconds(directive.args[0] ?? "") || refuse(scope, directive, "invalid value");
}
