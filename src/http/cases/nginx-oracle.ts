import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestHeadLimits } from "../request-head.ts";

const NGINX = "/usr/sbin/nginx";
/** Between the values of an answer; nothing that a request can put there. */
const SEPARATOR = "\x01";
const VARIABLES = [
  "request_method",
  "request_uri",
  "uri",
  "args",
  "host",
  "request_length",
  "server_protocol",
  "request",
];

/** What nginx made of a request: its status (0: closed without an answer) and what it understood. */
export interface OracleAnswer {
  readonly status: number;
  readonly values: ReadonlyMap<string, string>;
}

/** A running nginx that tells what it makes of a request's bytes. */
export interface Oracle {
  /** Sends bytes to the server with these limits, ends the sending side, and reads the first answer. */
  ask(limits: RequestHeadLimits, bytes: Buffer): Promise<OracleAnswer>;
  stop(): Promise<void>;
}

/** Whether there is an nginx to ask on this machine; without one its tests are skipped. */
export function oracleInstalled(): boolean {
  return existsSync(NGINX);
}

/** Runs nginx with one server on a unix socket for each set of limits. */
export async function startOracle(sets: readonly RequestHeadLimits[]): Promise<Oracle> {
  const keys = [...new Set(sets.map((limits) => keyOf(limits)))];
  const servers = sets.filter(
    (limits, index) => sets.findIndex((one) => keyOf(one) === keyOf(limits)) === index,
  );
  const nginx = await startNginx((directory) =>
    servers.map((limits, index) => serverBlock(limits, join(directory, `${index}.sock`))).join("\n"),
  );
  const socketOf = (limits: RequestHeadLimits): string =>
    join(nginx.directory, `${keys.indexOf(keyOf(limits))}.sock`);
  return {
    ask: async (limits, bytes) => readAnswer(await exchange(socketOf(limits), bytes)),
    stop: () => nginx.stop(),
  };
}

/** An nginx that was started for a test, ready to answer; `stop` also removes its files. */
export interface RunningNginx {
  /** Its own directory; the first server listens on "0.sock" in it. */
  readonly directory: string;
  stop(): Promise<void>;
}

/** Runs nginx in the foreground as one process, with its files in a directory of its own. */
export async function startNginx(servers: (directory: string) => string): Promise<RunningNginx> {
  const directory = mkdtempSync(join(tmpdir(), "oracle-"));
  const file = join(directory, "nginx.conf");
  writeFileSync(file, configuration(directory, servers(directory)), "latin1");
  const child = spawn(NGINX, ["-p", directory, "-e", "stderr", "-c", file], { stdio: "ignore" });
  let alive = true;
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  void exited.then(() => (alive = false));
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
    rmSync(directory, { recursive: true, force: true });
  };
  while (alive && !(await answers(join(directory, "0.sock")))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  if (!alive) throw new Error("nginx did not start");
  return { directory, stop };
}

/** `fieldsMax` is unknown to nginx 1.22. */
function keyOf(limits: RequestHeadLimits): string {
  return JSON.stringify({ ...limits, fieldsMax: 0 });
}

function configuration(directory: string, servers: string): string {
  return `daemon off; master_process off; pid ${directory}/nginx.pid; error_log ${directory}/error.log info;
events { worker_connections 64; }
http {
  access_log off; connection_pool_size 128; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/f; uwsgi_temp_path ${directory}/u; scgi_temp_path ${directory}/s;
${servers}
}
`;
}

function serverBlock(limits: RequestHeadLimits, socket: string): string {
  const flag = (value: boolean): string => (value ? "on" : "off");
  const answer = VARIABLES.map((name) => `${name}=$${name}`).join(SEPARATOR);
  return `  server {
    listen unix:${socket};
    client_header_buffer_size ${limits.headerBufferSize};
    large_client_header_buffers ${limits.largeBufferCount} ${limits.largeBufferSize};
    ignore_invalid_headers ${flag(limits.ignoreInvalidHeaders)};
    underscores_in_headers ${flag(limits.underscoresInHeaders)};
    merge_slashes ${flag(limits.mergeSlashes)};
    client_max_body_size 0;
    location / { return 200 "${SEPARATOR}${answer}${SEPARATOR}"; }
  }`;
}

async function answers(socket: string): Promise<boolean> {
  try {
    await exchange(socket, Buffer.from("GET\r\n"));
    return true;
  } catch {
    return false;
  }
}

/** Sends bytes, ends the sending side, and reads until the other side ends; all as latin1. */
export function exchange(socket: string, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const connection = connect(socket);
    const finish = (): void => resolve(Buffer.concat(chunks).toString("latin1"));
    connection.on("data", (chunk: Buffer) => chunks.push(chunk));
    connection.on("error", (error: NodeJS.ErrnoException) => {
      // A refused request is answered and closed with its rest unread, which resets the connection.
      if (error.code === "ECONNRESET" || error.code === "EPIPE") finish();
      else reject(error);
    });
    connection.on("end", finish);
    connection.end(bytes);
  });
}

function readAnswer(text: string): OracleAnswer {
  const values = new Map<string, string>();
  const body = text.indexOf(SEPARATOR);
  const parts = body < 0 ? [] : text.slice(body).split(SEPARATOR);
  for (const part of parts) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(0, equals));
    if (VARIABLES.includes(name) && !values.has(name)) values.set(name, part.slice(equals + 1));
  }
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text);
  if (status !== null) return { status: Number(status[1]), values };
  // HTTP/0.9 has no status line: the page tells.
  const title = /<title>(\d{3}) /.exec(text);
  if (title !== null) return { status: Number(title[1]), values };
  return { status: values.size > 0 ? 200 : 0, values };
}
