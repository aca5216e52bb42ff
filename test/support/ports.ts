import net from "node:net";

/**
 * Below Linux's range of ephemeral ports (32768 and up): a port from that range, found free, may be
 * taken by anybody's outgoing connection before the process under test has bound it.
 */
const firstPort = 12_000;
const portCount = 20_000;
/** Tests in several processes side by side take none from each other: each has whole blocks for itself. */
const blockPorts = 100;

/** What is left of this process's block. */
let next = 0;
let end = 0;

/** Ports that were free on every IPv4 address a moment ago; never the same one twice, in any process of the tests. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const [port] = await take(1);
    if (await isFree(port!)) ports.push(port!);
  }
  return ports;
}

/** As `freePorts`, one after the other without a gap. */
export async function freePortsInRow(count: number): Promise<number[]> {
  for (;;) {
    const ports = await take(count);
    const free = await Promise.all(ports.map(isFree));
    if (free.every(Boolean)) return ports;
  }
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** Whoever calls it meanwhile waits for the block, too. */
let claiming: Promise<void> | null = null;

async function take(count: number): Promise<number[]> {
  while (next + count > end) await (claiming ??= claimBlock());
  const ports = Array.from({ length: count }, (_, at) => next + at);
  next += count;
  return ports;
}

/** A block is this process's for as long as it listens on the block's first port. */
async function claimBlock(): Promise<void> {
  for (;;) {
    const block = firstPort + blockPorts * Math.floor(Math.random() * (portCount / blockPorts));
    const holder = net.createServer((socket) => socket.destroy());
    if (!(await listens(holder, block))) continue;
    holder.unref();
    next = block + 1;
    end = block + blockPorts;
    claiming = null;
    return;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  if (!(await listens(server, port))) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

function listens(server: net.Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "0.0.0.0", () => resolve(true));
  });
}
