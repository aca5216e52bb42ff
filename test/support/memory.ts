import { readFile } from "node:fs/promises";
import type { Gateway } from "./gateway.ts";

/** Resident memory of a gateway's processes, in bytes; null where the system does not tell (not Linux). */
export async function residentMemory(gateway: Gateway): Promise<number | null> {
  try {
    return await residentOfTree(gateway.pid);
  } catch {
    return null;
  }
}

async function residentOfTree(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  let bytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1");
  for (const child of children.split(" ").filter((word) => word !== ""))
    bytes += await residentOfTree(Number(child));
  return bytes;
}
