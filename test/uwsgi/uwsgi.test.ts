/** A Python application behind uWSGI, by each of the protocols that it speaks; nginx is held to the same. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { products, startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";
import { WebSocket } from "../support/ws.ts";

const application = fileURLToPath(new URL("app.fixture.py", import.meta.url));
const program = "/usr/bin/uwsgi";
const installed = existsSync(program);
if (!installed) console.error("# uwsgi and its plugin for Python 3: not installed, its tests are SKIPPED");

const params = (prefix: string): string =>
  `${prefix}_param REQUEST_METHOD $request_method; ${prefix}_param PATH_INFO $document_uri;
   ${prefix}_param QUERY_STRING $query_string; ${prefix}_param CONTENT_LENGTH $content_length;
   ${prefix}_param CONTENT_TYPE $content_type; ${prefix}_param SERVER_PROTOCOL $server_protocol;
   ${prefix}_param SERVER_NAME a; ${prefix}_param SERVER_PORT 80; ${prefix}_param REMOTE_ADDR $remote_addr;`;

/** Resolves when the file is there. */
async function appears(file: string): Promise<void> {
  for (let left = 200; left > 0 && !existsSync(file); left--)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(existsSync(file), `${file} did not appear`);
}

for (const product of installed ? products() : []) {
  describe(`uWSGI behind ${product.name}`, () => {
    let directory = "";
    let child: ChildProcess;
    let gateway: Gateway;
    const bases = new Map<string, string>();

    before(async () => {
      directory = await mkdtemp(path.join(os.tmpdir(), "longhaul-uwsgi-"));
      const sockets = ["uwsgi", "scgi", "fastcgi"].map((name) => ({
        name,
        file: path.join(directory, `${name}.sock`),
      }));
      const flags = ["--plugin", "python3", "--wsgi-file", application, "--processes", "3"];
      const listen = ["--socket", sockets[0]!.file, "--scgi-socket", sockets[1]!.file];
      const options = [
        "--master",
        "--die-on-term",
        ...flags,
        ...listen,
        "--fastcgi-socket",
        sockets[2]!.file,
        "--chmod-socket=666",
      ];
      child = spawn(program, options, { stdio: "ignore" });
      process.once("exit", () => child.kill("SIGKILL"));
      let servers = "";
      let first = 0;
      for (const { name, file } of sockets) {
        const port = await freePort();
        first ||= port;
        bases.set(name, `127.0.0.1:${port}`);
        servers += `server { listen 127.0.0.1:${port}; ${params(name)} location / { ${name}_pass unix:${file}; } }\n`;
        await appears(file);
      }
      const temporary = ["client_body", "fastcgi", "scgi", "uwsgi"].map(
        (name) => `${name}_temp_path PREFIX/${name};`,
      );
      const config = `events { }\nhttp { client_max_body_size 8m; ${temporary.join(" ")}\n${servers} }`;
      gateway = await startGateway(product, { config, port: first });
    });
    after(async () => {
      await gateway?.stop();
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      await rm(directory, { recursive: true, force: true });
    });

    for (const name of ["uwsgi", "scgi", "fastcgi"]) {
      test(`by ${name}: tells the application what was asked`, async () => {
        const answer = await fetch(`http://${bases.get(name)}/a%20b?c=d`, { headers: { "X-A": "one" } });
        assert.equal(answer.status, 200);
        assert.equal(
          await answer.text(),
          "REQUEST_METHOD=GET\nPATH_INFO=/a b\nQUERY_STRING=c=d\nHTTP_X_A=one\n",
        );
      });

      for (const size of [100, 2_000_000]) {
        test(`by ${name}: takes a body of ${size} bytes`, async () => {
          const body = Buffer.alloc(size, "0123456789abcdef");
          const answer = await fetch(`http://${bases.get(name)}/upload`, { method: "POST", body });
          const hash = createHash("md5").update(body).digest("hex");
          assert.deepEqual([answer.status, await answer.text()], [201, `${size} ${hash}`]);
        });
      }

      test(`by ${name}: passes on status and fields`, async () => {
        const answer = await fetch(`http://${bases.get(name)}/missing`);
        assert.deepEqual(
          [answer.status, answer.statusText, answer.headers.get("x-a"), await answer.text()],
          [404, "Not Here", "b", "no such page"],
        );
      });
    }

    test("by uwsgi: a WebSocket of the application", async () => {
      const socket = new WebSocket(`ws://${bases.get("uwsgi")}/ws`);
      await once(socket, "open");
      for (const text of ["hello", "x".repeat(1000)]) {
        const echoed = once(socket, "message");
        socket.send(text);
        assert.equal(String((await echoed)[0]), text);
      }
      const closed = once(socket, "close");
      socket.close();
      await closed;
    });
  });
}
