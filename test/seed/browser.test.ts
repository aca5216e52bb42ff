import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startEchoBackend, type EchoBackend } from "../support/backend.ts";
import { browserInstalled, startBrowser, type Browser } from "../support/browser.ts";
import { products, type Gateway } from "../support/gateway.ts";
import { freePorts } from "../support/ports.ts";
import { startPublished } from "./published.ts";

/** What the page saw; `code` and `reason` are the close event's. */
interface Seen {
  readonly messages: string[];
  readonly code: number;
  readonly reason: string;
}

describe("a page in Chromium", { skip: browserInstalled ? false : "chromium is not installed" }, () => {
  let browser: Browser;
  let backend: EchoBackend;

  before(async () => {
    backend = await startEchoBackend("echo");
    browser = await startBrowser();
  });

  after(async () => {
    await browser.stop();
    await backend.stop();
  });

  for (const product of products()) {
    test(`opens wss:// through ${product.name}, exchanges messages and closes`, async (t) => {
      const gateway = await startGateway(product.name);
      t.after(() => gateway.stop());
      const page = await browser.context.newPage();
      t.after(() => page.close());
      // The page comes from the gateway too, so that the certificate is accepted for its origin.
      await page.goto(gateway.pageUrl);
      const seen: Seen = await page.evaluate(conversation, gateway.socketUrl);
      assert.deepEqual(seen, {
        messages: ["hello", "bytes 1,2,3", "size 1048576"],
        code: 4003,
        reason: "bye",
      });
    });
  }

  const startGateway = async (name: string): Promise<Gateway & { pageUrl: string; socketUrl: string }> => {
    const product = products().find((candidate) => candidate.name === name);
    assert.ok(product);
    const [https, http] = (await freePorts(2)) as [number, number];
    const address = `127.0.0.1:${backend.port}`;
    const gateway = await startPublished(product, "4-https-and-http", https, {
      "listen       443": `listen       127.0.0.1:${https}`,
      "listen       80": `listen       127.0.0.1:${http}`,
      "122.224.92.122:10888": address,
    });
    const path = "shopApplets-test/page";
    return {
      ...gateway,
      pageUrl: `https://127.0.0.1:${https}/${path}`,
      socketUrl: `wss://127.0.0.1:${https}/${path}`,
    };
  };
});

/** Runs in the page. */
function conversation(url: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const messages: string[] = [];
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => socket.send("hello"));
    socket.addEventListener("error", () => reject(new Error("the page's WebSocket failed")));
    socket.addEventListener("close", ({ code, reason }) => resolve({ messages, code, reason }));
    socket.addEventListener("message", ({ data }) => {
      if (messages.length === 0) {
        messages.push(data as string);
        socket.send(new Uint8Array([1, 2, 3]));
      } else if (messages.length === 1) {
        messages.push(`bytes ${new Uint8Array(data as ArrayBuffer).join(",")}`);
        socket.send("x".repeat(1_048_576));
      } else {
        messages.push(`size ${(data as string).length}`);
        socket.close(4003, "bye");
      }
    });
  });
}
