import { createServer } from "node:net";

/**
 * Below the kernel's range for outgoing connections (from 32768), so that no client socket takes a port
 * between the moment it was found free and the moment the program under test listens on it.
 */
const FIRST = 10_300;
const COUNT = 22_000;

let next = Math.floor(Math.random() * COUNT);

/** A TCP port on which nobody listens now, never given twice by this process. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1000; tries++) {
    const port = FIRST + (next++ % COUNT);
    if (await isFree(port)) return port;
  }
  throw new Error("no free port");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => server.close(() => resolve(true)));
  });
}
