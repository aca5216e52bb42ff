/** What a reload means to those who use the proxy: when it takes effect, and whom it hurts. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nginxConfiguration } from "./configurations.ts";
import { ask } from "./ports.ts";
import { ProbeTunnel } from "./probe-tunnel.ts";
import type { Proxy } from "./proxies.ts";

const patienceMs = 10_000;
const pollMs = 1;

/** So many new connections in a row must meet the new configuration: old workers may accept for a while. */
const unanimous = 50;

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Changes the configuration, sends SIGHUP, and opens one connection after another until all meet the new one.
 * @returns milliseconds from the signal to the first answer after which no old one came.
 * @throws Error when it does not come, a connection fails meanwhile, or an open tunnel does not survive.
 */
export async function timeReload(proxy: Proxy): Promise<number> {
  proxy.generation += 1;
  const text = nginxConfiguration({ ...proxy.setting, generation: proxy.generation });
  const tunnel = await ProbeTunnel.open(proxy.plainPort);
  try {
    await tunnel.echo();
    writeFileSync(join(proxy.setting.directory, "nginx.conf"), text);
    const begin = performance.now();
    process.kill(proxy.child.pid, "SIGHUP");
    const newSince = await whenUnanimous(proxy, begin + patienceMs);
    await tunnel.echo();
    return newSince - begin;
  } finally {
    tunnel.close();
  }
}

async function whenUnanimous(proxy: Proxy, deadline: number): Promise<number> {
  let newSince = 0;
  let agreeing = 0;
  while (agreeing < unanimous) {
    const answer = await ask(proxy.plainPort, "/generation");
    const now = performance.now();
    if (answer === null) throw new Error("a new connection failed during the reload");
    if (answer !== String(proxy.generation)) agreeing = 0;
    else if ((agreeing += 1) === 1) newSince = now;
    if (now > deadline) throw new Error("the new configuration does not come");
    await pause(pollMs);
  }
  return newSince;
}
