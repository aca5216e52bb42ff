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

/** More than a runtime needs until it collects; what is held is over the limit after any number of waves. */
const wavesMax = 8;

/**
 * How many bytes a gateway holds for one of several equal waves of clients that stay: the mean over all waves since
 * it was at rest. What a runtime takes once and what it has not collected yet are in that too, so that it is never
 * too little, and nears the truth with each wave. Another one follows only while it is not below `bytesMax`. Null
 * where the system does not tell.
 *
 * `wave` begins with another wave and resolves once nothing moves any more.
 */
export async function heldPerWave(
  gateway: Gateway,
  bytesMax: number,
  wave: () => Promise<unknown>,
): Promise<number | null> {
  const before = await residentMemory(gateway);
  if (before === null) return null;
  let mean = Infinity;
  for (let waves = 1; waves <= wavesMax && mean >= bytesMax; waves++) {
    await wave();
    const after = await residentMemory(gateway);
    if (after === null) return null;
    mean = (after - before) / waves;
  }
  return mean;
}

async function residentOfTree(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "latin1");
  let bytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "latin1");
  for (const child of children.split(" ").filter((word) => word !== ""))
    bytes += await residentOfTree(Number(child));
  return bytes;
}
