import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  addressBytes,
  cidrContains,
  formatHostPort,
  formatIp,
  parseCidr,
  parseHostPort,
  parseIp,
  unmapIpv4,
} from "./address.ts";

function bytesOf(text: string): Buffer {
  const bytes = parseIp(text);
  assert.ok(bytes !== null, text);
  return bytes;
}

describe("IP addresses", () => {
  test("are read into bytes and printed again", () => {
    const same = [
      "0.0.0.0",
      "255.255.255.255",
      "192.168.1.20",
      "::",
      "::1",
      "fe80::1",
      "2001:db8::8:800:200c:417a",
      "2001:db8:0:0:1::",
      "1:2:3:4:5:6:7:8",
      "::ffff:1.2.3.4",
      "::1.2.3.4",
      "::2:3:4:5:6:7",
      "1::8",
    ];
    for (const text of same) {
      const expected = text === "2001:db8:0:0:1::" ? "2001:db8:0:0:1::" : text;
      assert.equal(formatIp(bytesOf(text)), expected);
    }
    assert.equal(formatIp(bytesOf("2001:DB8:0:0:0:0:0:1")), "2001:db8::1");
    assert.equal(bytesOf("::ffff:1.2.3.4").toString("hex"), "00000000000000000000ffff01020304");
    assert.equal(bytesOf("1:2::7:8").toString("hex"), "00010002000000000000000000070008");
  });

  test("are refused when malformed", () => {
    for (const text of [
      "",
      "1.2.3",
      "1.2.3.256",
      "01.2.3.4",
      "1.2.3.4 ",
      "::g",
      "1:2:3:4:5:6:7",
      "[::1]",
      "fe80::1%lo",
      ":::",
      "a.b.c.d",
    ]) {
      assert.equal(parseIp(text), null, text);
    }
  });

  test("have no bytes when they are none", () => {
    assert.equal(addressBytes("").length, 0);
    assert.equal(addressBytes("/run/app.sock").length, 0);
    assert.equal(addressBytes("fe80::1%eth0").length, 16);
  });

  test("mapped IPv4 addresses can be unmapped, others stay", () => {
    assert.equal(formatIp(unmapIpv4(bytesOf("::ffff:10.1.2.3"))), "10.1.2.3");
    for (const text of ["::10.1.2.3", "1.2.3.4", "::1", "1::ffff:a01:203"]) {
      assert.ok(unmapIpv4(bytesOf(text)).equals(bytesOf(text)));
    }
  });
});

describe("networks", () => {
  test("contain their addresses and no others", () => {
    const cases: [string, string, boolean][] = [
      ["10.0.0.0/8", "10.255.1.2", true],
      ["10.0.0.0/8", "11.0.0.0", false],
      ["0.0.0.0/0", "1.2.3.4", true],
      ["192.168.1.1", "192.168.1.1", true],
      ["192.168.1.1", "192.168.1.2", false],
      ["192.168.1.128/25", "192.168.1.127", false],
      ["10.0.0.0/8", "::ffff:10.1.1.1", true],
      ["10.0.0.0/8", "::10.1.1.1", false],
      ["2001:db8::/33", "2001:db8:7fff::1", true],
      ["2001:db8::/33", "2001:db8:8000::1", false],
      ["::/0", "1.2.3.4", false],
      ["::/0", "::1", true],
    ];
    for (const [network, address, inside] of cases) {
      const cidr = parseCidr(network);
      assert.ok(cidr !== null);
      assert.equal(cidrContains(cidr, bytesOf(address)), inside, `${address} in ${network}`);
    }
  });

  test("tell meaningless low bits and refuse nonsense", () => {
    assert.equal(parseCidr("10.1.0.0/8")?.hadLowBits, true);
    assert.equal(parseCidr("10.0.0.0/8")?.hadLowBits, false);
    for (const text of ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "/8", "all"]) {
      assert.equal(parseCidr(text), null, text);
    }
  });
});

describe("host and port", () => {
  test("are taken apart", () => {
    const host = (name: string, port: number | null, lastPort = port) => ({
      kind: "host",
      host: name,
      port,
      lastPort,
    });
    assert.deepEqual(parseHostPort("backend.example:8080", "connect"), host("backend.example", 8080));
    assert.deepEqual(parseHostPort("backend", "connect"), host("backend", null));
    assert.deepEqual(parseHostPort("[::1]:80", "connect"), host("::1", 80));
    assert.deepEqual(parseHostPort("[::1]", "listen"), host("::1", null));
    assert.deepEqual(parseHostPort("8000", "listen"), host("", 8000));
    assert.deepEqual(parseHostPort("*:80", "listen"), host("", 80));
    assert.deepEqual(parseHostPort("8000-8010", "listen"), host("", 8000, 8010));
    assert.deepEqual(parseHostPort("8000", "connect"), host("8000", null));
    assert.deepEqual(parseHostPort("unix:/run/app.sock", "connect"), { kind: "unix", path: "/run/app.sock" });
  });

  test("mistakes are told in nginx's words", () => {
    const cases: [string, string][] = [
      ["a:0", "invalid port"],
      ["a:65536", "invalid port"],
      ["a:", "invalid port"],
      ["a:1-2", "invalid port"],
      ["a:b", "invalid port"],
      [":80", "no host"],
      ["", "no host"],
      ["unix:", "no path in the unix domain socket"],
      ["[::1", "invalid host"],
      ["[x]:1", "invalid IPv6 address"],
      ["[::1]80", "invalid host"],
      [`unix:/${"x".repeat(107)}`, "too long path in the unix domain socket"],
      ["a/b", "invalid host"],
    ];
    for (const [text, message] of cases)
      assert.deepEqual(parseHostPort(text, "connect"), { kind: "error", message }, text);
  });

  test("a range of ports must go upwards", () => {
    assert.deepEqual(parseHostPort("8000-7000", "listen"), { kind: "error", message: "invalid port range" });
  });

  test("are put together with brackets where needed", () => {
    assert.equal(formatHostPort("127.0.0.1", 80), "127.0.0.1:80");
    assert.equal(formatHostPort("::1", 80), "[::1]:80");
  });
});
