#!/usr/bin/env node
/**
 * The command line: nginx's options with nginx's messages and exit codes, and the subcommands.
 */
import { existsSync } from "node:fs";
import type { CheckResult, CommandLine } from "../config/command-line.ts";
import { dumpSources } from "../config/dump.ts";
import { productName } from "../gateway/request/product.ts";
import type { ServingReport } from "../runtime/background.ts";
import { tell } from "./console.ts";
import { suitGarbageCollector } from "./garbage-collector.ts";
import { OptionError, parseOptions } from "./options.ts";
import type { Options } from "./options.ts";
import { reload } from "./reload.ts";
import { servingText } from "./serving.ts";
import { sendSignal } from "./signal.ts";
import { takeOverRunning } from "./takeover.ts";
import { HELP_TEXT, buildText, versionText } from "./version.ts";

const cwd = Buffer.from(process.cwd(), "utf8").toString("latin1");

suitGarbageCollector();
process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  if (args[0] === "quickstart") {
    const { quickstart } = await import("./quickstart.ts");
    return leave(await quickstart(args.slice(1)));
  }
  let options: Options;
  try {
    options = parseOptions(args, process.cwd());
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    tell(error.message);
    return 1;
  }
  if (options.showVersion) {
    showVersion(options);
    if (!options.commandLine.testOnly) return 0;
  }
  const code = await act(options);
  if (code !== 0) hintAtMissingFile(options.commandLine);
  return code;
}

/** The name of the file was nobody's choice: say how to choose one. */
function hintAtMissingFile({ configFile, configFileGiven }: CommandLine): void {
  if (configFileGiven || existsSync(Buffer.from(configFile, "latin1"))) return;
  tell(`there is no ${configFile}: use "-c file", or try "${productName} quickstart"`);
}

/** As nginx, on standard error; where the option is not nginx's, where everybody else has it. */
function showVersion({ showHelp, showBuild, isLong }: Options): void {
  const out = isLong ? process.stdout : process.stderr;
  out.write(versionText());
  if (showHelp) out.write(HELP_TEXT);
  if (showBuild) out.write(buildText());
}

async function act({ commandLine, takeover }: Options): Promise<number> {
  const isStart = !commandLine.testOnly && commandLine.signal === null && !takeover;
  if (isStart) {
    const { run } = await import("../runtime/start.ts");
    const onServing = (report: ServingReport): void => {
      const text = servingText(report, commandLine, cwd);
      // A process in the background is no matter of its error log.
      if (report.pid === process.pid) tell(text);
      else process.stdout.write(Buffer.from(`${productName}: ${text}\n`, "latin1"));
    };
    return leave(await run(commandLine, { onServing }));
  }
  const { checkConfiguration } = await import("../runtime/check.ts");
  const result = await checkConfiguration(commandLine);
  if (commandLine.testOnly) return reportTest(commandLine, result);
  if (!result.ok) {
    showRemarks(result.remarks, true);
    return 1;
  }
  if (commandLine.signal === "reload") return await reload(result.pidFile);
  if (commandLine.signal !== null) return sendSignal(commandLine.signal, result.pidFile);
  showRemarks(result.remarks, false);
  return await takeOverRunning(result.pidFile);
}

/** Ends a program that has served: timers and sockets that are left must not keep it alive. */
function leave(code: number): never {
  process.exit(code);
}

function reportTest(commandLine: CommandLine, result: CheckResult): number {
  const { configFile, quiet, dump } = commandLine;
  const remarks = result.ok ? result.remarks : result.remarks.slice(0, -1);
  const failure = result.ok ? [] : result.remarks.slice(-1);
  showRemarks(remarks, quiet);
  if (result.syntaxOk && !quiet) tell(`the configuration file ${configFile} syntax is ok`);
  if (!result.ok) {
    showRemarks(failure, quiet);
    tell(`configuration file ${configFile} test failed`);
    return 1;
  }
  if (!quiet) tell(`configuration file ${configFile} test is successful`);
  if (dump) process.stdout.write(Buffer.from(dumpSources(result.sources), "latin1"));
  return 0;
}

function showRemarks(remarks: CheckResult["remarks"], quiet: boolean): void {
  for (const { level, text } of remarks) {
    if (!quiet || level !== "notice") tell(`[${level}] ${text}`);
  }
}
