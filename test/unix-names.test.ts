/** A unix socket of `listen` whose name something else has. */
import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { startGateway as embed } from "../src/index.ts";
import { products, startGateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { runProgram } from "./support/program.ts";
import { asWhoeverTests } from "./support/user.ts";

const limit = { timeout: 60_000 };
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "longhaul-unix-"));
  writeFileSync(join(folder, "file"), "precious");
  symlinkSync("file", join(folder, "link"));
  symlinkSync("nowhere", join(folder, "dangling"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function configuration(name: string, workers: number): string {
  return `${asWhoeverTests} worker_processes ${workers}; daemon off; pid ${folder}/pid; error_log stderr;
    events {} http { access_log off; server { listen unix:${folder}/${name}; return 200; } }`;
}

function assertUntouched(): void {
  assert.equal(readFileSync(join(folder, "file"), "latin1"), "precious");
  for (const name of ["link", "dangling"]) assert.ok(lstatSync(join(folder, name)).isSymbolicLink(), name);
}

for (const product of products()) {
  describe(`${product.name}: the name of a unix socket`, () => {
    for (const name of ["file", "link", "dangling"]) {
      test(`${name} is taken, and stays`, limit, async () => {
        for (const workers of product.name === "nginx" ? [1] : [1, 2]) {
          writeFileSync(join(folder, "nginx.conf"), configuration(name, workers));
          const flags = ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", "stderr"];
          const { code, output } = await runProgram([...product.command, ...flags], {
            cwd: folder,
            env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
          });
          assert.equal(code, 1);
          assert.ok(
            output.includes(`[emerg] bind() to unix:${folder}/${name} failed (98: Address already in use)`) ||
              output.includes(`bind() to unix:${folder}/${name} failed (98: Address already in use)`),
            output,
          );
          assert.match(output, /still could not bind\(\)/);
          assertUntouched();
        }
      });
    }

    test("is open to everybody who reaches it", limit, async (t) => {
      const port = await freePort();
      const config = `events {} http { server { listen unix:PREFIX/socket; listen 127.0.0.1:${port}; } }`;
      const gateway = await startGateway(product, { port, config });
      t.after(() => gateway.stop());
      assert.equal(lstatSync(join(gateway.directory, "socket")).mode & 0o777, 0o666);
    });
  });
}

describe("longhaul", () => {
  test(
    "takes the name of a socket that nobody listens on: its process had no time to do so",
    limit,
    async () => {
      const path = join(folder, "stale");
      const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
      await runProgram([process.execPath, "-e", script], { cwd: folder });
      assert.ok(lstatSync(path).isSocket());
      const gateway = await embed({
        config: `events {} http { access_log off; server { listen unix:${path}; } }`,
        prefix: folder,
      });
      const socket = net.connect(path);
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.destroy();
      await gateway.stop();
    },
  );

  for (const name of ["file", "link", "dangling"]) {
    test(`embedded: ${name} is taken, and stays`, limit, async () => {
      const config = `events {} http { access_log off; server { listen unix:${folder}/${name}; } }`;
      await assert.rejects(embed({ config, prefix: folder }), { code: "EADDRINUSE" });
      assertUntouched();
    });
  }
});
