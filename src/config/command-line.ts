import type { SourceFile } from "./files.ts";

/** The signals that `-s` sends to a running longhaul. */
export type SignalName = "stop" | "quit" | "reopen" | "reload";

/** What the command line asks for. Paths are latin1 strings, one character per byte. */
export interface CommandLine {
  /** The main configuration file; begins with the prefix unless it was given as an absolute path. */
  readonly configFile: string;
  /** False when nobody chose the file: it is the one that is looked for by default. */
  readonly configFileGiven: boolean;
  /** Where relative paths in directives begin; ends with "/". */
  readonly prefix: string;
  /** Directives of `-g`, read before the file; latin1. */
  readonly globals: string;
  /** Error log of `-e`; "stderr" is standard error; null leaves it to the configuration. */
  readonly errorLog: string | null;
  readonly testOnly: boolean;
  /** Print all configuration files after the test. */
  readonly dump: boolean;
  readonly quiet: boolean;
  readonly signal: SignalName | null;
}

/** A line for the operator, without the program's name. */
export interface Remark {
  readonly level: "notice" | "warn" | "emerg";
  /** With its place, such as `… in nginx.conf:12`. */
  readonly text: string;
}

/** What reading and compiling a configuration found. */
export interface CheckResult {
  /** The configuration can be used. */
  readonly ok: boolean;
  /** Tells nginx's two stages apart: everything was read, yet something (a port, a log) failed. */
  readonly syntaxOk: boolean;
  /** In order; when not `ok`, the last one is the reason. */
  readonly remarks: readonly Remark[];
  readonly sources: readonly SourceFile[];
  /** Where the process id of a running longhaul is found. */
  readonly pidFile: string;
}
