import assert from "node:assert/strict";
import { test } from "node:test";
import { escapeForLog } from "./log-escape.ts";

const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

test("by default quotes, backslashes, controls and bytes beyond ASCII become \\xXX", () => {
  const kept = everyByte.replaceAll(/[^ !#-[\]-~]/g, "");
  const escaped = escapeForLog(everyByte, "default");
  assert.equal(escaped.replaceAll(/\\x[0-9A-F]{2}/g, ""), kept);
  assert.equal(escapeForLog('a"b\\c\td\x7f\xe4', "default"), "a\\x22b\\x5Cc\\x09d\\x7F\\xE4");
});

test("json takes the short forms, and leaves bytes beyond ASCII alone", () => {
  assert.equal(escapeForLog('"\\\n\r\t\b\f\x1f\xe4/', "json"), '\\"\\\\\\n\\r\\t\\b\\f\\u001F\xe4/');
  assert.equal(JSON.parse(`"${escapeForLog(everyByte, "json")}"`), everyByte);
});

test("none changes nothing", () => {
  assert.equal(escapeForLog(everyByte, "none"), everyByte);
});

test("a variable that was not found is a hyphen, or empty in json and none", () => {
  assert.equal(escapeForLog(null, "default"), "-");
  assert.equal(escapeForLog(null, "json"), "");
  assert.equal(escapeForLog(null, "none"), "");
  assert.equal(escapeForLog("", "default"), "");
});
