/**
 * `worker_rlimit_core`.
 * https://nginx.org/en/docs/ngx_core_module.html#worker_rlimit_core
 */
import { readFileSync } from "node:fs";
import type { Scope } from "../../config/scope.ts";
import { refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseOffset } from "../../config/values.ts";

/**
 * A core file holds keys and requests: whoever forbids it must not be told that nothing happens. A process cannot set
 * its limits on these runtimes, so only what holds already is accepted; sizes above 0 are for finding faults.
 */
export function readCoreLimit(scope: Scope, directive: Directive): number {
  const size = parseOffset(directive.args[0] ?? "") ?? refuse(scope, directive, "invalid value");
  if (size === 0 && !forbidsCore()) {
    scope.fail(`"${directive.name} 0" cannot be set from inside: start the process with "ulimit -c 0"`);
  }
  if (size > 0)
    scope.notice(
      `the "${directive.name}" directive has no effect: the process keeps the limit it was started with`,
    );
  return size;
}

function forbidsCore(): boolean {
  try {
    return /^Max core file size +0 /m.test(readFileSync("/proc/self/limits", "latin1"));
  } catch {
    return false;
  }
}
