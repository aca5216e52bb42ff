import { describeErrno } from "../../config/errors.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";

/** The answer, and a line in the log, for a directory that cannot be read. */
export function refuseDirectory(request: Request, directory: string, error: unknown): Verdict {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const notThere = code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG";
  const status = notThere ? 404 : code === "EACCES" ? 403 : 500;
  request.log(status === 500 ? "crit" : "error", `opendir() "${directory}" failed ${describeErrno(error)}`);
  return status;
}
