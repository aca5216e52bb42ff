import type { CheckResult, CommandLine } from "../config/command-line.ts";
import { ConfigError } from "../config/errors.ts";
import { ErrorLog } from "../gateway/log/error-log.ts";
import { systemNetwork } from "../net/choose.ts";
import { bindFailure } from "./bind-test.ts";
import { readConfiguration, startReading } from "./configuration.ts";
import type { Reading } from "./configuration.ts";
import { PidFile } from "./pid-file.ts";
import { Privileges } from "./privileges.ts";
import { UnopenedLogs } from "./unopened-logs.ts";

/**
 * Reads and compiles the configuration. With `-t` it must be one that could be started, too: its logs, its pid file
 * and its sockets are to be had. Leaves nothing behind.
 */
export async function checkConfiguration(commandLine: CommandLine): Promise<CheckResult> {
  const { prefix, testOnly } = commandLine;
  const network = systemNetwork();
  const logs = new UnopenedLogs(testOnly, `${prefix}logs/`);
  const mainErrorLog = new ErrorLog([], network.clock);
  const reading = startReading();
  const { launch } = new Privileges();
  try {
    const { pidFile, http } = await readConfiguration(reading, {
      commandLine,
      network,
      logs,
      mainErrorLog,
      launch,
    });
    const failure = testOnly
      ? (new PidFile(pidFile, prefix).test() ?? (await bindFailure(http?.sockets ?? [], network)))
      : null;
    if (failure !== null) throw new ConfigError(failure, "", 0);
    return result(reading, true, pidFile);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    reading.remarks.push({ level: "emerg", text: error.describe() });
    return result(reading, false, "");
  }
}

function result(reading: Reading, ok: boolean, pidFile: string): CheckResult {
  const { syntaxOk, remarks, files } = reading;
  return { ok, syntaxOk, remarks, sources: files.sources, pidFile };
}
