import net from "node:net";

/**
 * Below Linux's range of ephemeral ports (32768 and up): a port from that range, found free, may be
 * taken by anybody's outgoing connection before the process under test has bound it.
 */
const firstPort = 12_000;
const lastPort = 31_999;

const given = new Set<number>();

/** Ports on 127.0.0.1 that were free a moment ago; never the same one twice in a process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort + 1));
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
