import { accessSync, closeSync, constants, existsSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { describeErrno } from "../config/errors.ts";

const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;

/**
 * Why a file could not be opened for writing, in nginx's words; null when it could. Neither it nor its folder is
 * made. `path`: latin1.
 */
export function whyNotWritable(path: string): string | null {
  const file = Buffer.from(path, "latin1").toString();
  try {
    if (existsSync(file)) closeSync(openSync(file, appending));
    else accessSync(dirname(file), constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return `open() "${path}" failed ${describeErrno(error)}`;
  }
}

/** Why something could not be made below `folder`, as a system error; null when it could. */
export function whyNoEntryIn(folder: string): unknown {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return error;
  }
}
