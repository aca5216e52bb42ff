import { Worker } from "node:worker_threads";
import type { Job } from "../job.ts";
import { paths } from "../wire.ts";
import { dialAll } from "./connection.ts";
import type { Control } from "./control.ts";
import { Histogram } from "./histogram.ts";
import { EchoMessage, EchoTunnel } from "./tunnel.ts";

class PacedTunnel extends EchoTunnel {
  readonly #latencies: Histogram;
  /** When the messages under way were sent, oldest first. */
  readonly #sentAt: number[] = [];

  constructor(id: number, message: EchoMessage, latencies: Histogram) {
    super(paths.echo, id, message);
    this.#latencies = latencies;
  }

  get underWay(): number {
    return this.#sentAt.length;
  }

  askAt(now: number): void {
    this.#sentAt.push(now);
    this.ask();
  }

  answered(): void {
    const sentAt = this.#sentAt.shift() ?? 0;
    this.#latencies.record((performance.now() - sentAt) * 1000);
  }
}

/** Time that the pacer's thread reads alike; `performance.now()` starts with each thread. */
function wallMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Sends what is due, whether or not answers are back, then waits for those. */
async function pace(
  messages: number,
  tunnels: readonly PacedTunnel[],
  lag: Histogram,
  pacer: Worker,
): Promise<void> {
  let sent = 0;
  await new Promise<void>((resolve) => {
    const turn = (dueMs: number): void => {
      if (sent < messages) {
        lag.record((wallMs() - dueMs) * 1000);
        tunnels[sent % tunnels.length]!.askAt(performance.now());
        sent += 1;
        return;
      }
      if (tunnels.some((tunnel) => tunnel.underWay > 0)) return;
      pacer.off("message", turn);
      resolve();
    };
    pacer.on("message", turn);
  });
}

/**
 * An open loop at `job.rate` messages per second. A message's latency counts from when it was written,
 * since the generator's own lateness is not the proxy's; that lateness is reported beside it.
 */
export async function runPaced(job: Job, control: Control): Promise<void> {
  const latencies = new Histogram();
  const lag = new Histogram();
  const message = new EchoMessage(job.size);
  const tunnels = Array.from({ length: job.connections }, (_, id) => new PacedTunnel(id, message, latencies));
  await dialAll(job, tunnels);
  const workerData = { meanGapMs: 1000 / job.rate };
  const pacer = new Worker(new URL("pacer.ts", import.meta.url), { workerData });
  await pace(Math.ceil(job.rate * job.warmupSeconds), tunnels, lag, pacer);
  latencies.clear();
  lag.clear();
  control.report({ event: "ready" });
  await control.hear("go");
  const units = Math.ceil(job.rate * job.seconds);
  await pace(units, tunnels, lag, pacer);
  const [p50, p99, max] = [latencies.quantile(0.5), latencies.quantile(0.99), latencies.quantile(1)];
  control.report({ event: "done", units, seconds: job.seconds, p50, p99, max, lagP99: lag.quantile(0.99) });
  await control.hear("stop");
}
