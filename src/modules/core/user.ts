/**
 * The `user` directive: whom the process belongs to once it has bound its sockets and opened its logs.
 * https://nginx.org/en/docs/ngx_core_module.html#user
 */
import { ConfigError } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { groupIdOf, userIdOf } from "../../config/system-users.ts";
import type { SystemUser } from "../../config/system-users.ts";
import type { Directive } from "../../config/tree.ts";
import type { Launch } from "../../gateway/serve/launch.ts";

/** What nginx's builds name by default. */
const defaultName = "nobody";
/** Its group goes by another name on Debian's kin; nginx's builds look for it in this order. */
const defaultGroups = ["nobody", "nogroup"] as const;

/** Reads the directive; null when it is not honoured. @throws ConfigError in nginx's words */
export function readUser({ args }: Directive, scope: Scope, launch: Launch): SystemUser | null {
  const [name = "", group = name] = args;
  if (!launch.honoursUser) {
    if (launch.userWarning !== null) scope.warn(launch.userWarning);
    return null;
  }
  const uid = userIdOf(name) ?? scope.fail(`getpwnam("${name}") failed`);
  const gid = groupIdOf(group) ?? scope.fail(`getgrnam("${group}") failed`);
  return { name, uid, gid };
}

/** The user of a configuration that names none. @throws ConfigError where the system lacks it */
export function defaultUser(launch: Launch): SystemUser | null {
  if (!launch.honoursUser) return null;
  const uid = userIdOf(defaultName);
  if (uid === null) throw new ConfigError(`getpwnam("${defaultName}") failed`, "", 0);
  for (const group of defaultGroups) {
    const gid = groupIdOf(group);
    if (gid !== null) return { name: defaultName, uid, gid };
  }
  throw new ConfigError(`getgrnam("${defaultGroups[0]}") failed`, "", 0);
}
