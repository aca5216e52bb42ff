import assert from "node:assert/strict";
import { test } from "node:test";
import { plainTlsMessage, verifyReason } from "./tls-error.ts";

test("a message of OpenSSL loses thread, function, file and line", () => {
  const message =
    "4043FB96B87F0000:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:" +
    "../deps/openssl/openssl/ssl/record/rec_layer_s3.c:918:SSL alert number 70\n";
  assert.equal(
    plainTlsMessage(message),
    "error:0A00042E:SSL routines::tlsv1 alert protocol version:SSL alert number 70",
  );
  const without = "40:error:0A000102:SSL routines:tls_early:unsupported protocol:../statem_srvr.c:1780:";
  assert.equal(plainTlsMessage(without), "error:0A000102:SSL routines::unsupported protocol");
});

test("a message of BoringSSL gets the same form", () => {
  assert.equal(
    plainTlsMessage("error:100000f0:SSL routines:OPENSSL_internal:UNSUPPORTED_PROTOCOL"),
    "error:100000F0:SSL routines::unsupported protocol",
  );
});

test("other messages stay", () => {
  assert.equal(plainTlsMessage("client timed out\n"), "client timed out");
});

test("codes of certificates have a number and words, other codes none", () => {
  assert.deepEqual(verifyReason("CERT_HAS_EXPIRED"), { number: 10, words: "certificate has expired" });
  assert.equal(verifyReason("ECONNRESET"), null);
});
