import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import https from "node:https";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { browserInstalled, startBrowser } from "./support/browser.ts";
import { longhaul, repository } from "./support/gateway.ts";
import { Program } from "./support/program.ts";
import { WebSocket } from "./support/ws.ts";

interface Answer {
  readonly backend: number;
  readonly connection: number;
  readonly message: string;
}

describe("the quick start", () => {
  let state: string;
  let program: Program;
  let blocker: net.Server;
  let plain: string;
  let tls: string;

  before(async () => {
    state = await mkdtemp(path.join(os.tmpdir(), "longhaul-state-"));
    blocker = await block(8080);
    program = new Program([...longhaul.command, "quickstart"], {
      cwd: repository,
      env: { ...process.env, XDG_STATE_HOME: state },
    });
    [, plain, tls] = (await program.printed(
      /http:\/\/(\S+)\/[^]*https:\/\/(\S+)\/[^]*Ctrl-C/,
    )) as unknown as string[] as [string, string, string];
  });

  after(async () => {
    program.signal("SIGKILL");
    blocker.close();
    await rm(state, { recursive: true, force: true });
  });

  test("takes another port when one is taken, and says so", () => {
    assert.match(program.output, /Port 8080 is taken: 8\d+ is used instead\./);
    assert.notEqual(plain, "127.0.0.1:8080");
  });

  test("serves its page, plain and over TLS", async () => {
    const response = await fetch(`http://${plain}/`);
    assert.equal(response.headers.get("content-type"), "text/html");
    const page = await response.text();
    assert.match(page, /<title>Longhaul quick start<\/title>/);
    assert.equal(await fetchInsecurely(`https://${tls}/`), page);
    assert.deepEqual(await (await fetch(`http://${plain}/listeners.json`)).json(), { plain, tls });
  });

  test("a client keeps its backend on /sticky, over ws and wss", async () => {
    const first = await converse(`ws://${plain}/sticky`, "one");
    const second = await converse(`wss://${tls}/sticky`, "two");
    assert.equal(first.message, "one");
    assert.equal(second.message, "two");
    assert.equal(first.backend, second.backend);
  });

  test("the backends take turns on /in-turn", async () => {
    const backends = new Set<number>();
    for (let count = 0; count < 4; count++)
      backends.add((await converse(`ws://${plain}/in-turn`, "x")).backend);
    assert.equal(backends.size, 2);
  });

  test(
    "a person opens a WebSocket on the page, and sees messages, backend and close code",
    { skip: browserInstalled ? false : "chromium is not installed" },
    async (t) => {
      const browser = await startBrowser();
      t.after(() => browser.stop());
      for (const origin of [`http://${plain}/`, `https://${tls}/`]) {
        const page = await browser.context.newPage();
        await page.goto(origin);
        await page.click("#open");
        await page.locator("#log li.received", { hasText: "hello" }).waitFor();
        await page.fill("#message", "grüezi");
        await page.click("#send-button");
        await page.locator("#log li.received", { hasText: "grüezi" }).waitFor();
        assert.match(String(await page.textContent("#backend-name")), /^127\.0\.0\.1:9\d+, connection \d+$/);
        await page.click("#close");
        await page.locator("#log li", { hasText: 'code 1000, reason "closed by hand"' }).waitFor();
      }
    },
  );

  test(
    "times are of messages that travel alone, and what is chosen later is for the next tunnel",
    { skip: browserInstalled ? false : "chromium is not installed" },
    async (t) => {
      const browser = await startBrowser();
      t.after(() => browser.stop());
      const page = await browser.context.newPage();
      const textOf = async (id: string): Promise<string> => String(await page.textContent(`#${id}`));
      // A phone's: the log is in sight without scrolling, and nothing is wider than the screen.
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(`http://${plain}/`);
      await page.click("#open");
      await page.locator("#log li.received", { hasText: "hello" }).waitFor();
      const log = (await page.locator("#log").boundingBox())!;
      assert.ok(log.y + log.height <= 844, `the log ends at ${log.y + log.height}`);
      assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);

      await page.click("#send-many");
      await page.locator("#burst", { hasText: "ms" }).waitFor();
      assert.equal(await textOf("measured"), "1");
      await page.click("#measure");
      await page.locator("#measured", { hasText: "101" }).waitFor();

      await page.check("input[value='/in-turn']");
      assert.equal(await textOf("balancing"), "hash $remote_addr consistent");
      assert.match(await textOf("address"), /\/sticky$/);
      assert.match(await textOf("hint"), /\/in-turn is for the next tunnel/);
      await page.click("#close");
      await page.locator("#state", { hasText: "closed" }).waitFor();
      assert.equal(await textOf("balancing"), "round robin");
      assert.match(await textOf("address"), /\/in-turn$/);
    },
  );

  test("a tunnel that is silent for too long leaves a line where the quick start runs", async () => {
    const client = new WebSocket(`ws://${plain}/impatient`);
    await once(client, "open");
    const [code, reason] = (await once(client, "close")) as [number, Buffer];
    assert.equal(code, 1001);
    assert.equal(String(reason), "proxy_read_timeout 10s");
    await program.printed(
      /\[warn\] .*upstream timed out .* while proxying upgraded connection, .*"GET \/impatient/,
    );
  });

  test("says whom it runs as", () => {
    const { username } = os.userInfo();
    assert.match(program.output, new RegExp(`Runs as user: +${username}`));
  });

  test("Ctrl-C ends it cleanly, open WebSockets included", async () => {
    const client = new WebSocket(`ws://${plain}/sticky`);
    await once(client, "open");
    const closed = once(client, "close");
    program.signal("SIGINT");
    assert.equal(await program.exited, 0);
    await closed;
    assert.deepEqual(await readdir(path.join(state, "longhaul")), ["certificate.key", "certificate.pem"]);
  });
});

/** Takes a port, unless somebody has it already. */
async function block(port: number): Promise<net.Server> {
  const server = net.createServer();
  await new Promise<void>((resolve) => {
    server.once("error", () => resolve());
    server.listen(port, "127.0.0.1", resolve);
  });
  return server;
}

async function converse(url: string, message: string): Promise<Answer> {
  const client = new WebSocket(url, { rejectUnauthorized: false });
  await once(client, "open");
  client.send(message);
  const [data] = (await once(client, "message")) as [Buffer];
  client.terminate();
  return JSON.parse(String(data)) as Answer;
}

function fetchInsecurely(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve(body));
    });
    request.on("error", reject);
  });
}
