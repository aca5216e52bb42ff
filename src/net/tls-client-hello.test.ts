import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import tls from "node:tls";
import { readHello } from "./tls-client-hello.ts";

/** The first flight of the runtime's own TLS client. */
function helloOf(servername: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (bytes: Buffer) => {
        chunks.push(bytes);
        if (readHello(Buffer.concat(chunks)) === "incomplete") return;
        socket.destroy();
        server.close();
        resolve(Buffer.concat(chunks));
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      tls.connect({ port, host: "127.0.0.1", servername }).on("error", () => {});
    });
  });
}

function nameIn(hello: Buffer): string | null {
  const found = readHello(hello);
  assert.ok(typeof found !== "string");
  assert.equal(found.offers, null);
  return found.serverName;
}

describe("what a ClientHello offers", () => {
  test("is told where it is asked for", async () => {
    const found = readHello(await helloOf("offers.example"), true);
    assert.ok(typeof found !== "string");
    const { offers } = found;
    assert.ok(offers !== null);
    assert.ok(offers.ciphers.includes(0x1301));
    assert.ok(offers.curves.includes(29));
    assert.ok(offers.signatureAlgorithms.includes(0x0403));
  });
});

describe("the name in a ClientHello", () => {
  test("is found, whole hello only, however it is cut", async () => {
    const hello = await helloOf("Name.Example");
    for (let count = 0; count < hello.length; count++) {
      assert.equal(readHello(hello.subarray(0, count)), "incomplete", String(count));
    }
    assert.equal(nameIn(hello), "Name.Example");
  });

  test("is null where none was sent", async () => {
    assert.equal(nameIn(await helloOf("")), null);
  });

  test("is found in a hello that is split into several records", async () => {
    const hello = await helloOf("split.example");
    const message = hello.subarray(5, 5 + hello.readUInt16BE(3));
    const records: Buffer[] = [];
    for (let at = 0; at < message.length; at += 100) {
      const part = message.subarray(at, at + 100);
      records.push(Buffer.from([0x16, 3, 1, 0, part.length]), part);
    }
    assert.equal(nameIn(Buffer.concat(records)), "split.example");
  });

  test("is not looked for in anything else", async () => {
    assert.equal(readHello(Buffer.from("GET / HTTP/1.1\r\n")), "unreadable");
    assert.equal(readHello(Buffer.from([0x16, 3, 1, 0, 16, ...Buffer.alloc(16, 0xff)])), "unreadable");
    assert.equal(readHello(Buffer.from([0x16, 3, 1, 0, 8, 1, 0, 0, 4, 3, 3, 0, 0])), "unreadable");
  });

  test("damage never throws", async () => {
    const hello = await helloOf("damaged.example");
    for (let at = 0; at < hello.length; at++) {
      const damaged = Buffer.from(hello);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      const found = readHello(damaged, true);
      assert.ok(
        typeof found === "string" || found.serverName === null || typeof found.serverName === "string",
      );
    }
  });
});
