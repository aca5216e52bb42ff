/** How long a run will take. */
import { isAble } from "./contestants.ts";
import type { Plan } from "./runner.ts";
import { isOwnFactor, isUnderLoad, type Row, stretchFactor } from "./rows.ts";

/** Seconds besides the measured ones, as they were on two cores of a server. */
const cost = {
  /** Starting and ending a proxy. */
  process: 0.4,
  /** Starting the load generator, connecting, and reading the gauges. */
  stretch: 0.3,
  /** Opening and closing thousands of tunnels. */
  crowd: 2,
  /** Weighing a proxy before and after it has its tunnels. */
  idle: 3,
  reload: 0.3,
} as const;

function rowSeconds(row: Row, plan: Plan): number {
  const proxies = plan.proxies.filter((name) => isAble(name, row.needs)).length;
  const { rounds, seconds, warmupSeconds } = plan;
  const stretch = cost.stretch + seconds * stretchFactor(row) + warmupSeconds;
  if (isOwnFactor(row.figure)) {
    const crowd = row.figure === "growth" ? cost.crowd : 0;
    return proxies * (2 * cost.process + (rounds + 1) * (2 * stretch + crowd));
  }
  if (isUnderLoad(row.figure)) return stretch + proxies * (cost.process + (rounds + 1) * stretch);
  if (row.figure === "memory") return proxies * rounds * (cost.process + cost.idle);
  if (row.figure === "start") return proxies * (rounds + 1) * cost.process;
  return proxies * (cost.process + (rounds + 1) * cost.reload);
}

/** On a quiet machine; where others work meanwhile, stretches are repeated and it takes longer. */
export function estimatedSeconds(plan: Plan): number {
  return plan.rows.reduce((sum, row) => sum + rowSeconds(row, plan), 0);
}
