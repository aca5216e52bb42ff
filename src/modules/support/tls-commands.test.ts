import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../config/errors.ts";
import { MemoryNetwork } from "../../net/memory/network.ts";
import { plainTlsOptions } from "../../net/network.ts";
import type { Network, TlsContextOptions } from "../../net/network.ts";
import { applyCommands } from "./tls-commands.ts";

function apply(
  library: Network["tlsLibrary"],
  name: string,
  value: string,
  options: Partial<TlsContextOptions> = {},
): TlsContextOptions {
  const network: Network = Object.create(new MemoryNetwork({ seed: 1 }), { tlsLibrary: { value: library } });
  const command = { directive: "ssl_conf_command", name, value, file: "nginx.conf", line: 7 };
  const tools = { network, read: () => Buffer.alloc(0), fullName: (path: string) => path, passphrases: [] };
  return applyCommands({ ...plainTlsOptions, ...options }, [command], tools);
}

const refused = (name: string, reason: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ConfigError);
  assert.match(
    error.describe(),
    /^".*" in the "ssl_conf_command" directive is not supported by longhaul: .* in nginx\.conf:7$/,
  );
  assert.match(error.message, reason);
  assert.ok(error.message.includes(name));
  return true;
};

test("versions are narrowed, not widened", () => {
  const protocols = ["TLSv1", "TLSv1.2", "TLSv1.3"];
  const with_ = (name: string, value: string): readonly string[] =>
    apply("openssl", name, value, { protocols }).protocols;
  assert.deepEqual(with_("MinProtocol", "TLSv1.1"), ["TLSv1.2", "TLSv1.3"]);
  assert.deepEqual(with_("maxprotocol", "TLSv1.2"), ["TLSv1", "TLSv1.2"]);
  assert.deepEqual(with_("MinProtocol", "None"), protocols);
  assert.deepEqual(with_("Protocol", "-ALL,TLSv1.2"), ["TLSv1.2"]);
  assert.deepEqual(with_("Protocol", "-TLSv1.3, +TLSv1.1"), ["TLSv1", "TLSv1.2", "TLSv1.1"]);
});

test("options become flags, or are refused where they cannot be had", () => {
  const flagsOf = (value: string): number => apply("openssl", "Options", value).libraryFlags;
  assert.equal(flagsOf("PrioritizeChaCha"), 1 << 21);
  assert.equal(flagsOf("-encryptthenmac,+NoRenegotiation"), (1 << 19) | (1 << 30));
  assert.equal(flagsOf("PrioritizeChaCha,-PrioritizeChaCha"), 0);
  assert.equal(flagsOf("KTLS"), 0);
  assert.equal(apply("openssl", "Options", "-SessionTicket").sessionTickets, false);
  assert.equal(apply("openssl", "Options", "ServerPreference").preferServerCiphers, true);
  assert.throws(
    () => apply("openssl", "Options", "-MiddleboxCompat"),
    refused("Options", /"MiddleboxCompat"/),
  );
  for (const value of ["PrioritizeChaCha", "-NoRenegotiation", "UnsafeLegacyRenegotiation", "EncryptThenMac"])
    assert.throws(() => apply("boringssl", "Options", value), refused("Options", /TLS library/), value);
  for (const value of [
    "NoRenegotiation",
    "-UnsafeLegacyRenegotiation",
    "-Compression",
    "ExtendedMasterSecret",
  ])
    assert.equal(apply("boringssl", "Options", value).libraryFlags, 0, value);
});

test("what no runtime has is refused with its place", () => {
  for (const library of ["openssl", "boringssl"] as const)
    for (const name of [
      "VerifyMode",
      "NumTickets",
      "recordpadding",
      "ClientCAFile",
      "ClientSignatureAlgorithms",
    ])
      assert.throws(() => apply(library, name, "x"), refused(name, /no option/));
  for (const name of ["Ciphersuites", "SignatureAlgorithms", "DHParameters"])
    assert.throws(() => apply("boringssl", name, "x"), refused(name, /runtime/));
  assert.throws(() => apply("openssl", "Certificate", "a.crt"), refused("Certificate", /together/));
});

test("what OpenSSL does not know is told in its words", () => {
  assert.throws(
    () => apply("openssl", "Bogus", "x"),
    /^ConfigError: SSL_CONF_cmd\("Bogus", "x"\) failed \(SSL: error:0A000182:SSL routines::unknown cmd name:cmd=Bogus\)$/,
  );
});
