import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { describeErrno } from "../config/errors.ts";
import { whyNotWritable } from "./writable.ts";

/** The file with the id of the running process. */
export class PidFile {
  /** latin1 */
  private readonly path: string;
  private readonly file: string;
  private readonly isDefault: boolean;

  /** `prefix`: the folder of the default path is made when it is missing. Latin1. */
  constructor(path: string, prefix: string) {
    this.path = path;
    this.file = Buffer.from(path, "latin1").toString();
    this.isDefault = path === `${prefix}logs/nginx.pid`;
  }

  /** Returns why it cannot be written, or null. */
  write(): string | null {
    return this.attempt(() => {
      if (this.isDefault) mkdirSync(dirname(this.file), { recursive: true });
      writeFileSync(this.file, `${process.pid}\n`);
    });
  }

  /** The same without changing anything: what a running process has written stays. */
  test(): string | null {
    if (this.isDefault && !existsSync(dirname(this.file))) return null;
    return whyNotWritable(this.path);
  }

  private attempt(action: () => void): string | null {
    try {
      action();
      return null;
    } catch (error) {
      return `open() "${this.path}" failed ${describeErrno(error)}`;
    }
  }
}
