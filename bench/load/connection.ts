import { connect, type Socket, type SocketHandler } from "bun";
import type { Job } from "../job.ts";

export type LoadSocket = Socket<LoadConnection>;

/** Longer than any proxy's connect should take under load. */
const openTimeoutMs = 20_000;

/** Connections being opened at once: stays below the smallest listen backlog (511 in nginx). */
const openingMax = 128;

/** One connection of the load generator. The socket's callbacks end here. */
export abstract class LoadConnection {
  socket!: LoadSocket;
  #unsent: Buffer | null = null;

  /** Connected (TLS: handshake done). */
  abstract opened(): void;
  abstract receive(bytes: Buffer): void;
  /** The peer's FIN or the end of the connection. Unexpected unless overridden. */
  closed(): void {
    this.fail("connection closed by the proxy");
  }

  fail(reason: string): never {
    process.stdout.write(`${JSON.stringify({ event: "failed", reason })}\n`);
    process.exit(1);
  }

  /** Sends all of `bytes`, which may be changed afterwards. */
  send(bytes: Buffer): void {
    const taken = this.#unsent === null ? Math.max(0, this.socket.write(bytes)) : 0;
    if (taken === bytes.length) return;
    const rest = Buffer.from(bytes.subarray(taken));
    this.#unsent = this.#unsent === null ? rest : Buffer.concat([this.#unsent, rest]);
  }

  flush(): void {
    if (this.#unsent === null) return;
    const taken = Math.max(0, this.socket.write(this.#unsent));
    this.#unsent = taken < this.#unsent.length ? this.#unsent.subarray(taken) : null;
  }
}

const handlers: SocketHandler<LoadConnection, "buffer"> = {
  binaryType: "buffer",
  open(socket) {
    socket.data.socket = socket;
    if (!isTls.has(socket.data)) socket.data.opened();
  },
  handshake(socket) {
    socket.data.opened();
  },
  data(socket, bytes) {
    socket.data.receive(bytes);
  },
  drain(socket) {
    socket.data.flush();
  },
  end(socket) {
    socket.data.closed();
  },
  close(socket) {
    socket.data.closed();
  },
  error(socket, error) {
    socket.data.fail(error.message);
  },
  connectError(socket, error) {
    socket.data.fail(`connect: ${error.message}`);
  },
};

/** `open` comes before the TLS handshake, and the socket does not tell: remember who waits for it. */
const isTls = new WeakSet<LoadConnection>();

/** The offer of ALPN, as it is on the wire. */
const onlyHttp2 = Buffer.from("\x02h2");

/** Dials the job's port; the connection's `opened` follows. */
export function dial(job: Pick<Job, "port" | "tls" | "streams">, connection: LoadConnection): void {
  const options = {
    hostname: "127.0.0.1",
    port: job.port,
    socket: handlers,
    data: connection,
    allowHalfOpen: true,
  };
  if (!job.tls) {
    void connect(options);
    return;
  }
  isTls.add(connection);
  // One curve for everyone: otherwise only the newer TLS libraries would pay for a post-quantum exchange.
  const tls = { rejectUnauthorized: false, serverName: "localhost", ecdhCurve: "X25519" };
  void connect({ ...options, tls: job.streams > 0 ? { ...tls, ALPNProtocols: onlyHttp2 } : tls });
}

/** A connection that has a state which counts as open (a tunnel: after its handshake). */
export interface Opening {
  readonly whenOpen: Promise<void>;
}

/** Dials all of `connections`, a bounded number at a time; resolves when each is open. */
export async function dialAll(job: Job, connections: readonly (LoadConnection & Opening)[]): Promise<void> {
  let next = 0;
  const opener = async (): Promise<void> => {
    while (next < connections.length) {
      const connection = connections[next]!;
      next += 1;
      dial(job, connection);
      await connection.whenOpen;
    }
  };
  const timer = setTimeout(() => connections[0]?.fail(`not open after ${openTimeoutMs} ms`), openTimeoutMs);
  await Promise.all(Array.from({ length: openingMax }, opener));
  clearTimeout(timer);
}

/** Protocol and cipher of an open TLS connection, for the record. */
export function cipherOf(connection: LoadConnection): string {
  const socket = connection.socket as unknown as { getTLSVersion(): string; getCipher(): { name: string } };
  return `${socket.getTLSVersion()} ${socket.getCipher().name}`;
}
