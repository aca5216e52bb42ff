import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A user of the system with the group that `user` names beside it. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** How a name service may take to answer; beyond it the name is not known. */
const serviceLimitMs = 10_000;

/** Returns the id of a user, or null when there is none of that name. Latin1, as all of a configuration. */
export function userIdOf(name: string): number | null {
  return idOf("passwd", name);
}

/** Returns the id of a group, or null when there is none of that name. */
export function groupIdOf(name: string): number | null {
  return idOf("group", name);
}

/** Ids of the groups that a user is in beside their own. */
export function furtherGroupsOf(name: string): Set<number> {
  const groups = localFile("group")
    .split("\n")
    .map((line) => line.split(":"));
  const local = groups.filter(([, , , members = ""]) => members.split(",").includes(name));
  // A service tells them behind the name.
  const [, ...told] = askServices("initgroups", name).trim().split(/\s+/);
  return new Set([...local.map(([, , id]) => Number(id)), ...told.map(Number)]);
}

/**
 * What getpwnam() and getgrnam() find, which no runtime offers: the local file first, then whatever else the
 * system asks (LDAP, sssd …) by its own program, where it has one.
 */
function idOf(database: "passwd" | "group", name: string): number | null {
  return idIn(localFile(database), name) ?? idIn(askServices(database, name), name);
}

function localFile(database: string): string {
  try {
    return readFileSync(`/etc/${database}`, "latin1");
  } catch {
    return "";
  }
}

function askServices(database: string, name: string): string {
  const key = Buffer.from(name, "latin1").toString();
  const { stdout } = spawnSync("getent", ["--", database, key], {
    encoding: "latin1",
    timeout: serviceLimitMs,
    stdio: ["ignore", "pipe", "ignore"],
  });
  return stdout ?? "";
}

/** The third field of the line whose first one is the name: the same in both files. */
function idIn(text: string, name: string): number | null {
  const line = text.split("\n").find((each) => each.startsWith(`${name}:`));
  const id = line?.split(":")[2] ?? "";
  return /^\d+$/.test(id) ? Number(id) : null;
}
