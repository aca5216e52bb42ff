import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInet, parseInetPort } from "./inet.ts";

test("addresses are read as nginx reads them", () => {
  const texts: Record<string, string | null> = {
    "1.2.3.4": "01020304",
    "001.02.3.0004": "01020304",
    "1..3.4": "01000304",
    "...": "00000000",
    "1.2.3": null,
    "1.2.3.4.5": null,
    "1.2.3.256": null,
    "1.2.3.4 ": null,
    "255.255.255.255": null,
    "": null,
    "::": "00000000000000000000000000000000",
    "::1": "00000000000000000000000000000001",
    "1::": "00010000000000000000000000000000",
    "A::f": "000a000000000000000000000000000f",
    "1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
    ":1:2:3:4:5:6:7:8": "00010002000300040005000600070008",
    "::ffff:1.2.3.4": "00000000000000000000ffff01020304",
    "1:2:3:4:5:6:1.2.3.4": "00010002000300040005000601020304",
    "1:2:3:4:5:6:7:1.2.3.4": null,
    "1:2:3:4:5:6:7:8:": null,
    "1:2:3:4:5:6:7::": null,
    "1:2:3:4:5:6:7:8:9": null,
    "1:2:3": null,
    "1:": null,
    "1::2::3": null,
    ":::": null,
    "12345::": null,
    "g::": null,
    ":1.2.3.4": null,
    "::255.255.255.255": null,
    "fe80::1%eth0": null,
  };
  for (const [text, bytes] of Object.entries(texts))
    assert.equal(parseInet(text)?.toString("hex") ?? null, bytes, text);
});

test("a port stands behind a colon, an IPv6 address then in brackets", () => {
  const texts: Record<string, string | null> = {
    "1.2.3.4": "01020304 0",
    "1.2.3.4:80": "01020304 80",
    "1.2.3.4:080": "01020304 80",
    "[1.2.3.4]:80": "01020304 80",
    "[::1]:65535": "00000000000000000000000000000001 65535",
    "::1:80": "00000000000000000000000000010080 0",
    "[::1]": "00000000000000000000000000000001 0",
    "[1.2.3.4]": "01020304 0",
    "[::1]x:1": null,
    "[::1": null,
    "[]:1": null,
    "1.2.3.4:": null,
    "1.2.3.4:0": null,
    "1.2.3.4:65536": null,
    "1.2.3.4:+1": null,
  };
  for (const [text, told] of Object.entries(texts)) {
    const found = parseInetPort(text);
    assert.equal(found === null ? null : `${found.ip.toString("hex")} ${found.port}`, told, text);
  }
});
