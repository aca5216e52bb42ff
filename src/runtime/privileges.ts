/**
 * Whom the process belongs to. One that root has started binds its sockets, opens its logs and reads its
 * keys as root, and is the configuration's user from then on, in all of its threads and for good: there is no
 * master process that keeps root's rights. Whatever is to be done by root after that belongs here.
 */
import { describeErrno } from "../config/errors.ts";
import { furtherGroupsOf } from "../config/system-users.ts";
import type { SystemUser } from "../config/system-users.ts";
import type { Launch } from "../gateway/serve/launch.ts";

/** Set by a process that has given root's rights up for the one that it starts in its place. */
const variable = "LONGHAUL_USER";

/** nginx's words for a `user` that cannot be followed. */
const ignored =
  'the "user" directive makes sense only if the master process runs with super-user privileges, ignored';

/** Does not let the process become another user, and says why in its message. */
export class PrivilegeError extends Error {}

/** The rights of this process: which it has, and how they are given up. One for the whole process. */
export class Privileges {
  /** Root's rights are there still. */
  private isRoot = process.geteuid?.() === 0;
  private current: SystemUser | null;

  constructor() {
    this.current = inheritedUser();
    // What this process starts must not take it for its own.
    delete process.env[variable];
  }

  get launch(): Launch {
    const byRoot = this.isRoot || this.current !== null;
    const userWarning = byRoot ? null : ignored;
    return { byRoot, honoursUser: byRoot, userWarning, isEmbedded: false, logsByDefault: true };
  }

  /** The user whom the process belongs to since it gave root's rights up; null before, and where it never had them. */
  get user(): SystemUser | null {
    return this.isRoot ? null : this.current;
  }

  /** Becoming that user gives root's rights up. */
  givesUp(user: SystemUser | null): user is SystemUser {
    return this.isRoot && user !== null && user.uid !== 0;
  }

  /** @throws PrivilegeError when the process can never belong to that user: the configuration is of no use then */
  check(user: SystemUser | null): void {
    const { current } = this;
    if (user === null || this.isRoot || (user.uid === current?.uid && user.gid === current.gid)) return;
    throw new PrivilegeError(
      `"user" cannot change from "${current?.name ?? ""}" to "${user.name}" without a restart: ` +
        "the process has given root's rights up",
    );
  }

  /**
   * Makes the process belong to a user, with all of its threads, those to come included.
   * @throws PrivilegeError when it cannot: nothing must be served then
   */
  become(user: SystemUser | null): void {
    if (user === null) return;
    this.check(user);
    if (this.isRoot) change(user);
    this.isRoot = user.uid === 0;
    this.current = user;
  }

  /** What a process that is started in the place of this one must know. */
  bequeath(): NodeJS.ProcessEnv {
    const { user } = this;
    return user === null ? {} : { [variable]: JSON.stringify(user) };
  }
}

/** Missing in the types of the runtimes. */
const { initgroups } = process as { initgroups?: (user: string, group: number) => void };

function change({ name, uid, gid }: SystemUser): void {
  const decoded = Buffer.from(name, "latin1").toString();
  const before = furtherGroups(gid);
  attempt(`setgid(${gid})`, () => process.setgid?.(gid));
  // In a container root may lack the right to choose groups; it has nothing to lose by those that it has.
  if (uid !== 0) attempt(`initgroups(${name}, ${gid})`, () => initgroups?.(decoded, gid));
  attempt(`setuid(${uid})`, () => process.setuid?.(uid));
  const isChanged = [process.getuid?.(), process.geteuid?.()].every((id) => id === uid);
  if (!isChanged || process.getegid?.() !== gid) {
    throw new PrivilegeError(`the process could not be made that of user "${name}"`);
  }
  if (uid !== 0)
    checkGroups(
      name,
      furtherGroups(gid).filter((group) => before.includes(group)),
    );
}

/** Of the process, beside the one that it is to have for its own. */
function furtherGroups(own: number): number[] {
  return (process.getgroups?.() ?? []).filter((group) => group !== own);
}

/** What root was in and the process still is, the user must be in, too. @throws PrivilegeError */
function checkGroups(name: string, kept: readonly number[]): void {
  if (kept.length === 0) return;
  const groups = furtherGroupsOf(name);
  const foreign = kept.filter((group) => !groups.has(group));
  if (foreign.length === 0) return;
  const which = `${foreign.length === 1 ? "group" : "groups"} ${foreign.join(", ")}`;
  throw new PrivilegeError(`the process is in ${which} still, and user "${name}" is not`);
}

function attempt(call: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    throw new PrivilegeError(`${call} failed ${describeErrno(error)}`);
  }
}

function inheritedUser(): SystemUser | null {
  const user = readUser(process.env[variable] ?? "");
  return user !== null && user.uid === process.geteuid?.() && user.uid !== 0 ? user : null;
}

/** Whoever starts the process may set the variable to anything. */
function readUser(text: string): SystemUser | null {
  try {
    const { name, uid, gid } = JSON.parse(text) as Partial<SystemUser>;
    const isUser = typeof name === "string" && typeof uid === "number" && typeof gid === "number";
    return isUser ? { name, uid, gid } : null;
  } catch {
    return null;
  }
}
