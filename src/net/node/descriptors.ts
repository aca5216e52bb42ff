/** Descriptors of this process by what is behind them: threads have one table, in which a socket that moves moves. */
import { readdirSync, readlinkSync } from "node:fs";

const table = "/proc/self/fd";

/** What the kernel calls the socket behind a descriptor; "" when it cannot be told. */
export function socketBehind(descriptor: number): string {
  try {
    return readlinkSync(`${table}/${descriptor}`);
  } catch {
    return "";
  }
}

/** A descriptor of the socket that `socketBehind` named; null when it is closed. */
export function descriptorOf(socket: string): number | null {
  if (socket === "") return null;
  const found = readdirSync(table).find((name) => socketBehind(Number(name)) === socket);
  return found === undefined ? null : Number(found);
}
