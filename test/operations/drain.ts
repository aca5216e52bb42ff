/** QUIT with clients in the middle of everything: how each of them is told, and when. */
import type { Product } from "./gateway.ts";
import { Lab } from "./lab.ts";
import type { LoadFigures, LoadSize } from "./lab.ts";
import type { Wrong } from "./ledger.ts";
import { ask, AskError } from "./load/ask.ts";
import { checkAnswer } from "./load/arrivals.ts";
import { fragments } from "./load/message.ts";
import type { Tunnel } from "./load/tunnel.ts";
import { pause, until } from "./until.ts";

/** RFC 6455, section 7.4.1: an endpoint is going away. */
const goingAway = 1001;
/** Beyond the window: the closing handshakes, and what the process itself needs. */
const graceMs = 15_000;
const heldMs = 1_000;
const bins = 10;

export interface DrainOptions {
  readonly product: Product;
  readonly workers: number;
  readonly load: LoadSize;
  readonly windowMs: number;
  /** The directives that ask for it, at `http` and at top level. */
  readonly http: string;
  readonly main: string;
  /** Requests that are being answered when the process is told to quit. */
  readonly heldRequests: number;
}

export interface DrainReport {
  readonly operation: "drain";
  readonly product: string;
  readonly workers: number;
  readonly windowMs: number;
  readonly tunnels: number;
  /** Of those, in the middle of a fragmented message. */
  readonly fragmented: number;
  readonly withOneCloseFrame: number;
  readonly withoutCloseFrame: number;
  readonly withSeveralCloseFrames: number;
  /** How many were given each code. */
  readonly codes: Readonly<Record<string, number>>;
  /** Close frames in each tenth of the window, and after it. */
  readonly histogram: readonly number[];
  /** Null without any. */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** From QUIT to the end of the last process; null when it had not ended 15 s after the window. */
  readonly exitMs: number | null;
  readonly heldAnswered: number;
  readonly wrongs: Readonly<Record<Wrong, number>>;
  readonly load: LoadFigures;
  readonly details: readonly string[];
}

export async function runDrain(options: DrainOptions): Promise<DrainReport> {
  const { http, main } = options;
  const lab = await Lab.start({ ...options, certificates: 1, extraMain: main, extraHttp: http });
  return await lab.during(() => run(lab, options));
}

async function run(lab: Lab, options: DrainOptions): Promise<DrainReport> {
  const { windowMs, heldRequests } = options;
  await lab.startLoad();
  const fragmented = (await lab.tunnels.open(Math.ceil(options.load.tunnels / 10), fragments)).length;
  // Listeners close with QUIT: who comes then is refused, which is what was asked for.
  await lab.stopRequests();
  const held = Array.from({ length: heldRequests }, (_, number) => hold(lab, number));
  // They must have reached the backend before the signal is sent.
  await pause(heldMs / 2);
  const tunnels = [...lab.tunnels.all];
  for (const tunnel of tunnels) tunnel.allowClose();
  lab.ledger.during = "the drain";
  const quitAt = performance.now();
  lab.gateway.signal("SIGQUIT");
  const exit = until("the end of all processes", windowMs + graceMs, () =>
    lab.gateway.processes().length === 0 ? performance.now() - quitAt : null,
  ).catch(() => null);
  const exitMs = await exit;
  lab.tunnels.destroy();
  const heldAnswered = (await Promise.all(held)).filter(Boolean).length;
  return {
    operation: "drain",
    product: options.product.name,
    workers: options.workers,
    windowMs,
    tunnels: tunnels.length,
    fragmented,
    ...closesOf(tunnels, quitAt, windowMs),
    exitMs: exitMs === null ? null : Math.round(exitMs),
    heldAnswered,
    wrongs: lab.ledger.counts,
    load: lab.figures,
    details: lab.ledger.details,
  };
}

async function hold(lab: Lab, number: number): Promise<boolean> {
  const path = `/hold/${number}?ms=${heldMs}`;
  try {
    const { answer } = await ask(number % 2 === 0 ? lab.plain : lab.secure, path);
    checkAnswer(lab.ledger, path, answer);
    return true;
  } catch (error) {
    if (!(error instanceof AskError)) throw error;
    lab.ledger.record(error.wrong, error.message);
    return false;
  }
}

type Closes = Pick<
  DrainReport,
  | "withOneCloseFrame"
  | "withoutCloseFrame"
  | "withSeveralCloseFrames"
  | "codes"
  | "histogram"
  | "firstMs"
  | "lastMs"
>;

function closesOf(tunnels: readonly Tunnel[], quitAt: number, windowMs: number): Closes {
  const codes: Record<string, number> = {};
  const histogram = Array.from({ length: bins + 1 }, () => 0);
  const times: number[] = [];
  for (const { closes } of tunnels) {
    const first = closes[0];
    if (first === undefined) continue;
    codes[first.code] = (codes[first.code] ?? 0) + 1;
    const afterMs = first.at - quitAt;
    times.push(afterMs);
    histogram[Math.min(bins, Math.floor((afterMs / windowMs) * bins))]! += 1;
  }
  const having = (test: (count: number) => boolean): number =>
    tunnels.filter(({ closes }) => test(closes.length)).length;
  return {
    withOneCloseFrame: having((count) => count === 1),
    withoutCloseFrame: having((count) => count === 0),
    withSeveralCloseFrames: having((count) => count > 1),
    codes,
    histogram,
    firstMs: times.length === 0 ? null : Math.round(Math.min(...times)),
    lastMs: times.length === 0 ? null : Math.round(Math.max(...times)),
  };
}

/** True when every client was told, once, with the right code. */
export function allTold({ tunnels, withOneCloseFrame, codes }: DrainReport): boolean {
  return withOneCloseFrame === tunnels && codes[goingAway] === tunnels;
}
