/**
 * WebSockets that chat while their servers are killed, restarted, frozen and drained. `FAILOVER_CLIENTS` and
 * `FAILOVER_ROUNDS` make more of it; `npm test` runs the short form.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { ChatServer } from "./support/chat-server-process.ts";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { WebSocket } from "./support/ws.ts";

const clientCount = Number(process.env["FAILOVER_CLIENTS"] ?? 50);
const rounds = Number(process.env["FAILOVER_ROUNDS"] ?? 1);
const sayEveryMs = 100;

/** A client that says a number every now and then, and waits for each to be answered. */
class Chatter {
  readonly socket: WebSocket;
  readonly problems: string[] = [];
  /** Servers that have answered, one after the other. */
  readonly servers: string[] = [];
  longestPauseMs = 0;
  said = 0;
  answered = 0;
  private halfSaid = false;
  private last = 0;
  private lastMs = performance.now();
  private timer: NodeJS.Timeout | null = null;
  private readonly id: number;

  constructor(url: string, id: number) {
    this.id = id;
    this.socket = new WebSocket(url);
    this.socket.on("error", (error) => this.problems.push(String(error)));
    this.socket.on("close", (code: number, reason: Buffer) => {
      this.problems.push(`closed with ${code} ${reason.toString()}`);
      this.hush();
    });
    this.socket.on("message", (data) => this.hear((data as Buffer).toString()));
  }

  talk(): void {
    this.timer = setInterval(() => this.say(), sayEveryMs);
  }

  hush(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  say(): void {
    // Under load the second half of a message may be late: nothing may stand before it.
    if (this.halfSaid) return;
    this.said += 1;
    const text = `${this.id} ${this.said} ${"x".repeat((this.said * 37) % 400)}`;
    // Some go in two frames, so that servers die in the midst of messages.
    if (this.said % 3 !== 0) return this.socket.send(text);
    const half = text.length >> 1;
    this.socket.send(text.slice(0, half), { fin: false });
    this.halfSaid = true;
    setTimeout(() => {
      this.halfSaid = false;
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(text.slice(half), { fin: true });
    }, 10);
  }

  /** Everything that was said has been answered. */
  get caughtUp(): boolean {
    return this.last === this.said;
  }

  leave(): void {
    this.hush();
    this.socket.removeAllListeners("close");
    this.socket.terminate();
  }

  private hear(text: string): void {
    const [server = "", id, number] = text.split(" ");
    const now = performance.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.lastMs);
    this.lastMs = now;
    this.answered += 1;
    if (Number(id) !== this.id) this.problems.push(`heard what ${id} said`);
    if (Number(number) <= this.last) this.problems.push(`heard ${number} after ${this.last}`);
    if (!text.endsWith("x".repeat((Number(number) * 37) % 400)))
      this.problems.push(`half a message: ${text}`);
    this.last = Number(number);
    if (this.servers.at(-1) !== server) this.servers.push(server);
  }
}

describe(`${clientCount} WebSockets over three servers`, () => {
  const servers: ChatServer[] = [];
  const chatters: Chatter[] = [];
  let gateway: Gateway;
  let port = 0;

  const config = (listed: readonly ChatServer[]): string => `
    worker_processes 2;
    events { worker_connections 4000; }
    http {
      access_log off;
      websocket_log PREFIX/websocket.log websocket_json;
      upstream chat {
        zone chat 64k;
        ${listed.map((server) => `server 127.0.0.1:${server.port} max_fails=0;`).join(" ")}
      }
      server {
        listen 127.0.0.1:${port};
        websocket on;
        websocket_failover on=lost,drain,close:1012 timeout=8s;
        websocket_ping 1s timeout=2s to=upstream;
        websocket_drain 500ms;
        location / { proxy_pass http://chat; }
      }
    }`;

  before(async () => {
    for (const name of ["a", "b", "c"]) servers.push(new ChatServer(name, await freePort()));
    await Promise.all(servers.map((server) => server.start()));
    port = await freePort();
    gateway = await startGateway(longhaul, { config: config(servers), port });
    for (let id = 0; id < clientCount; id++) chatters.push(new Chatter(`ws://127.0.0.1:${port}/`, id));
    await Promise.all(chatters.map(({ socket }) => once(socket, "open")));
    for (const chatter of chatters) {
      chatter.talk();
      await wait(sayEveryMs / clientCount);
    }
  });

  after(async () => {
    for (const chatter of chatters) chatter.leave();
    await gateway.stop();
    for (const server of servers) await server.end("SIGKILL");
  });

  const problems = (): string[] => chatters.flatMap((chatter) => chatter.problems);

  /** Waits until everybody is answered by a server that is there. */
  async function settled(): Promise<void> {
    for (const chatter of chatters) chatter.hush();
    const deadline = performance.now() + 20_000;
    await wait(100);
    // What a server has got before it dies is lost, and so may be what is said before that is known.
    for (const chatter of chatters) chatter.say();
    for (let round = 1; !chatters.every(({ caughtUp }) => caughtUp); round++) {
      assert.deepEqual(problems(), []);
      assert.ok(performance.now() < deadline, "somebody is not answered");
      if (round % 50 === 0) for (const chatter of chatters) if (!chatter.caughtUp) chatter.say();
      await wait(20);
    }
    for (const chatter of chatters) chatter.talk();
  }

  async function reload(listed: readonly ChatServer[]): Promise<void> {
    const file = path.join(gateway.directory, "nginx.conf");
    await writeFile(file, config(listed).replaceAll("PREFIX", gateway.directory), "latin1");
    process.kill(gateway.pid, "SIGHUP");
  }

  const ordeals: Readonly<Record<string, (server: ChatServer) => Promise<void>>> = {
    "is killed": async (server) => {
      await server.end("SIGKILL");
      await settled();
      await server.start();
    },
    "restarts and says so": async (server) => {
      await server.end("SIGTERM");
      await settled();
      await server.start();
    },
    "is frozen": async (server) => {
      server.freeze();
      await wait(3000);
      await settled();
      server.thaw();
    },
    "is removed by a reload": async (server) => {
      await reload(servers.filter((other) => other !== server));
      await wait(1500);
      await settled();
      const stay = (): number => chatters.filter(({ servers: met }) => met.at(-1) === server.name).length;
      for (let round = 0; stay() > 0; round++) {
        assert.ok(round < 10, `${stay()} stay`);
        await wait(500);
        await settled();
      }
      await reload(servers);
      await wait(500);
    },
  };

  for (let round = 0; round < rounds; round++) {
    for (const [index, [what, ordeal]] of Object.entries(ordeals).entries()) {
      test(`go on when a server ${what}${round === 0 ? "" : `, round ${round + 1}`}`, async () => {
        await wait(300);
        await ordeal(servers[(index + round) % servers.length]!);
        assert.deepEqual(problems(), []);
      });
    }
  }

  test("have lost little time, and the log has each move", (context) => {
    const moves = gateway
      .log()
      .split("\n")
      .filter((line) => line.includes("WebSocket moved"));
    const changes = chatters.reduce((sum, { servers: met }) => sum + met.length - 1, 0);
    assert.ok(moves.length >= changes, `${moves.length} moves in the log, ${changes} seen`);
    assert.ok(changes > 0);
    const longest = Math.round(Math.max(...chatters.map(({ longestPauseMs }) => longestPauseMs)));
    const answered = chatters.reduce((sum, chatter) => sum + chatter.answered, 0);
    context.diagnostic(`${answered} answers, ${moves.length} moves, longest pause ${longest} ms`);
  });
});
