/** What packaged configurations bring along: accepted as far as nothing is lost by it, and told. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseOptions } from "../src/cli/options.ts";
import { checkConfiguration } from "../src/runtime/check.ts";

let root: string;

before(() => {
  root = mkdtempSync(join(tmpdir(), "longhaul-accepted-"));
  mkdirSync(join(root, "modules-enabled"));
  for (const [number, name] of [
    ["50", "http_geoip"],
    ["50", "http_image_filter"],
    ["50", "http_xslt_filter"],
    ["50", "mail"],
    ["50", "stream"],
    ["70", "stream_geoip"],
  ] as const) {
    const line = `load_module modules/ngx_${name}_module.so;\n`;
    writeFileSync(join(root, "modules-enabled", `${number}-mod-${name}.conf`), line);
  }
});

after(() => rmSync(root, { recursive: true }));

async function told(text: string): Promise<{ ok: boolean; lines: string[] }> {
  writeFileSync(join(root, "nginx.conf"), text);
  const { commandLine } = parseOptions(["-t", "-e", "/dev/null", "-g", "pid pid;"], root);
  const { ok, remarks } = await checkConfiguration(commandLine);
  return { ok, lines: remarks.map(({ level, text: line }) => `[${level}] ${line.replaceAll(root, "ROOT")}`) };
}

describe("modules", () => {
  test("a Debian configuration loads those that are enabled", async () => {
    const { ok, lines } = await told("include modules-enabled/*.conf;\nevents {}");
    assert.ok(ok, lines.join("\n"));
    assert.equal(lines.length, 6);
    assert.equal(
      lines[0],
      '[notice] the "load_module" directive has no effect: what needs ngx_http_geoip_module.so is refused where it is used in ROOT/modules-enabled/50-mod-http_geoip.conf:1',
    );
  });

  test("what needs one is refused where it is used", async () => {
    const { lines } = await told(
      "load_module modules/ngx_http_image_filter_module.so;\nevents {}\nhttp { server { location / { image_filter size; } } }",
    );
    assert.match(
      lines.at(-1)!,
      /^\[emerg\] directive "image_filter" of .* is not supported by longhaul: images .* in ROOT\/nginx\.conf:3$/,
    );
  });

  for (const [file, reason] of [
    ["modules/ngx_http_brotli_filter_module.so", "it is machine code for nginx"],
    ["gateway/auth.ts", "longhaul does not load modules of others yet"],
    ["gateway/auth.js", "longhaul does not load modules of others yet"],
  ] as const) {
    test(`${file} is refused: ${reason}`, async () => {
      const { lines } = await told(`load_module ${file};\nevents {}`);
      assert.deepEqual(lines, [`[emerg] module "${file}" cannot be loaded: ${reason} in ROOT/nginx.conf:1`]);
    });
  }
});

describe("stream", () => {
  test("without a server it is accepted, whatever is said for servers", async () => {
    const { ok, lines } = await told(`events {}
      stream {
        log_format basic '$remote_addr [$time_local]';
        access_log off; error_log stderr; resolver 127.0.0.1; ssl_protocols TLSv1.3;
        map $ssl_preread_server_name $target { default 127.0.0.1:1; }
        upstream one { zone one 64k; least_conn; server 127.0.0.1:1 weight=2; }
      }`);
    assert.deepEqual(lines, [
      '[notice] the "stream" block has no effect: there is no server in it in ROOT/nginx.conf:7',
    ]);
    assert.ok(ok);
  });

  test("a server in it is refused", async () => {
    const { lines } = await told("events {}\nstream {\nserver { listen 1; } }");
    assert.deepEqual(lines, [
      '[emerg] directive "server" of ngx_stream_core_module is not supported by longhaul: longhaul proxies HTTP and WebSockets, not bare TCP and UDP in ROOT/nginx.conf:3',
    ]);
  });

  for (const [text, message] of [
    ["nonsense on;", 'unknown directive "nonsense"'],
    ["proxy_pass 127.0.0.1:1;", '"proxy_pass" directive is not allowed here'],
    ["upstream a { nonsense; }", 'unknown directive "nonsense"'],
  ] as const) {
    test(`mistakes in it are mistakes: ${text}`, async () => {
      const { lines } = await told(`events {}\nstream {\n${text} }`);
      assert.deepEqual(lines, [`[emerg] ${message} in ROOT/nginx.conf:3`]);
    });
  }
});

describe("what no effect would weaken", () => {
  test("degradation is refused", async () => {
    const { lines } = await told("events {}\nhttp {\ndegradation sbrk=500m; }");
    assert.match(
      lines.at(-1)!,
      /^\[emerg\] directive "degradation" .* is not supported by longhaul: no request is refused for want/,
    );
  });

  test("worker_rlimit_core 0 is refused, unless it holds already", async () => {
    const holds = /^Max core file size +0 /m.test(readFileSync("/proc/self/limits", "latin1"));
    const { ok, lines } = await told("worker_rlimit_core 0;\nevents {}");
    assert.equal(ok, holds);
    if (!holds)
      assert.match(lines[0]!, /cannot be set from inside: start the process with "ulimit -c 0" in ROOT/);
    assert.equal((await told("worker_rlimit_core 100m;\nevents {}")).ok, true);
  });

  test("ssl_stapling for a certificate that demands it is refused", async () => {
    for (const [name, extension] of [
      ["plain", "keyUsage=digitalSignature"],
      ["demanding", "1.3.6.1.5.5.7.1.24=DER:30:03:02:01:05"],
    ] as const) {
      const files = ["-keyout", join(root, `${name}.key`), "-out", join(root, `${name}.crt`)];
      const args = [
        "req",
        "-x509",
        "-nodes",
        "-newkey",
        "rsa:2048",
        "-subj",
        "/CN=a",
        "-addext",
        extension,
        ...files,
      ];
      spawnSync("openssl", args);
      const { ok, lines } =
        await told(`events {} http { access_log off; server { listen unix:socket ssl; ssl_stapling on;
        ssl_certificate ${name}.crt; ssl_certificate_key ${name}.key; } }`);
      assert.equal(ok, name === "plain", lines.join("\n"));
      if (name !== "plain") assert.match(lines.at(-1)!, /certificate "demanding\.crt" demands stapling/);
    }
  });
});

test("listen … http2 is taken, and said to be the old way", async () => {
  const { ok, lines } = await told(
    "events {}\nhttp { access_log off; server {\nlisten unix:socket http2; } }",
  );
  assert.ok(ok);
  assert.deepEqual(lines, [
    '[warn] the "listen ... http2" directive is deprecated, use the "http2" directive instead in ROOT/nginx.conf:3',
  ]);
});

test("aio on is accepted, as the official builds of nginx do", async () => {
  const { ok } = await told("events {}\nhttp { access_log off; server { listen unix:socket; aio on; } }");
  assert.ok(ok);
});
