import type { Job } from "../job.ts";
import { paths, serverClose } from "../wire.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { dial } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";
import { EchoMessage, EchoTunnel } from "./tunnel.ts";

/** A tunnel's whole life: connect, handshake, one echo, close frames both ways, the backend's FIN. */
class ShortTunnel extends EchoTunnel {
  #closing = false;
  #gone = false;
  readonly #whenGone: () => void;

  constructor(id: number, message: EchoMessage, whenGone: () => void) {
    super(paths.echo, id, message);
    this.#whenGone = whenGone;
  }

  override upgraded(): void {
    this.ask();
  }

  answered(): void {
    this.#closing = true;
    this.sayClose();
  }

  override receiveFrames(bytes: Buffer): void {
    if (!this.#closing) super.receiveFrames(bytes);
    else if (!bytes.equals(serverClose)) this.fail("not the close frame");
  }

  override closed(): void {
    if (this.#gone) return;
    if (!this.#closing) this.fail("tunnel closed too early");
    this.#gone = true;
    this.socket.end();
    this.#whenGone();
  }
}

/** `job.connections` tunnels at any time, each replaced when it is over. Unit: one tunnel. */
export async function runTunnels(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const message = new EchoMessage(job.size);
  let opened = 0;
  const open = (): void => {
    opened += 1;
    dial(job, new ShortTunnel(opened, message, () => loop.done() && open()));
  };
  const stretch = (seconds: number): Promise<number> =>
    loop.run(seconds, job.connections, () => {
      for (let i = 0; i < job.connections; i += 1) open();
    });
  await runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch);
}
