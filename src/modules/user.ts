/**
 * The `user` directive: whom the process belongs to once it has bound its sockets and opened its logs.
 * https://nginx.org/en/docs/ngx_core_module.html#user
 */
import { ConfigError } from "../config/errors.ts";
import type { Scope } from "../config/scope.ts";
import { groupIdOf, userIdOf } from "../config/system-users.ts";
import type { SystemUser } from "../config/system-users.ts";
import type { Directive } from "../config/tree.ts";

/** What the process that reads a configuration can do about `user`. */
export interface UserPolicy {
  /** It began as root: the user is looked up, and taken over by whoever runs the configuration. */
  readonly honours: boolean;
  /** What is told of a `user` that is not honoured; null where somebody else tells. */
  readonly warning: string | null;
}

/** For threads and tests: whoever reads the configuration for the process tells and acts. */
export const noUser: UserPolicy = { honours: false, warning: null };

/** What nginx's builds name by default. */
const defaultName = "nobody";
/** Its group goes by another name on Debian's kin; nginx's builds look for it in this order. */
const defaultGroups = ["nobody", "nogroup"] as const;

/** Reads the directive; null when it is not honoured. @throws ConfigError in nginx's words */
export function readUser({ args }: Directive, scope: Scope, policy: UserPolicy): SystemUser | null {
  const [name = "", group = name] = args;
  if (!policy.honours) {
    if (policy.warning !== null) scope.warn(policy.warning);
    return null;
  }
  const uid = userIdOf(name) ?? scope.fail(`getpwnam("${name}") failed`);
  const gid = groupIdOf(group) ?? scope.fail(`getgrnam("${group}") failed`);
  return { name, uid, gid };
}

/** The user of a configuration that names none. @throws ConfigError where the system lacks it */
export function defaultUser(policy: UserPolicy): SystemUser | null {
  if (!policy.honours) return null;
  const uid = userIdOf(defaultName);
  if (uid === null) throw new ConfigError(`getpwnam("${defaultName}") failed`, "", 0);
  for (const group of defaultGroups) {
    const gid = groupIdOf(group);
    if (gid !== null) return { name: defaultName, uid, gid };
  }
  throw new ConfigError(`getgrnam("${defaultGroups[0]}") failed`, "", 0);
}
