import type { CommandLine, SignalName } from "../config/command-line.ts";

/** The default configuration file, below the prefix. */
const DEFAULT_FILE = "nginx.conf";

/** A command line that cannot be understood; the message is nginx's. */
export class OptionError extends Error {}

/** What the command line asks for. */
export interface Options {
  readonly commandLine: CommandLine;
  readonly showHelp: boolean;
  readonly showVersion: boolean;
  /** Show what it runs on, too. */
  readonly showBuild: boolean;
  /** Help or version was asked for by a word, not by a letter. */
  readonly isLong: boolean;
  /** Take the place of a running process. */
  readonly takeover: boolean;
}

/** What nginx's messages call the value of each option that has one. */
const VALUE_NAMES: Readonly<Record<string, string>> = {
  c: "file name",
  e: "file name",
  g: "parameter",
  p: "directory name",
  s: "parameter",
};

/** An option that nginx does not have: start in the place of a running process. */
export const takeoverOption = "--takeover";

/** What everybody tries first, by nginx's letter for it. */
const longOptions: Readonly<Record<string, string>> = { "--help": "h", "--version": "v" };

const SIGNALS: readonly string[] = ["stop", "quit", "reopen", "reload"] satisfies SignalName[];

/**
 * Reads the arguments as nginx does: letters may be joined (`-tq`), a value may follow its letter
 * directly or as the next argument, the last of several wins.
 *
 * @param cwd the default prefix is this directory
 * @throws OptionError
 */
export function parseOptions(args: readonly string[], cwd: string): Options {
  const letters = new Set<string>();
  const values: Record<string, string> = {};
  let takeover = false;
  let isLong = false;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === takeoverOption) {
      takeover = true;
      continue;
    }
    const letter = longOptions[arg];
    if (letter !== undefined) {
      letters.add(letter);
      isLong = true;
      continue;
    }
    if (!arg.startsWith("-")) throw new OptionError(`invalid option: "${arg}"`);
    const { valued, rest } = readLetters(arg, letters);
    if (valued === null) continue;
    const value = rest === "" ? args[++i] : rest;
    if (value === undefined) throw new OptionError(`option "-${valued}" requires ${VALUE_NAMES[valued]}`);
    if (valued === "s" && !SIGNALS.includes(value)) throw new OptionError(`invalid option: "-s ${value}"`);
    values[valued] = toLatin1(value);
  }
  const showHelp = letters.has("h") || letters.has("?");
  return {
    commandLine: commandLine(letters, values, toLatin1(cwd)),
    showHelp,
    showVersion: showHelp || letters.has("v") || letters.has("V"),
    showBuild: letters.has("V"),
    isLong,
    takeover,
  };
}

/** Takes one argument's letters up to the first that has a value; `rest` is what follows that one. */
function readLetters(arg: string, letters: Set<string>): { valued: string | null; rest: string } {
  const all = Array.from(arg.slice(1));
  for (const [index, letter] of all.entries()) {
    if (letter in VALUE_NAMES) return { valued: letter, rest: all.slice(index + 1).join("") };
    if (!"?hvVtTq".includes(letter)) throw new OptionError(`invalid option: "${letter}"`);
    letters.add(letter);
  }
  return { valued: null, rest: "" };
}

function commandLine(
  letters: ReadonlySet<string>,
  values: Readonly<Record<string, string>>,
  cwd: string,
): CommandLine {
  const prefix = withSlash(values["p"] ?? cwd);
  const file = values["c"] ?? DEFAULT_FILE;
  return {
    configFile: file.startsWith("/") ? file : prefix + file,
    configFileGiven: values["c"] !== undefined,
    prefix,
    globals: values["g"] ?? "",
    errorLog: values["e"] ?? null,
    testOnly: letters.has("t") || letters.has("T"),
    dump: letters.has("T"),
    quiet: letters.has("q"),
    signal: (values["s"] as SignalName | undefined) ?? null,
  };
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

/** The runtime decodes arguments as UTF-8; configuration text is one character per byte. */
function toLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
