import type { Job } from "../job.ts";
import { paths, StampedFrame } from "../wire.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { dialAll } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";
import { Tunnel } from "./tunnel.ts";

/** Starts a round on the backend, directly. */
class ControlTunnel extends Tunnel {
  receiveFrames(): void {}

  startRound(): void {
    this.send(Buffer.from([1]));
  }
}

/** The rounds of the broadcast as seen by all tunnels together: the next begins when the last is complete. */
class Rounds {
  readonly frame: StampedFrame;
  number = 0;
  readonly #loop: ClosedLoop;
  readonly #starter: ControlTunnel;
  readonly #tunnels: number;
  #missing = 0;

  constructor(job: Job, loop: ClosedLoop, starter: ControlTunnel) {
    this.frame = new StampedFrame(job.size, false);
    this.#loop = loop;
    this.#starter = starter;
    this.#tunnels = job.connections;
  }

  start(): void {
    this.#missing = this.#tunnels;
    this.#starter.startRound();
  }

  arrived(): void {
    this.#missing -= 1;
    if (this.#missing > 0) return;
    this.number += 1;
    if (this.#loop.done()) this.start();
  }
}

class BroadcastTunnel extends Tunnel {
  readonly #rounds: Rounds;
  #position = 0;

  constructor(rounds: Rounds) {
    super(paths.broadcast);
    this.#rounds = rounds;
  }

  receiveFrames(bytes: Buffer): void {
    const expected = this.#rounds.frame.stamp(0, this.#rounds.number);
    const end = this.#position + bytes.length;
    if (end > expected.length) this.fail("more than one message in a round");
    if (bytes.compare(expected, this.#position, end) !== 0) this.fail("broadcast differs");
    this.#position = end;
    if (end < expected.length) return;
    this.#position = 0;
    this.#rounds.arrived();
  }
}

/** The backend sends one message to every tunnel, round after round. Unit: one message to one tunnel. */
export async function runBroadcast(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const query = `size=${job.size}&tunnels=${job.connections}`;
  const starter = new ControlTunnel(`${paths.broadcastControl}?${query}`);
  const rounds = new Rounds(job, loop, starter);
  const tunnels = Array.from({ length: job.connections }, () => new BroadcastTunnel(rounds));
  await dialAll({ ...job, port: job.controlPort, tls: false }, [starter]);
  await dialAll(job, tunnels);
  const stretch = async (seconds: number): Promise<number> =>
    (await loop.run(seconds, 1, () => rounds.start())) * tunnels.length;
  await runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch);
}
