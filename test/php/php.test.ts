/** PHP behind the gateway, by the files that Debian's nginx brings along; nginx is held to the same. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { products, startGateway } from "../support/gateway.ts";
import type { Gateway } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";
import { phpFpm, startPhp } from "./php-fpm.ts";
import type { PhpPool } from "./php-fpm.ts";

const application = readFileSync(fileURLToPath(new URL("app.fixture.php", import.meta.url)), "utf8");
const snippet = "/etc/nginx/snippets/fastcgi-php.conf";
const lacking = [phpFpm === null ? "php-fpm" : "", existsSync(snippet) ? "" : "nginx"].filter(
  (word) => word !== "",
);
if (lacking.length > 0) console.error(`# ${lacking.join(" and ")}: not installed, tests of PHP are SKIPPED`);

function configuration(port: number, socket: string): string {
  return `events { }
http {
    include /etc/nginx/mime.types;
    client_max_body_size 16m;
    client_body_temp_path PREFIX/body;
    fastcgi_temp_path PREFIX/fastcgi;
    upstream php { server unix:${socket}; keepalive 2; }
    server {
        listen 127.0.0.1:${port};
        root PREFIX/html;
        index index.php index.html;
        location / { try_files $uri $uri/ /index.php/env?$args; }
        location ~ \\.php(/|$) {
            include snippets/fastcgi-php.conf;
            fastcgi_pass unix:${socket};
        }
        location ^~ /kept/ {
            fastcgi_split_path_info ^(/kept)(/.*)$;
            include /etc/nginx/fastcgi_params;
            fastcgi_param PATH_INFO $fastcgi_path_info;
            fastcgi_param SCRIPT_FILENAME $document_root/index.php;
            fastcgi_keep_conn on;
            fastcgi_pass php;
        }
        location /files/ { internal; }
    }
}
`.replace("snippets/", "/etc/nginx/snippets/");
}

for (const product of lacking.length > 0 ? [] : products()) {
  describe(`PHP behind ${product.name}`, () => {
    let php: PhpPool;
    let gateway: Gateway;
    let base = "";

    before(async () => {
      php = await startPhp(phpFpm!);
      const port = await freePort();
      base = `http://127.0.0.1:${port}`;
      // The snippet includes "fastcgi.conf", which lies beside the configuration.
      const beside = readFileSync("/etc/nginx/fastcgi.conf", "utf8");
      const files = {
        "html/index.php": application,
        "html/files/note.txt": "a note",
        "fastcgi.conf": beside,
      };
      gateway = await startGateway(product, { config: configuration(port, php.socket), port, files });
    });
    after(async () => {
      await gateway?.stop();
      await php?.stop();
    });

    test("serves the entry page", async () => {
      const answer = await fetch(`${base}/`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("content-type")!, /^text\/html/);
      assert.match(await answer.text(), /^hello from .*\/html\/index\.php$/);
    });

    test("tells the script what was asked", async () => {
      const answer = await fetch(`${base}/index.php/env?a=b%20c`, { headers: { "X-A": "one" } });
      const told = (await answer.text()).trim().split("\n");
      assert.deepEqual(told, [
        "REQUEST_METHOD=GET",
        "SCRIPT_NAME=/index.php",
        "PATH_INFO=/env",
        "QUERY_STRING=a=b%20c",
        "HTTP_X_A=one",
        "SERVER_PROTOCOL=HTTP/1.1",
      ]);
    });

    test("a front controller gets what is no file", async () => {
      const text = await (await fetch(`${base}/no/such/file?q=1`)).text();
      assert.match(text, /PATH_INFO=\/env\nQUERY_STRING=q=1\n/);
    });

    test("a script that is no file is not asked for", async () => {
      assert.equal((await fetch(`${base}/none.php/env`)).status, 404);
    });

    test("keeps a session", async () => {
      const first = await fetch(`${base}/index.php/visit`);
      const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
      assert.equal(await first.text(), "visit 1");
      for (const visit of [2, 3]) {
        const next = await fetch(`${base}/index.php/visit`, { headers: { cookie } });
        assert.equal(await next.text(), `visit ${visit}`);
      }
    });

    for (const size of [100, 100_000, 5_000_000]) {
      test(`takes an upload of ${size} bytes`, async () => {
        const bytes = Buffer.alloc(size, "0123456789abcdef");
        const form = new FormData();
        form.set("title", "picture");
        form.set("file", new Blob([bytes]), "a.bin");
        const answer = await fetch(`${base}/index.php/upload`, { method: "POST", body: form });
        const hash = createHash("md5").update(bytes).digest("hex");
        assert.equal(await answer.text(), `picture a.bin ${size} ${hash}`);
      });
    }

    test("passes on redirects and statuses", async () => {
      const moved = await fetch(`${base}/index.php/moved`, { redirect: "manual" });
      assert.deepEqual([moved.status, moved.headers.get("location")], [302, "/elsewhere"]);
      const missing = await fetch(`${base}/index.php/missing`);
      assert.deepEqual([missing.status, await missing.text()], [404, "no such page"]);
    });

    test("logs what the script complains of", async () => {
      assert.equal(await (await fetch(`${base}/index.php/warning`)).text(), "done");
      await gateway.logged(/FastCGI sent in stderr: "PHP message: something is odd" while reading/);
    });

    test("passes on large answers", async () => {
      const body = await (await fetch(`${base}/index.php/large`)).bytes();
      assert.equal(body.length, 64 * 65_536);
      assert.equal(body.at(-1), "l".charCodeAt(0));
    });

    test("passes on events as they come", async () => {
      const answer = await fetch(`${base}/index.php/slow`);
      const chunks: string[] = [];
      for await (const chunk of answer.body!) chunks.push(Buffer.from(chunk).toString());
      assert.equal(chunks.join(""), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
      assert.ok(chunks.length > 1, "they came together");
    });

    test("sends the file that the script names", async () => {
      assert.equal(await (await fetch(`${base}/index.php/download`)).text(), "a note");
    });

    test("keeps connections to the application", async () => {
      for (let visit = 0; visit < 5; visit++) {
        assert.match(await (await fetch(`${base}/kept/env`)).text(), /PATH_INFO=\/env/);
      }
    });

    test("a script that is killed gives 502, and the next one is served", async () => {
      assert.equal((await fetch(`${base}/index.php/crash`)).status, 502);
      await gateway.logged(/while reading response header from upstream.*upstream: "fastcgi:\/\/unix:/);
      assert.equal((await fetch(`${base}/`)).status, 200);
    });
  });
}
