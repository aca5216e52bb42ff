import { COMMAND_LINE } from "./errors.ts";

/** nginx reads files through a buffer of this many bytes; no single word can be longer. */
const WORD_BYTES_MAX = 4096;

/** How a run of words ended. */
type Terminator = ";" | "{" | "}" | "end of file" | "error";

/** One directive's words, or the brace or end of file that stood in place of one. */
export interface Statement {
  readonly terminator: Terminator;
  /** The directive's name and arguments; empty for "}", "end of file" and "error". */
  readonly words: readonly string[];
  /** Line of the first word. */
  readonly startLine: number;
  /** The error's text; "" without one. */
  readonly error: string;
}

/**
 * Splits configuration text into statements by nginx's rules: what a quote, an escape, a comment or a
 * brace means depends on where in a word it stands, so the states follow nginx's one for one.
 */
export class Lexer {
  /** Line of the byte that was read last; after an error, the line that the error belongs to. */
  line = 1;
  readonly #text: string;
  readonly #wordBytesMax: number;
  readonly #file: string;
  #position = 0;
  #words: string[] = [];
  #startLine = 1;

  /** `text` holds one character per byte; `file` may be COMMAND_LINE. */
  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#wordBytesMax = file === COMMAND_LINE ? Infinity : WORD_BYTES_MAX;
  }

  /** Reads on to the end of a statement, a block or the file. What is wrong with the text is a statement, too. */
  next(): Statement {
    this.#words = [];
    this.#startLine = this.line;
    for (;;) {
      const ended = this.#skipToWord() ?? this.#readWord();
      if (ended !== null) return ended;
    }
  }

  /** Skips white space and comments; a statement when it ends here, null when a word begins. */
  #skipToWord(): Statement | null {
    const text = this.#text;
    let commentStart = -1;
    let commentLine = 0;
    for (;;) {
      if (this.#position >= text.length) return this.#endOfFile(this.#words.length > 0);
      if (commentStart >= 0 && this.#position - commentStart >= this.#wordBytesMax) {
        return this.#tooLong(commentStart, commentLine, "");
      }
      const char = text[this.#position]!;
      if (char === "\n") {
        this.line++;
        commentStart = -1;
      } else if (commentStart < 0 && char === "#") {
        commentStart = this.#position;
        commentLine = this.line;
      } else if (commentStart < 0 && !isSpace(char)) {
        break;
      }
      this.#position++;
    }
    return this.#statementAtBrace(text[this.#position]!);
  }

  #statementAtBrace(char: string): Statement | null {
    if (char !== ";" && char !== "{" && char !== "}") return null;
    this.#position++;
    const empty = this.#words.length === 0;
    if (char === "}") return empty ? this.#end("}") : this.#fail('unexpected "}"');
    return empty ? this.#fail(`unexpected "${char}"`) : this.#end(char);
  }

  /** Reads one word; a statement when its terminator followed at once, else null. */
  #readWord(): Statement | null {
    const text = this.#text;
    const first = text[this.#position]!;
    const wordLine = this.line;
    if (this.#words.length === 0) this.#startLine = wordLine;
    const quote = first === '"' || first === "'" ? first : "";
    if (quote !== "") this.#position++;
    const start = this.#position;
    let afterDollar = false;

    for (; ; this.#position++) {
      if (this.#position >= text.length) return this.#endOfFile(true);
      if (this.#position - start >= this.#wordBytesMax) return this.#tooLong(start, wordLine, quote);
      const char = text[this.#position]!;
      if (char === "\n") this.line++;
      if (char === "{" && afterDollar) continue;
      afterDollar = char === "$";
      if (char === "\\") {
        if (text[this.#position + 1] === "\n") this.line++;
        this.#position++;
        continue;
      }
      if (quote === "" ? isSpace(char) || char === ";" || char === "{" : char === quote) break;
    }
    return this.#finishWord(start, wordLine, quote);
  }

  /** Takes the word that ends at the current byte; a quoted one must be followed by a boundary. */
  #finishWord(start: number, wordLine: number, quote: string): Statement | null {
    this.#words.push(unescapeWord(this.#text.slice(start, this.#position)));
    if (quote !== "") {
      this.#position++;
      if (this.#position >= this.#text.length) return this.#endOfFile(true);
      if (this.#position - start >= this.#wordBytesMax) return this.#tooLong(start, wordLine, "");
    }
    const char = this.#text[this.#position]!;
    if (char === ";" || char === "{") {
      this.#position++;
      return this.#end(char);
    }
    if (quote === "") {
      this.#position++;
      return null;
    }
    if (isSpace(char) || char === ")") return null;
    this.#position++;
    return this.#fail(`unexpected "${char}"`);
  }

  #endOfFile(unfinished: boolean): Statement {
    if (!unfinished) return this.#end("end of file");
    return this.#fail(
      this.#file === COMMAND_LINE
        ? 'unexpected end of parameter, expecting ";"'
        : 'unexpected end of file, expecting ";" or "}"',
    );
  }

  #tooLong(start: number, startLine: number, quote: string): Statement {
    this.line = startLine;
    return this.#fail(
      quote === ""
        ? `too long parameter "${this.#text.slice(start, start + 10)}..." started`
        : `too long parameter, probably missing terminating "${quote}" character`,
    );
  }

  #end(terminator: Terminator): Statement {
    return { terminator, words: this.#words, startLine: this.#startLine, error: "" };
  }

  #fail(error: string): Statement {
    return { terminator: "error", words: [], startLine: this.#startLine, error };
  }
}

function isSpace(char: string): boolean {
  return char === " " || char === "\t" || char === "\r" || char === "\n";
}

const ESCAPE = /\\(["'\\trn])/g;

/** Other escapes, such as `\.` or `\$`, keep their backslash: regular expressions need it. */
function unescapeWord(raw: string): string {
  if (!raw.includes("\\")) return raw;
  return raw.replace(ESCAPE, (_, char: string) => {
    if (char === "t") return "\t";
    if (char === "r") return "\r";
    return char === "n" ? "\n" : char;
  });
}
