import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RequestHeadReader } from "../http/request-head.ts";
import type { RequestHead } from "../http/request-head.ts";
import { acceptFor, isKey } from "./accept.ts";
import { closeCodeName, isSendableCloseCode } from "./close-codes.ts";
import { answerHandshake, hasToken } from "./handshake.ts";

const FIELDS = {
  Host: "a",
  Upgrade: "websocket",
  Connection: "keep-alive, Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

function request(line: string, changes: Record<string, string | null> = {}): RequestHead {
  const fields = Object.entries({ ...FIELDS, ...changes }).filter(([, value]) => value !== null);
  const text = `${line}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const reader = new RequestHeadReader();
  reader.feed(Buffer.from(text), 0, text.length);
  return reader.head;
}

describe("the opening handshake", () => {
  it("computes the accept value of RFC 6455", () => {
    assert.equal(acceptFor("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  it("knows a key: sixteen bytes in base64", () => {
    assert.equal(isKey("dGhlIHNhbXBsZSBub25jZQ=="), true);
    for (const key of [
      "",
      "x",
      "dGhlIHNhbXBsZSBub25jZR==",
      "dGhlIHNhbXBsZSBub25jZQ",
      "dGhlIHNhbXBsZSBub25jZQ===",
    ]) {
      assert.equal(isKey(key), false, key);
    }
  });

  it("is answered with 101 when all is there", () => {
    const answer = answerHandshake(request("GET / HTTP/1.1"), "chat");
    assert.equal(answer.accepted, true);
    const expected = [
      "HTTP/1.1 101 Switching Protocols",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
      "Sec-WebSocket-Protocol: chat",
      "\r\n",
    ];
    assert.equal(answer.bytes.toString(), expected.join("\r\n"));
  });

  it("is refused for what is missing", () => {
    const status = (line: string, changes: Record<string, string | null>): number =>
      answerHandshake(request(line, changes)).status;
    assert.equal(status("GET / HTTP/1.1", { Upgrade: null }), 426);
    assert.equal(status("GET / HTTP/1.1", { Connection: "close" }), 426);
    assert.equal(status("GET / HTTP/1.1", { "Sec-WebSocket-Version": "8" }), 426);
    assert.equal(status("GET / HTTP/1.1", { "Sec-WebSocket-Key": "x" }), 400);
    assert.equal(status("GET / HTTP/1.1", { "Sec-WebSocket-Key": null }), 400);
    assert.equal(status("GET / HTTP/1.0", {}), 400);
    assert.equal(status("POST / HTTP/1.1", {}), 405);
  });

  it("finds tokens in lists", () => {
    assert.equal(hasToken("keep-alive, UPGRADE", "upgrade"), true);
    assert.equal(hasToken("xupgrade", "upgrade"), false);
    assert.equal(hasToken(null, "upgrade"), false);
  });
});

describe("close codes", () => {
  it("may be sent, or not", () => {
    const sendable = [1000, 1003, 1007, 1014, 3000, 4999];
    const not = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000];
    assert.deepEqual(sendable.filter(isSendableCloseCode), sendable);
    assert.deepEqual(not.filter(isSendableCloseCode), []);
  });

  it("have names", () => {
    const names = [1000, 1006, 3001, 4001, 1015].map(closeCodeName);
    assert.deepEqual(names, [
      "normal closure",
      "abnormal closure",
      "registered use",
      "private use",
      "unknown",
    ]);
  });
});
