/**
 * The syntax tree of a configuration file: what was written, where, and nothing of what it means.
 *
 * Strings hold one character per byte (latin1), so that bytes that are not UTF-8 survive and regular
 * expressions see bytes, as in nginx.
 */

/** What was written up to a `;` or with a block, and where. */
export interface Directive {
  readonly name: string;
  /** Arguments without their quotes and escapes; variables are not expanded. */
  readonly args: readonly string[];
  readonly file: string;
  /** The line of the `;` or `{` that ends the directive: the line that nginx's messages name. */
  readonly line: number;
  /** The line on which the name stands. */
  readonly startLine: number;
  /** The directives between `{` and `}`; null for a directive that ends with `;`. */
  readonly block: Block | null;
}

/** What stands between `{` and `}`, or in a whole file. */
export interface Block {
  readonly directives: readonly Directive[];
  readonly file: string;
  /** Line of the closing brace, or the last line of the file for the outermost block. */
  readonly endLine: number;
  /**
   * A syntax error met while reading this block. The directives before it are whole, except that the
   * last one's own block may carry the same error; it must be reported when a walk gets this far, so
   * that the first error of a file is the one that is told.
   */
  readonly error: SyntaxError | null;
}

/** Where a file stops making sense, in nginx's words; thrown as a ConfigError only when a walk gets there. */
export interface SyntaxError {
  readonly message: string;
  readonly file: string;
  readonly line: number;
}
