import type { CommandLine } from "../config/command-line.ts";
import { productName } from "../gateway/request/product.ts";
import type { ServingReport } from "../runtime/background.ts";

/** More addresses are counted. */
const namedMax = 6;

/**
 * What a person who has started it is told: that it serves, where, and how to stop it.
 * @param cwd the prefix where the command line gives none
 */
export function servingText(
  { pid, addresses }: ServingReport,
  commandLine: CommandLine,
  cwd: string,
): string {
  const where =
    addresses.length === 0 ? "listening nowhere: there is no server" : `listening on ${listed(addresses)}`;
  if (pid === process.pid) return `${where}; Ctrl-C ends it`;
  return `process ${pid} serves in the background, ${where}; "${quitCommand(commandLine, cwd)}" ends it`;
}

function listed(addresses: readonly string[]): string {
  const rest = addresses.length - namedMax;
  return addresses.slice(0, namedMax).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function quitCommand({ configFile, configFileGiven, prefix }: CommandLine, cwd: string): string {
  const words = [productName, "-s", "quit"];
  if (prefix !== `${cwd}/`) words.push("-p", prefix);
  if (configFileGiven) words.push("-c", configFile);
  return words.join(" ");
}
