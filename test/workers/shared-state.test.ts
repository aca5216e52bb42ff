import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import tls from "node:tls";
import { fileURLToPath } from "node:url";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { close, listen, portOf } from "../support/backend.ts";
import { freePort } from "../support/ports.ts";
import { get, KeptConnection, startScene, until } from "./scene.ts";

/** A server that answers when it is told. */
class Patient {
  readonly waiting: http.ServerResponse[] = [];
  private readonly server = http.createServer((_, response) => {
    this.waiting.push(response);
  });

  async start(t: TestContext): Promise<number> {
    await listen(this.server, 0);
    t.after(async () => {
      this.server.closeAllConnections();
      await close(this.server);
    });
    return portOf(this.server);
  }

  answerAll(): void {
    for (const response of this.waiting.splice(0)) response.end("ok");
  }
}

function proxying(upstream: string): string {
  return `upstream u { ${upstream} keepalive 0; }
    server {
      listen 127.0.0.1:PORT;
      location / { proxy_pass http://u; proxy_next_upstream off; }
      location /generation { return 200 "GENERATION"; }
      location /crash { worker_crash exception; }
    }`;
}

/** Requests that all came as far as they do while the backend is patient. */
async function ask(port: number, backend: Patient, count: number): Promise<Promise<number>[]> {
  const held = backend.waiting.length;
  let refused = 0;
  const answers = Array.from({ length: count }, async () => {
    const { status } = await get(port).catch(() => ({ status: 0 }));
    if (status === 502) refused += 1;
    return status;
  });
  await until(() => backend.waiting.length - held + refused === count);
  return answers;
}

describe("across four workers", () => {
  test("max_conns is exact, also after a reload", async (t) => {
    const backend = new Patient();
    const upstream = `server 127.0.0.1:${await backend.start(t)} max_conns=5 max_fails=0;`;
    const { port, reload } = await startScene(t, 4, proxying(`${upstream} server 127.0.0.1:1 down;`));
    const first = await ask(port, backend, 40);
    assert.equal(backend.waiting.length, 5);
    await reload(4);
    await ask(port, backend, 20);
    assert.equal(backend.waiting.length, 5);
    backend.answerAll();
    assert.equal((await Promise.all(first)).filter((status) => status === 200).length, 5);
    await ask(port, backend, 40);
    assert.equal(backend.waiting.length, 5);
    backend.answerAll();
  });

  test("least_conn sees the connections of all", async (t) => {
    const backends = [new Patient(), new Patient(), new Patient()];
    const servers = [];
    for (const backend of backends) servers.push(`server 127.0.0.1:${await backend.start(t)};`);
    const { port } = await startScene(t, 4, proxying(`least_conn; ${servers.join(" ")}`));
    const answers = [];
    for (let i = 1; i <= 30; i++) {
      answers.push(get(port));
      await until(() => backends.reduce((sum, { waiting }) => sum + waiting.length, 0) === i);
    }
    assert.deepEqual(
      backends.map(({ waiting }) => waiting.length),
      [10, 10, 10],
    );
    for (const backend of backends) backend.answerAll();
    await Promise.all(answers);
  });

  test("a dead worker's connections no longer count against max_conns", async (t) => {
    const backend = new Patient();
    const upstream = `server 127.0.0.1:${await backend.start(t)} max_conns=6 max_fails=0;`;
    const { port, gateway } = await startScene(t, 2, proxying(`${upstream} server 127.0.0.1:1 down;`));
    const held = await ask(port, backend, 40);
    assert.equal(backend.waiting.length, 6);
    for (let i = 1; i <= 8; i++) {
      await get(port, "/crash").catch(() => undefined);
      await until(() => (gateway.log().match(/exited with code 1/g)?.length ?? 0) >= i);
      await until(() =>
        get(port, "/generation").then(
          () => true,
          () => false,
        ),
      );
    }
    backend.answerAll();
    assert.equal((await Promise.all(held)).filter((status) => status === 0).length, 6);
    await ask(port, backend, 40);
    assert.equal(backend.waiting.length, 6);
    backend.answerAll();
  });

  test("stub_status counts the connections of all", async (t) => {
    const { port } = await startScene(
      t,
      4,
      `server { listen 127.0.0.1:PORT; location / { return 200 "$connection"; } location /status { stub_status; } }`,
    );
    const kept = await Promise.all(Array.from({ length: 40 }, () => KeptConnection.open(port)));
    t.after(() => kept.forEach((connection) => connection.close()));
    const numbers = await Promise.all(kept.map((connection) => connection.get()));
    assert.equal(new Set(numbers).size, 40);
    let body = "";
    await until(async () => {
      ({ body } = await get(port, "/status"));
      return body.startsWith("Active connections: 41 ");
    });
    assert.match(body, /Reading: 0 Writing: 1 Waiting: 40/);
    const [, accepted, requests] = / (\d+) \d+ (\d+) \n/.exec(body) ?? [];
    assert.ok(Number(accepted) >= Number(requests) && Number(requests) >= 41, body);
  });

  const onNode = process.versions.bun === undefined;
  test("TLS sessions are resumed by any of them, also after a reload", { skip: !onNode }, async (t) => {
    const tlsPort = await freePort();
    const servers = `server { listen 127.0.0.1:PORT; location /generation { return 200 "GENERATION"; } }
      server { listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${fixture("a.test.crt")};
      ssl_certificate_key ${fixture("a.test.key")}; ssl_protocols TLSv1.2;
      return 200 "$worker_thread $ssl_session_reused"; }`;
    const { reload } = await startScene(t, 4, servers);
    const { session } = await secureGet(tlsPort, undefined);
    const threads = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const answer = await secureGet(tlsPort, session);
      assert.ok(answer.reused);
      threads.add(answer.thread);
    }
    assert.equal(threads.size, 4);
    await reload(4);
    for (let i = 0; i < 10; i++) assert.ok((await secureGet(tlsPort, session)).reused);
  });

  test(
    "a TLS session does not outlive the authorities that its client was judged by",
    { skip: !onNode },
    async (t) => {
      const tlsPort = await freePort();
      const servers = (authority: string): string =>
        `server { listen 127.0.0.1:PORT; location /generation { return 200 "GENERATION"; } }
      server { listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${fixture("a.test.crt")};
      ssl_certificate_key ${fixture("a.test.key")}; ssl_protocols TLSv1.2;
      ssl_verify_client optional; ssl_client_certificate ${fixture(authority)};
      return 200 "$worker_thread $ssl_session_reused"; }`;
      const { reload } = await startScene(t, 2, servers("ca.crt"));
      const { session } = await secureGet(tlsPort, undefined);
      assert.ok((await secureGet(tlsPort, session)).reused);
      await reload(2, servers("a.test.crt"));
      assert.ok(!(await secureGet(tlsPort, session)).reused);
    },
  );
});

function fixture(name: string): string {
  return fileURLToPath(new URL(`../../src/net/fixtures/${name}`, import.meta.url));
}

async function secureGet(
  port: number,
  session: Buffer | undefined,
): Promise<{ thread: string; reused: boolean; session: Buffer | undefined }> {
  const options = { port, host: "127.0.0.1", rejectUnauthorized: false };
  const socket = tls.connect(session === undefined ? options : { ...options, session });
  const offered = session ?? ((await once(socket, "session")) as [Buffer])[0];
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  let text = "";
  for await (const chunk of socket.setEncoding("latin1")) text += String(chunk);
  const [, thread = "", reused = ""] = /\r\n\r\n(\d+) ([r.])/.exec(text) ?? [];
  return { thread, reused: reused === "r", session: offered };
}
