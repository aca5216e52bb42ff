import { connect, type TLSSocket } from "node:tls";
import type { Job } from "../job.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { dial, LoadConnection } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";

/** Connects, finishes the TLS handshake, and leaves in good order so that the proxy finishes it too. */
class HandshakeConnection extends LoadConnection {
  #gone = false;
  #open = false;
  readonly #whenGone: () => void;

  constructor(whenGone: () => void) {
    super();
    this.#whenGone = whenGone;
  }

  opened(): void {
    this.#open = true;
    this.socket.shutdown();
  }

  receive(): void {}

  override closed(): void {
    if (this.#gone) return;
    if (!this.#open) this.fail("closed before the handshake was done");
    this.#gone = true;
    this.socket.terminate();
    this.#whenGone();
  }
}

/** Full handshakes (TLS 1.3, no ticket offered). Unit: one handshake. */
export async function runHandshakes(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const open = (): void => dial(job, new HandshakeConnection(() => loop.done() && open()));
  await runRepeatedly(job, control, loop, open);
}

function dialTls(port: number, session: Buffer | null): TLSSocket {
  return connect({
    host: "127.0.0.1",
    port,
    servername: "localhost",
    rejectUnauthorized: false,
    ecdhCurve: "X25519",
    ...(session === null ? {} : { session }),
  });
}

/** A session ticket from the server, or an error when it does not issue any. */
function obtainSession(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = dialTls(port, null);
    const timer = setTimeout(() => reject(new Error("the proxy issues no session ticket")), 2000);
    socket.on("error", reject);
    socket.on("session", (session: Buffer) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(session);
    });
    // Some servers send the ticket only together with their first answer.
    socket.on("secureConnect", () => socket.write("GET /small HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    socket.resume();
  });
}

/** Handshakes that resume a session by its ticket. Unit: one handshake. */
export async function runResumed(job: Job, control: Control): Promise<void> {
  const session = await obtainSession(job.port);
  const loop = new ClosedLoop();
  const open = (): void => {
    const socket = dialTls(job.port, session);
    socket.on("error", (error: Error) => control.fail(error.message));
    socket.on("secureConnect", () => {
      if (!socket.isSessionReused()) control.fail("the session was not resumed");
      socket.end();
    });
    socket.on("close", () => loop.done() && open());
    socket.resume();
  };
  await runRepeatedly(job, control, loop, open);
}

function runRepeatedly(job: Job, control: Control, loop: ClosedLoop, open: () => void): Promise<void> {
  const stretch = (seconds: number): Promise<number> =>
    loop.run(seconds, job.connections, () => {
      for (let i = 0; i < job.connections; i += 1) open();
    });
  return runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch);
}
