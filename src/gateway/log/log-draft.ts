import type { DiskLogFiles } from "./disk-log-files.ts";
import type { ErrorLog } from "./error-log.ts";

/**
 * The logs of a configuration that is being read: from the beginning its files are opened, and the main error log
 * goes where it says. `adopt` or `discard` follows, or another draft that takes its place.
 */
export class LogDraft {
  private readonly aimBack: () => void;
  private readonly files: DiskLogFiles | null;

  /** `files` null: they are somebody else's. */
  constructor(errorLog: ErrorLog, files: DiskLogFiles | null) {
    this.aimBack = errorLog.remember();
    this.files = files;
    files?.begin();
  }

  /** The configuration is in use: what it does not name is closed. */
  adopt(): void {
    this.files?.adopt();
  }

  /** The configuration is not used, and all is as it was. */
  discard(): void {
    this.aimBack();
    this.files?.discard();
  }
}
