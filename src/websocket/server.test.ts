import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { WebSocket } from "ws";
import type { Listener } from "../net/network.ts";
import { createNodeNetwork } from "../net/node/network.ts";
import { writeClose, writeFrame } from "./frame-writer.ts";
import { OPCODE_CONTINUATION, OPCODE_PING, OPCODE_TEXT } from "./frames.ts";
import { WebSocketServerConnection } from "./server.ts";

const MESSAGE_BYTES_MAX = 100_000;
const HANDSHAKE = [
  "GET /chat HTTP/1.1",
  "Host: a",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "\r\n",
].join("\r\n");
const MASK = 0x01020304;

describe("WebSocketServerConnection", () => {
  const network = createNodeNetwork();
  let listener: Listener;
  let url = "";
  const closes: [number, string][] = [];
  let tellClose: () => void = () => {};

  before(async () => {
    const endpoint = { kind: "tcp", address: "127.0.0.1", port: 0 } as const;
    const events = {
      onMessage(socket: WebSocketServerConnection, data: Buffer, isText: boolean): void {
        if (isText && data.toString() === "close me") socket.close(4000, "as you wish");
        else socket.send(data, isText);
      },
      onClose(_socket: WebSocketServerConnection, code: number, reason: string): void {
        closes.push([code, reason]);
        tellClose();
      },
      onRequest: (): Buffer =>
        Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"),
    };
    const options = { clock: network.clock, events, messageBytesMax: MESSAGE_BYTES_MAX, frameBytesMax: 1000 };
    listener = await network.listen(
      { endpoint, tls: null },
      {
        onConnection: (connection) => new WebSocketServerConnection(connection, options),
        onHandshakeError: () => {},
      },
    );
    url = `ws://127.0.0.1:${listener.address.port}/`;
  });
  after(() => listener.stop());

  /** Resolves with the reason of the first connection that closed with that code. */
  async function closedWith(code: number): Promise<string> {
    for (;;) {
      const found = closes.find(([one]) => one === code);
      if (found !== undefined) return found[1];
      await new Promise<void>((resolve) => (tellClose = resolve));
    }
  }

  /** Sends bytes, and reads until the server ends. */
  async function raw(...pieces: (string | Buffer)[]): Promise<Buffer> {
    const socket = connect(listener.address.port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    for (const piece of pieces) socket.write(piece);
    await once(socket, "end");
    socket.end();
    return Buffer.concat(chunks);
  }

  it("echoes text and binary messages of any size, in fragments", async () => {
    const client = new WebSocket(url);
    client.binaryType = "nodebuffer";
    await once(client, "open");
    for (const size of [0, 1, 125, 126, 999, 1000, 1001, 65536, MESSAGE_BYTES_MAX]) {
      const text = "x".repeat(size);
      client.send(text);
      assert.equal(String((await once(client, "message"))[0]), text);
      client.send(Buffer.alloc(size, size));
      const [data] = (await once(client, "message")) as [Buffer];
      assert.deepEqual(Buffer.from(data), Buffer.alloc(size, size));
    }
    client.close(1000, "done");
    const [code] = (await once(client, "close")) as [number];
    assert.equal(code, 1000);
    assert.equal(await closedWith(1000), "done");
  });

  it("starts the close, too", async () => {
    const client = new WebSocket(url);
    await once(client, "open");
    client.send("close me");
    const [code, reason] = (await once(client, "close")) as [number, Buffer];
    assert.deepEqual([code, String(reason)], [4000, "as you wish"]);
  });

  it("takes a fragmented message with a ping between, sent together with the handshake", async () => {
    const answer = await raw(
      Buffer.concat([
        Buffer.from(HANDSHAKE),
        writeFrame(OPCODE_TEXT, Buffer.from("he"), { mask: MASK, fin: false }),
        writeFrame(OPCODE_PING, Buffer.from("p"), { mask: MASK }),
        writeFrame(OPCODE_CONTINUATION, Buffer.from("llo"), { mask: MASK }),
        writeClose(1000, "", MASK),
      ]),
    );
    const frames = answer.subarray(answer.indexOf("\r\n\r\n") + 4).toString("hex");
    assert.equal(frames, "8a0170" + "810568656c6c6f" + "880203e8");
  });

  it("closes with the code that tells what was wrong", async () => {
    const codeAfter = async (frame: Buffer): Promise<number> => {
      const answer = await raw(HANDSHAKE, frame);
      const frames = answer.subarray(answer.indexOf("\r\n\r\n") + 4);
      assert.equal(frames[0], 0x88);
      return frames.readUInt16BE(2);
    };
    assert.equal(await codeAfter(writeFrame(OPCODE_TEXT, Buffer.from("unmasked"))), 1002);
    assert.equal(await codeAfter(writeFrame(OPCODE_TEXT, Buffer.from([0xff]), { mask: MASK })), 1007);
    assert.equal(
      await codeAfter(writeFrame(OPCODE_TEXT, Buffer.alloc(MESSAGE_BYTES_MAX + 1), { mask: MASK })),
      1009,
    );
  });

  it("tells 1006 when the client goes without a close frame", async () => {
    const client = new WebSocket(url);
    await once(client, "open");
    client.terminate();
    assert.equal(await closedWith(1006), "");
  });

  it("answers requests that are not for a WebSocket", async () => {
    assert.match((await raw("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).toString(), /200 OK[^]*hi$/);
    assert.match(
      (await raw(HANDSHAKE.replace("13", "7"))).toString(),
      /^HTTP\/1\.1 426 Upgrade Required\r\n/,
    );
    assert.match((await raw("nonsense\r\n\r\n")).toString(), /^HTTP\/1\.1 400 /);
  });
});
