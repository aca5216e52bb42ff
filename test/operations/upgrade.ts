/** A new binary takes over under load: USR2, WINCH, QUIT, as nginx's manual describes it; and the way back. */
import { constants } from "node:os";
import { asService } from "./gateway.ts";
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";
import type { LoadFigures, LoadSize } from "./lab.ts";
import type { Wrong } from "./ledger.ts";
import { generationOf } from "./load/answer.ts";
import type { Tunnel } from "./load/tunnel.ts";
import { catches, isAlive } from "./processes.ts";
import type { ProcessFigures } from "./processes.ts";
import { pause, until } from "./until.ts";

const stepLimitMs = 20_000;
const { SIGUSR2 } = constants.signals;

/** A gateway that does not take the signal would die of it. */
export class NotUpgradable extends Error {}

export interface UpgradeOptions {
  readonly product: Product;
  readonly workers: number;
  readonly load: LoadSize;
  /** Each upgrades the process that the last one left. */
  readonly upgrades: number;
  /** How long old and new process stand beside each other in each state. */
  readonly pauseMs: number;
}

export interface UpgradeReport {
  readonly operation: "upgrade";
  readonly product: string;
  readonly workers: number;
  readonly rounds: readonly UpgradeRound[];
  readonly wrongs: Readonly<Record<Wrong, number>>;
  readonly requestsFailed: number;
  readonly load: LoadFigures;
  readonly atStart: ProcessFigures;
  readonly atEnd: ProcessFigures;
  readonly details: readonly string[];
}

export interface UpgradeRound {
  readonly what: "upgraded" | "rolled back";
  /** From USR2 to the first answer of the new process. */
  readonly newAnswersMs: number;
  /** Tunnels that the leaving process still had when it was told to quit. */
  readonly tunnelsLeft: number;
  /** False: it was gone although tunnels were open. */
  readonly waitedForTunnels: boolean;
  /** From the end of its last tunnel to its own. */
  readonly exitMs: number;
}

/** @throws NotUpgradable; Error when a step has no effect in 20 s */
export async function runUpgrade(options: UpgradeOptions): Promise<UpgradeReport> {
  const product = asService(options.product);
  const lab = await Lab.start({ ...options, product, certificates: 1, extraMain: "", extraHttp: "" });
  if (!catches(lab.gateway.pid, SIGUSR2)) {
    await lab.stop();
    throw new NotUpgradable(`${options.product.name} has no handler for SIGUSR2`);
  }
  return await lab.during(() => run(lab, options));
}

async function run(
  lab: Lab,
  { product, workers, upgrades, pauseMs }: UpgradeOptions,
): Promise<UpgradeReport> {
  await lab.startLoad();
  const atStart = await lab.quietly(() => lab.gateway.figures());
  const rounds: UpgradeRound[] = [];
  for (let round = 1; round <= upgrades; round += 1) {
    lab.ledger.during = `upgrade ${round} of ${upgrades}`;
    rounds.push(await upgrade(lab, pauseMs));
  }
  lab.ledger.during = "an upgrade that is rolled back";
  rounds.push(await rollBack(lab, pauseMs));
  lab.ledger.during = "the end";
  const atEnd = await lab.quietly(() => lab.gateway.figures());
  await lab.stopLoad();
  return {
    operation: "upgrade",
    product: product.name,
    workers,
    rounds,
    wrongs: lab.ledger.counts,
    requestsFailed: lab.ledger.requestsFailed,
    load: lab.figures,
    atStart,
    atEnd,
    details: lab.ledger.details,
  };
}

/** Both processes, after USR2, when both serve. */
interface Pair {
  readonly old: number;
  readonly fresh: number;
  readonly newAnswersMs: number;
}

/** USR2: the new process comes up beside the old one, with a configuration that tells them apart. */
async function standBeside(lab: Lab): Promise<Pair> {
  const { gateway, generation } = lab;
  const old = gateway.pid;
  const number = generation.number + 1;
  lab.write({ ...generation, number });
  const startedAt = performance.now();
  gateway.signal("SIGUSR2", old);
  await until("the old process's .oldbin pid file", stepLimitMs, () =>
    gateway.readPid("gateway.pid.oldbin") === old ? true : null,
  );
  const fresh = await until("the new process's pid file", stepLimitMs, () => {
    const pid = gateway.readPid("gateway.pid");
    return pid !== null && pid !== old && isAlive(pid) ? pid : null;
  });
  await until("an answer of the new process", stepLimitMs, async () => {
    const asked = await lab.probe(lab.plain);
    return asked !== null && generationOf(asked.answer.head) === number ? true : null;
  });
  return { old, fresh, newAnswersMs: Math.round(performance.now() - startedAt) };
}

async function upgrade(lab: Lab, pauseMs: number): Promise<UpgradeRound> {
  const before = lab.generation;
  const { old, newAnswersMs } = await standBeside(lab);
  await pause(pauseMs);
  lab.gateway.signal("SIGWINCH", old);
  await lab.inForce({ ...before, number: before.number + 1 });
  await pause(pauseMs);
  lab.gateway.signal("SIGQUIT", old);
  const leaving = [...lab.tunnels.all].filter(({ generation }) => generation <= before.number);
  return { what: "upgraded", newAnswersMs, ...(await leave(lab, old, leaving, pauseMs)) };
}

/** The new process is not wanted: the old one takes its workers back, and the new one leaves. */
async function rollBack(lab: Lab, pauseMs: number): Promise<UpgradeRound> {
  const before = lab.generation;
  const { old, fresh, newAnswersMs } = await standBeside(lab);
  lab.gateway.signal("SIGWINCH", old);
  await lab.inForce({ ...before, number: before.number + 1 });
  await lab.tunnels.open(10);
  lab.arrivals.generationMin = before.number;
  await pause(pauseMs);
  // Not read again by the old process, which has its configuration; but nginx's manual leaves it to the operator.
  lab.write(before);
  lab.gateway.signal("SIGHUP", old);
  await until("an answer of the old process", stepLimitMs, async () => {
    const asked = await lab.probe(lab.plain);
    return asked !== null && generationOf(asked.answer.head) === before.number ? true : null;
  });
  lab.gateway.signal("SIGQUIT", fresh);
  await lab.inForce(before);
  const leaving = [...lab.tunnels.all].filter(({ generation }) => generation > before.number);
  const left = await leave(lab, fresh, leaving, pauseMs);
  await until("the old process's pid file in its old place", stepLimitMs, () =>
    lab.gateway.readPid("gateway.pid") === old ? true : null,
  );
  return { what: "rolled back", newAnswersMs, ...left };
}

/** A process that was told to quit stays as long as its tunnels, and goes when the last one has ended. */
async function leave(
  lab: Lab,
  pid: number,
  leaving: readonly Tunnel[],
  pauseMs: number,
): Promise<Omit<UpgradeRound, "what" | "newAnswersMs">> {
  const tunnelsLeft = leaving.length;
  await pause(pauseMs);
  const [last, ...others] = leaving;
  await lab.tunnels.close(others);
  await pause(pauseMs);
  const waitedForTunnels = isAlive(pid) && (last?.isOpen ?? false);
  if (last !== undefined) await lab.tunnels.close([last]);
  const endedAt = performance.now();
  await until(`the end of process ${pid}`, stepLimitMs, () => (isAlive(pid) ? null : true));
  const exitMs = Math.round(performance.now() - endedAt);
  await lab.tunnels.open(tunnelsLeft);
  return { tunnelsLeft, waitedForTunnels, exitMs };
}
