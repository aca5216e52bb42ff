/**
 * Asks the nginx binary which peers it chooses, for comparison with the balancers.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PeerOptions } from "../src/gateway/balance/peer.ts";

const NGINX = process.env["NGINX"] ?? "/usr/sbin/nginx";

/** Null when nginx can be run; otherwise what a skipped test says. */
export const nginxMissing: string | null =
  spawnSync(NGINX, ["-v"]).status === 0
    ? null
    : `NOTHING WAS COMPARED: there is no nginx at ${NGINX} (set NGINX to its path)`;

export interface Oracle extends AsyncDisposable {
  /** The path of the unix socket on which nginx takes the questions. */
  readonly socket: string;
}

/** A folder for one nginx, which also holds its unix sockets. */
export function scratchFolder(): string {
  return mkdtempSync(join(tmpdir(), "longhaul-oracle-"));
}

/** Starts nginx with `http` inside its http block; its socket is `folder`/front.sock. Disposal removes the folder. */
export async function startNginx(folder: string, http: string): Promise<Oracle> {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/temporary;`)
    .join(" ");
  const config = `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr notice;
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary}
      keepalive_requests 1000000;
      set_real_ip_from unix:; real_ip_header X-Real-IP;
      proxy_http_version 1.1; proxy_set_header Connection "";
      ${http}
    }`;
  writeFileSync(join(folder, "nginx.conf"), config);
  const nginx = spawn(NGINX, ["-p", folder, "-c", join(folder, "nginx.conf")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = new Promise<void>((resolve) => nginx.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    let said = "";
    nginx.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes.toString("latin1")).slice(-10_000);
      // Listening sockets are open when nginx names its event method.
      if (said.includes("event method")) resolve();
    });
    void gone.then(() => reject(new Error(`nginx did not start:\n${said}`)));
  });
  return {
    socket: join(folder, "front.sock"),
    async [Symbol.asyncDispose]() {
      nginx.kill("SIGTERM");
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface Question {
  readonly path: string;
  /** The client's address as nginx shall see it. */
  readonly address: string;
}

/** Sends all questions down one connection; resolves to the X-Peer field of each answer. */
export function ask(socket: string, questions: readonly Question[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const peers: string[] = [];
    let rest = "";
    const connection = connect({ path: socket });
    connection.on("error", reject);
    connection.on("close", () => reject(new Error(`closed after ${peers.length} answers, before: ${rest}`)));
    connection.on("data", (bytes) => {
      const heads = (rest + bytes.toString("latin1")).split("\r\n\r\n");
      rest = heads.pop() ?? "";
      for (const head of heads) peers.push(/^X-Peer: (.*)$/m.exec(head)?.[1]?.trimEnd() ?? head);
      if (peers.length < questions.length) return;
      resolve(peers);
      connection.destroy();
    });
    const requests = questions.map(
      ({ path, address }) => `HEAD ${path} HTTP/1.1\r\nHost: x\r\nX-Real-IP: ${address}\r\n\r\n`,
    );
    connection.write(requests.join(""), "latin1");
  });
}

/** Loopback ports that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let at = 0; at < count; at++) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** The `upstream` block of these peers. */
export function upstreamBlock(name: string, method: string, peers: readonly PeerOptions[]): string {
  const servers = peers.map(
    (each) =>
      `server ${each.server} weight=${each.weight} max_conns=${each.maxConns} max_fails=${each.maxFails} ` +
      `fail_timeout=${each.failTimeoutMs / 1000}s${each.down ? " down" : ""}${each.backup ? " backup" : ""};`,
  );
  return `upstream ${name} { ${method} ${servers.join(" ")} }\n`;
}
