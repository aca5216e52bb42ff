import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { findTlv } from "./proxy-protocol-tlv.ts";
import { brokenHeader, proxyHeaderBytesMax, readProxyHeader } from "./proxy-protocol.ts";
import type { ProxyHeader } from "./proxy-protocol.ts";

interface ProxyCase {
  readonly name: string;
  readonly text?: string;
  readonly hex?: string;
  readonly expect: {
    readonly partial?: true;
    readonly broken?: true;
    /** The log's words when all came at once. */
    readonly brokenWhole?: string | null;
    /** Of the header; without it, all of the input. */
    readonly length?: number;
    readonly source?: string;
    readonly destination?: string;
    readonly tlvs?: string;
  };
}

const cases = JSON.parse(
  readFileSync(new URL("./cases/proxy-protocol.json", import.meta.url), "utf8"),
) as ProxyCase[];

function bytesOf({ text, hex }: ProxyCase): Buffer {
  return hex === undefined ? Buffer.from(text ?? "", "latin1") : Buffer.from(hex.replaceAll(" ", ""), "hex");
}

function check({ expect }: ProxyCase, bytes: Buffer, header: ProxyHeader): void {
  if (expect.partial === true) return assert.equal(header.kind, "partial");
  if (expect.broken === true) {
    assert.equal(header.kind, "broken");
    if (expect.brokenWhole !== undefined)
      assert.equal(header.kind === "broken" && header.reason, expect.brokenWhole);
    return;
  }
  assert.ok(header.kind === "complete", header.kind);
  assert.equal(header.length, expect.length ?? bytes.length);
  const { connection } = header;
  const side = (end: { address: string; port: number } | undefined): string | undefined =>
    end === undefined ? undefined : `${end.address} ${end.port}`;
  assert.equal(side(connection?.source), expect.source);
  assert.equal(side(connection?.destination), expect.destination);
  assert.equal(connection?.tlvs.toString("hex") ?? "", expect.tlvs ?? "");
}

/** What comes of the bytes when they come one after the other: the first answer that is not "partial". */
function byteByByte(bytes: Buffer): { at: number; header: ProxyHeader } {
  for (let at = 0; at < bytes.length; at++) {
    const header = readProxyHeader(bytes.subarray(0, at));
    if (header.kind !== "partial") return { at, header };
  }
  return { at: bytes.length, header: readProxyHeader(bytes) };
}

describe("readProxyHeader", () => {
  for (const item of cases) {
    it(`reads, cut at every byte: ${item.name}`, () => {
      const bytes = bytesOf(item);
      const whole = readProxyHeader(bytes);
      check(item, bytes, whole);
      const { at, header } = byteByByte(bytes);
      assert.equal(header.kind, whole.kind);
      if (header.kind === "complete") {
        assert.deepEqual(header, whole);
        assert.equal(at, header.length, "no byte more than the header is waited for");
      }
    });
  }

  it("refuses a line that never ends", () => {
    const endless = Buffer.alloc(proxyHeaderBytesMax, "x");
    endless.write("PROXY UNKNOWN");
    assert.equal(readProxyHeader(endless.subarray(0, -1)).kind, "partial");
    assert.equal(readProxyHeader(endless).kind, "broken");
  });

  it("takes a binary header of the full size", () => {
    const bytes = Buffer.alloc(proxyHeaderBytesMax);
    Buffer.from("0d0a0d0a000d0a515549540a21110ff0", "hex").copy(bytes);
    assert.equal(readProxyHeader(bytes.subarray(0, -1)).kind, "partial");
    const header = readProxyHeader(bytes);
    assert.equal(header.kind === "complete" && header.length, proxyHeaderBytesMax);
  });

  it("keeps no hold of the bytes it was given", () => {
    const bytes = bytesOf(cases.find(({ name }) => name.includes("vectors"))!);
    const header = readProxyHeader(bytes);
    bytes.fill(0);
    assert.equal(header.kind === "complete" && header.connection?.tlvs.toString("hex"), "0100026832");
  });

  it("answers anything, and never changes its mind when more comes", () => {
    const beginnings = cases.map(bytesOf);
    const input = fc
      .tuple(fc.constantFrom(...beginnings), fc.nat(60), fc.uint8Array({ maxLength: 60 }))
      .map(([beginning, keep, tail]) => Buffer.concat([beginning.subarray(0, keep), tail]));
    fc.assert(
      fc.property(
        fc.oneof(
          input,
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          const whole = readProxyHeader(bytes);
          const { at, header } = byteByByte(bytes);
          assert.equal(header.kind, whole.kind);
          if (header.kind === "complete") assert.deepEqual([at, header], [header.length, whole]);
          assert.ok(!/[\r\n]/.test(brokenHeader(bytes)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

const ssl = "05 00000001 21 0007 544c5376312e33 22 0003 612e62";
const vectors = Buffer.from(
  `01 0002 6832 02 0006 612e74657374 04 0000 20 0015 ${ssl} e0 0001 ff`.replaceAll(" ", ""),
  "hex",
);

describe("findTlv", () => {
  it("finds values by name and by number", () => {
    const valueOf = (name: string): string | null => findTlv(vectors, name).value;
    assert.equal(valueOf("alpn"), "h2");
    assert.equal(valueOf("0x1"), "h2");
    assert.equal(valueOf("0x01"), "h2");
    assert.equal(valueOf("authority"), "a.test");
    assert.equal(valueOf("0x04"), "");
    assert.equal(valueOf("0xE0"), "\xff");
    assert.equal(valueOf("netns"), null);
    assert.equal(valueOf("0x1e0"), null);
  });

  it("finds what is said of the client's TLS", () => {
    const valueOf = (name: string): string | null => findTlv(vectors, name).value;
    assert.equal(valueOf("ssl_verify"), "1");
    assert.equal(valueOf("ssl_version"), "TLSv1.3");
    assert.equal(valueOf("ssl_cn"), "a.b");
    assert.equal(valueOf("ssl_0x22"), "a.b");
    assert.equal(valueOf("ssl_cipher"), null);
    assert.equal(valueOf("ssl")?.length, 0x15);
    assert.equal(findTlv(Buffer.alloc(0), "ssl_verify").value, null);
  });

  it("complains of names that nobody knows, and of vectors that do not fit", () => {
    assert.equal(findTlv(vectors, "cn").complaint, 'unknown PROXY protocol TLV "cn"');
    assert.equal(findTlv(vectors, "ssl_alpn").complaint, 'unknown PROXY protocol TLV "ssl_alpn"');
    assert.equal(findTlv(vectors, "0x").complaint, 'invalid PROXY protocol TLV "0x"');
    assert.equal(findTlv(vectors, "0x1g").complaint, 'invalid PROXY protocol TLV "0x1g"');
    assert.equal(findTlv(vectors.subarray(0, -1), "netns").complaint, "broken PROXY protocol TLV");
    assert.equal(findTlv(Buffer.from([1, 0]), "alpn").complaint, "broken PROXY protocol TLV");
    assert.equal(findTlv(Buffer.from([0x20, 0, 4, 1, 2, 3, 4]), "ssl_cn").value, null);
  });

  it("answers anything", () => {
    const names = fc.constantFrom("alpn", "ssl", "ssl_cn", "ssl_verify", "0x20", "ssl_0x21", "", "ssl_", "x");
    fc.assert(fc.property(fc.uint8Array(), names, (bytes, name) => void findTlv(Buffer.from(bytes), name)));
  });
});
