import assert from "node:assert/strict";
import { test } from "node:test";
import { bcrypt } from "./bcrypt.ts";
import { UnsupportedPassword, verifyPassword } from "./verify.ts";

/** Made by `openssl passwd` with the salt "abcdefgh", and by the examples of SHA crypt's specification. */
const stored: readonly (readonly [kind: string, password: string, text: string])[] = [
  ["-1", "a", "$1$abcdefgh$jUYc1Xi7pkozuzWQ0Dft71"],
  ["-1", "secret", "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"],
  ["-1", "0123456789abcdef", "$1$abcdefgh$gPRp0h8EPmQj1W00e5aoH1"],
  ["-1", "0123456789abcdef0123456789abcdef0", "$1$abcdefgh$cCVsN1KqjMiVVT6c8wlPe."],
  ["-apr1", "a", "$apr1$abcdefgh$G8IsPsylW5ROvIKsQMRG61"],
  ["-apr1", "secret", "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"],
  ["-apr1", "0123456789abcdef", "$apr1$abcdefgh$sxHfOFLANAYXeGF./FBFh."],
  ["-apr1", "0123456789abcdef0123456789abcdef0", "$apr1$abcdefgh$KGJBFt9tfKBeRx6sQxo2h0"],
  ["-5", "a", "$5$abcdefgh$GzAL/HPD/MYJIjVUUnvBTiqueLrt/LVxJEZtz0qaNX2"],
  ["-5", "secret", "$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM."],
  ["-5", "0123456789abcdef", "$5$abcdefgh$sdjtzvYJYYg2EznwlUd8w5vRuNoENSUVsxsBv4rUe58"],
  ["-5", "0123456789abcdef0123456789abcdef0", "$5$abcdefgh$2YQG6bC1o1TVHIqglf5ivg1AdPrLaSSTpC2cMWyfAx3"],
  [
    "-6",
    "a",
    "$6$abcdefgh$GjMgmmowSihU3X8xhdMxaCaEziO5NUh/IZqYnnZhN1j7.JYnm2e5BnPfWNUdj17OlEroBdrPtMnfsmwWCrkw70",
  ],
  [
    "-6",
    "secret",
    "$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.",
  ],
  [
    "-6",
    "0123456789abcdef",
    "$6$abcdefgh$fqF/QY.yUQ8Jkmm/1ripmZgzj6O5kn9.7x0B6K6kMeQ0gpiTSiptp.dJwfpCa7ZMC6xIIWTN2/O8hmOt7BXps.",
  ],
  [
    "-6",
    "0123456789abcdef0123456789abcdef0",
    "$6$abcdefgh$q4aJOAE1plK6KmE0ZHnql0bV8DmeP3YrwKhHqKn/KvyeGpy1O6piYUhpFisKqkSJfMhx1mZI5jceSDxpv.Wy71",
  ],
  [
    "rounds",
    "Hello world!",
    "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
  ],
  ["DES", "secret", "rlcg0.fZequS."],
  ["DES", "", "abmF1QH4PEr.E"],
  ["DES", "12345678", "zzRtj6pNdfpLE"],
  ["DES", "\xe4\xff", "ZzMhqy/5RZUl6"],
  ["bcrypt", "secret", "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"],
  ["bcrypt", "secret", "$2b$04$....................../dCAsp4PpJoDgv6BeaLP6BKrXlBV1oi"],
  ["bcrypt", "secret", "$2x$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"],
  ["bcrypt", "\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.5CqIYeWKyKrQvL4vewlwTcTA89GLXaW"],
  ["bcrypt", "", "$2y$05$abcdefghijklmnopqrstuu0oImNDIy4flhldV9YqunRgBAePKmw7m"],
  ["plain", "secret", "{PLAIN}secret"],
  ["SHA-1", "secret", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="],
  ["salted SHA-1", "secret", "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0"],
];

for (const [kind, password, text] of stored) {
  test(`a password stored as ${kind} (${password.length} characters) is known, others are not`, async () => {
    assert.equal(await verifyPassword(`!${password}`, text), false);
    assert.equal(await verifyPassword(password, text), true);
    // Remembered from now on; the wrong one is still wrong.
    assert.equal(await verifyPassword(password, text), true);
    assert.equal(await verifyPassword(`!${password}`, text), false);
  });
}

test("an unknown kind is told apart from a wrong password", async () => {
  for (const text of [
    "",
    "!",
    "$y$j9T$abc",
    "$6$rounds=900000000$salt$x",
    "$2y$03$",
    "$2y$31$",
    "_J9..rasm",
  ]) {
    await assert.rejects(verifyPassword("secret", text), UnsupportedPassword);
  }
});

test("what merely begins like a DES hash is a wrong password", async () => {
  assert.equal(await verifyPassword("secret", "secret"), false);
});

test("DES looks at eight characters, bcrypt at 72", async () => {
  assert.equal(await verifyPassword("longer t and whatever", "./yPRzyX/WeSM"), true);
  const text = "$2a$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q";
  assert.equal(await verifyPassword("x".repeat(72), text), true);
  assert.equal(await verifyPassword("x".repeat(90), text), true);
  assert.equal(await verifyPassword("x".repeat(71), text), false);
});

test("bcrypt is computed alike with and without the runtime's help", async () => {
  for (const [kind, password, text] of stored) {
    if (kind === "bcrypt") assert.equal(await bcrypt(Buffer.from(password, "latin1"), text), text);
  }
});
