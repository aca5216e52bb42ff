import net from "node:net";
import tls from "node:tls";

/** A port of the gateway on 127.0.0.1. */
export interface Target {
  readonly port: number;
  readonly secure: boolean;
}

export function nameOf({ port, secure }: Target): string {
  return `${secure ? "https" : "http"} port ${port}`;
}

/** Begins to connect; `onReady` when bytes can be sent. The socket has no listener for "error" yet. */
export function dial({ port, secure }: Target, onReady: () => void): net.Socket {
  const host = "127.0.0.1";
  if (!secure) {
    return net.connect({ host, port, noDelay: true, allowHalfOpen: true }, onReady);
  }
  // What the certificate says is compared by those who care; it is always self-made here.
  return tls.connect({ host, port, servername: "localhost", rejectUnauthorized: false }, onReady);
}

/** The code of a socket's error, "ECONNREFUSED" and the like. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  return String(error);
}
