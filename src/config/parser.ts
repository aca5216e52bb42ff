import type { Pace } from "../net/pace.ts";
import { COMMAND_LINE } from "./errors.ts";
import { Lexer } from "./lexer.ts";
import type { Statement } from "./lexer.ts";
import type { Block, Directive, SyntaxError } from "./tree.ts";

/** A block whose closing brace has not been read yet, with the directive that opened it. */
interface OpenBlock {
  readonly opener: Omit<Directive, "block"> | null;
  readonly directives: Directive[];
}

/**
 * Reads configuration text (latin1: one character per byte) into a tree. Never throws: a syntax error
 * ends the reading and is stored in the block where it stands and in the blocks around it.
 *
 * @param file name for messages; COMMAND_LINE for the text of the `-g` option.
 */
export function parseConfig(text: string, file: string): Block {
  const parser = new Parser(text, file);
  for (;;) {
    const tree = parser.advance();
    if (tree !== null) return tree;
  }
}

/** The same, giving way to other work as `pace` says: a configuration may have 100,000 lines. */
export async function parseInTurns(text: string, file: string, pace: Pace): Promise<Block> {
  const parser = new Parser(text, file);
  for (;;) {
    const tree = parser.advance();
    if (tree !== null) return tree;
    const rest = pace.rest();
    if (rest !== null) await rest;
  }
}

class Parser {
  private readonly lexer: Lexer;
  private readonly file: string;
  private readonly open: OpenBlock[] = [{ opener: null, directives: [] }];

  constructor(text: string, file: string) {
    this.lexer = new Lexer(text, file);
    this.file = file;
  }

  /** Reads one statement; the tree when it was the last. */
  advance(): Block | null {
    const { lexer, open, file } = this;
    const statement = lexer.next();
    const message = syntaxError(statement, open.length > 1, file);
    if (message !== null) return closeAll(open, lexer.line, file, { message, file, line: lexer.line });
    if (statement.terminator === "end of file") return closeAll(open, lexer.line, file, null);
    takeStatement(statement, open, lexer.line, file);
    return null;
  }
}

function takeStatement(statement: Statement, open: OpenBlock[], line: number, file: string): void {
  if (statement.terminator === "}") {
    closeInnermost(open, line, file, null);
    return;
  }
  const [name = "", ...args] = statement.words;
  const directive = { name, args, file, line, startLine: statement.startLine };
  if (statement.terminator === "{") open.push({ opener: directive, directives: [] });
  else open.at(-1)!.directives.push({ ...directive, block: null });
}

function syntaxError(statement: Statement, inBlock: boolean, file: string): string | null {
  switch (statement.terminator) {
    case "error":
      return statement.error;
    case "}":
      return inBlock ? null : 'unexpected "}"';
    case "end of file":
      return inBlock ? 'unexpected end of file, expecting "}"' : null;
    case "{":
      return file === COMMAND_LINE ? "block directives are not supported in -g option" : null;
    case ";":
      return null;
  }
}

function closeInnermost(open: OpenBlock[], endLine: number, file: string, error: SyntaxError | null): void {
  const { opener, directives } = open.pop()!;
  const block: Block = { directives, file, endLine, error };
  open.at(-1)!.directives.push({ ...opener!, block });
}

function closeAll(open: OpenBlock[], endLine: number, file: string, error: SyntaxError | null): Block {
  while (open.length > 1) closeInnermost(open, endLine, file, error);
  return { directives: open[0]!.directives, file, endLine, error };
}
