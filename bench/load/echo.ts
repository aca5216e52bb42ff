import type { Job } from "../job.ts";
import { paths } from "../wire.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { cipherOf, dialAll } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";
import { EchoMessage, EchoTunnel } from "./tunnel.ts";

class LoopTunnel extends EchoTunnel {
  readonly #loop: ClosedLoop;

  constructor(id: number, message: EchoMessage, loop: ClosedLoop) {
    super(paths.echo, id, message);
    this.#loop = loop;
  }

  answered(): void {
    if (this.#loop.done()) this.ask();
  }
}

function makeTunnels(job: Job, count: number, loop: ClosedLoop): LoopTunnel[] {
  const message = new EchoMessage(job.size);
  return Array.from({ length: count }, (_, id) => new LoopTunnel(id, message, loop));
}

/** Every tunnel has one message under way, always. Unit: one echo. */
export async function runEcho(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const tunnels = makeTunnels(job, job.connections, loop);
  await dialAll(job, tunnels);
  const stretch = (seconds: number): Promise<number> =>
    loop.run(seconds, tunnels.length, () => {
      for (const tunnel of tunnels) tunnel.ask();
    });
  const facts = job.tls ? { cipher: cipherOf(tunnels[0]!) } : {};
  await runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch, facts);
}

/** A few tunnels so that what the first ones cost once is paid before the runner weighs the proxy. */
const idleWarmupTunnels = 64;

/** Opens the tunnels, sends one message on each, and holds them all until "stop". Unit: one tunnel. */
export async function runIdle(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const open = async (count: number): Promise<void> => {
    const tunnels = makeTunnels(job, count, loop);
    await dialAll(job, tunnels);
    await loop.run(0, count, () => {
      for (const tunnel of tunnels) tunnel.ask();
    });
  };
  await open(idleWarmupTunnels);
  control.report({ event: "ready" });
  await control.hear("go");
  await open(job.connections);
  control.report({ event: "done", units: job.connections });
  await control.hear("stop");
}
