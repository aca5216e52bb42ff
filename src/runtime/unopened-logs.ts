import { existsSync } from "node:fs";
import { ConfigError } from "../config/errors.ts";
import type { LogSink } from "../gateway/log/error-log.ts";
import type { LogFiles } from "../gateway/log/log-files.ts";
import { whyNotWritable } from "./writable.ts";

const nowhere: LogSink = { write: () => undefined };

/**
 * The logs of a configuration that is only looked at: none is opened, so none is made. A test (`-t`) tells of those
 * that could not be; a command to a running process needs none of them.
 */
export class UnopenedLogs implements LogFiles {
  readonly stderr = nowhere;
  private readonly isTest: boolean;
  private readonly ownFolder: string;

  /** `ownFolder` would be made at the start; it ends with "/". */
  constructor(isTest: boolean, ownFolder: string) {
    this.isTest = isTest;
    this.ownFolder = ownFolder;
  }

  open(path: string): LogSink {
    const failure = this.isTest ? whyNotWritable(this.willBeMade(path) ? this.folderAbove() : path) : null;
    if (failure !== null) throw new ConfigError(failure, "", 0);
    return nowhere;
  }

  syslog(): LogSink {
    return nowhere;
  }

  reopen(): void {}

  flush(): void {}

  private willBeMade(path: string): boolean {
    return path.startsWith(this.ownFolder) && !existsSync(Buffer.from(this.ownFolder, "latin1"));
  }

  private folderAbove(): string {
    return this.ownFolder.slice(0, -1);
  }
}
