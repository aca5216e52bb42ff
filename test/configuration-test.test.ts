/** `-t`: what could not be started does not pass, and nothing is left behind. */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { longhaul, products } from "./support/gateway.ts";
import type { Product } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";
import { runProgram } from "./support/program.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "longhaul-dry-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  /** What is told, without the program's name, the time and the level. */
  readonly lines: readonly string[];
}

async function check(product: Product, listen: string, before: readonly string[] = []): Promise<Outcome> {
  const config = join(folder, "nginx.conf");
  const text = `error_log stderr; pid ${folder}/pid; events {} http { access_log off; server { listen ${listen}; } }`;
  writeFileSync(config, text);
  const flags = ["-t", "-p", folder, "-c", config, "-e", "stderr"];
  const { code, output } = await runProgram([...before, ...product.command, ...flags], {
    cwd: folder,
    env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
  });
  const clean = /^((nginx|longhaul): )?(\d{4}\/\S+ \S+ )?(\[\w+\] )?(\d+#\d+: )?/;
  // nginx says it twice where the error log is the terminal.
  const lines = output.split("\n").filter((line) => line !== "" && !line.startsWith("nginx: [emerg]"));
  return { code, lines: lines.map((line) => line.replaceAll(folder, "ROOT").replace(clean, "")) };
}

const syntaxOk = "the configuration file ROOT/nginx.conf syntax is ok";
const failed = "configuration file ROOT/nginx.conf test failed";
const successful = "configuration file ROOT/nginx.conf test is successful";

const somethingIsOpen = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "latin1")) <= 81;
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

for (const product of products()) {
  describe(`${product.name} -t`, () => {
    test("an address that this machine does not have", async () => {
      const outcome = await check(product, "192.0.2.1:8080");
      const told = "bind() to 192.0.2.1:8080 failed (99: Cannot assign requested address)";
      assert.deepEqual(outcome, { code: 1, lines: [syntaxOk, told, failed] });
    });

    test("an IPv6 address that it does not have", async () => {
      const { code, lines } = await check(product, "[2001:db8::1]:8080");
      assert.equal(code, 1);
      assert.match(lines[1]!, /^(bind\(\) to|socket\(\)) \[2001:db8::1\]:8080 failed \((97|99): /);
    });

    test("a unix socket in a folder that is not there", async () => {
      const outcome = await check(product, "unix:PREFIX/none/socket".replace("PREFIX", folder));
      const told = "bind() to unix:ROOT/none/socket failed (2: No such file or directory)";
      assert.deepEqual(outcome, { code: 1, lines: [syntaxOk, told, failed] });
    });

    test(
      "a port that only root may bind",
      { skip: process.getuid?.() !== 0 || somethingIsOpen },
      async () => {
        chownSync(folder, 65534, -1);
        const outcome = await check(product, "127.0.0.1:81", asNobody);
        const told = "bind() to 127.0.0.1:81 failed (13: Permission denied)";
        assert.deepEqual(outcome, { code: 1, lines: [syntaxOk, told, failed] });
      },
    );

    test("a port that is taken is no fault", async (t) => {
      const server = net.createServer().listen(0, "127.0.0.1");
      t.after(() => server.close());
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as AddressInfo;
      assert.deepEqual(await check(product, `127.0.0.1:${port}`), { code: 0, lines: [syntaxOk, successful] });
    });

    test("the name of a unix socket that is taken is no fault", async () => {
      writeFileSync(join(folder, "taken"), "");
      const outcome = await check(product, `unix:${folder}/taken`);
      assert.deepEqual(outcome, { code: 0, lines: [syntaxOk, successful] });
    });
  });
}

describe("longhaul -t leaves nothing behind", () => {
  test("no log, no folder, no pid file, no socket", async () => {
    const config = join(folder, "nginx.conf");
    const port = await freePort();
    mkdirSync(join(folder, "named"));
    writeFileSync(
      config,
      `events {} http { access_log named/access.log; client_body_temp_path body;
       server { listen 127.0.0.1:${port}; listen unix:${folder}/socket; } server { access_log logs/other.log; } }`,
    );
    const { code, output } = await runProgram([...longhaul.command, "-t", "-p", folder, "-c", config], {
      cwd: folder,
    });
    assert.equal(code, 0, output);
    assert.deepEqual(readdirSync(folder).sort(), ["named", "nginx.conf"]);
    assert.deepEqual(readdirSync(join(folder, "named")), []);
  });

  test("a command to a running process makes no log either", async () => {
    const config = join(folder, "nginx.conf");
    writeFileSync(config, "pid pid; events {} http { access_log access.log; server { } }");
    await runProgram([...longhaul.command, "-s", "quit", "-p", folder, "-c", config], { cwd: folder });
    assert.deepEqual(readdirSync(folder), ["nginx.conf"]);
  });

  test("a log that could not be opened is told", async () => {
    const config = join(folder, "nginx.conf");
    writeFileSync(config, "events {} http { access_log none/access.log; server { } }");
    const { code, output } = await runProgram([...longhaul.command, "-t", "-p", folder, "-c", config], {
      cwd: folder,
    });
    assert.equal(code, 1);
    assert.match(output, /\[emerg\] open\(\) ".*none\/access\.log" failed \(2: No such file or directory\)/);
  });
});
