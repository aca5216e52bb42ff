import assert from "node:assert/strict";
import { test } from "node:test";
import { legacyName, rfc2253Name } from "./names.ts";

// The expected texts are `openssl x509 -subject` with -nameopt RFC2253 and compat.
const odd = 'C=DE\nO=A\\, \\"B\\" \\<c\\>\\;d\\\\e\nOU=\\#x\nCN=\\ Jürgen\\ ';

test("a name in RFC 2253's form has its last part first and bytes beyond ASCII escaped", () => {
  assert.equal(rfc2253Name(odd), 'CN=\\ J\\C3\\BCrgen\\ ,OU=\\#x,O=A\\, \\"B\\" \\<c\\>\\;d\\\\e,C=DE');
  assert.equal(rfc2253Name("CN=localhost"), "CN=localhost");
});

test("a name in the old form keeps the order and its plain characters", () => {
  assert.equal(legacyName(odd), '/C=DE/O=A, "B" <c>;d\\e/OU=#x/CN= J\\xC3\\xBCrgen ');
});

test("a part with several values is joined by plus signs", () => {
  assert.equal(rfc2253Name("C=DE\nO=A + OU=B\nCN=c"), "CN=c,OU=B+O=A,C=DE");
  assert.equal(legacyName("C=DE\nO=A + OU=B\nCN=c"), "/C=DE/O=A+OU=B/CN=c");
});
