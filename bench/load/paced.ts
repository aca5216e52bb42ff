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

/** Sends on schedule, whether or not answers are back; a late turn of the loop makes up for what is due. */
async function pace(
  job: Job,
  seconds: number,
  tunnels: readonly PacedTunnel[],
  lag: Histogram,
): Promise<number> {
  const begin = performance.now();
  const total = Math.floor(job.rate * seconds);
  let sent = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - begin) / 1000) * job.rate));
      while (sent < due) {
        const now = performance.now();
        lag.record((now - begin - (sent / job.rate) * 1000) * 1000);
        tunnels[sent % tunnels.length]!.askAt(now);
        sent += 1;
      }
      const open = tunnels.some((tunnel) => tunnel.underWay > 0);
      if (sent < total || open) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  return sent;
}

/**
 * An open loop at `job.rate` messages per second. A message's latency counts from when it was written,
 * since the timer's own lateness is not the proxy's; that lateness is reported beside it.
 */
export async function runPaced(job: Job, control: Control): Promise<void> {
  const latencies = new Histogram();
  const lag = new Histogram();
  const message = new EchoMessage(job.size);
  const tunnels = Array.from({ length: job.connections }, (_, id) => new PacedTunnel(id, message, latencies));
  await dialAll(job, tunnels);
  await pace(job, job.warmupSeconds, tunnels, lag);
  latencies.clear();
  lag.clear();
  control.report({ event: "ready" });
  await control.hear("go");
  const units = await pace(job, job.seconds, tunnels, lag);
  const [p50, p99, max] = [latencies.quantile(0.5), latencies.quantile(0.99), latencies.quantile(1)];
  control.report({ event: "done", units, seconds: job.seconds, p50, p99, max, lagP99: lag.quantile(0.99) });
  await control.hear("stop");
}
