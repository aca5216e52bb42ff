import assert from "node:assert/strict";
import { test } from "node:test";
import { cookieFlag, editCookieFlags } from "./cookie-flags.ts";
import { formatCookie, parseCookie } from "./cookie.ts";

/** A field with flags edited; the flags are written as in the directive. */
function edited(text: string, flags: string): string {
  const cookie = parseCookie(text)!;
  editCookieFlags(
    cookie,
    flags.split(" ").reduce((bits, word) => bits | cookieFlag(word), 0),
  );
  return formatCookie(cookie);
}

test("a field is taken apart and put together again, spaces aside", () => {
  const cookie = parseCookie("a = b=c ;Path=/ ; Secure;x=")!;
  assert.equal(cookie.name, "a");
  assert.equal(cookie.value, "b=c");
  assert.equal(formatCookie(cookie), "a=b=c; Path=/; Secure; x=");
});

test("a field without a name and a value is none", () => {
  assert.equal(parseCookie("a; Path=/"), null);
  assert.equal(parseCookie(""), null);
});

test("flags that are missing are added in a fixed order", () => {
  assert.equal(
    edited("a=1; Path=/", "samesite=lax httponly secure"),
    "a=1; Path=/; Secure; HttpOnly; SameSite=Lax",
  );
});

test("flags that are there stay as they are written", () => {
  assert.equal(edited("a=1; secure; HTTPONLY", "secure httponly"), "a=1; secure; HTTPONLY");
  assert.equal(edited("a=1; samesite=NONE", "samesite=none"), "a=1; samesite=NONE");
});

test("flags are taken away", () => {
  assert.equal(
    edited("a=1; Secure; b=2; HttpOnly; SameSite=Lax", "nosecure nohttponly nosamesite"),
    "a=1; b=2",
  );
});

test("another SameSite is replaced where it stands", () => {
  assert.equal(edited("a=1; samesite=lax; Secure", "samesite=strict"), "a=1; SameSite=Strict; Secure");
});

test("a word that is no flag does nothing", () => {
  assert.equal(cookieFlag("sideways"), 0);
  assert.equal(cookieFlag("constructor"), 0);
  assert.equal(cookieFlag("SameSite=LAX"), cookieFlag("samesite=lax"));
});
