import assert from "node:assert/strict";
import { test } from "node:test";
import { forNginx122 } from "./http2-config.ts";

test("http2 on of a server becomes a parameter of its listen lines, and of no other's", () => {
  const config = "server {\n    listen 1;\n    listen 2 ssl;\n    http2 on;\n}\nserver {\n    listen 3;\n}\n";
  const old = "server {\n    listen 1 http2;\n    listen 2 ssl http2;\n}\nserver {\n    listen 3;\n}\n";
  assert.equal(forNginx122(config), old);
});

test("http2 on in front of the servers holds for all that do not say otherwise", () => {
  const config = "http2 on;\nserver {\n    listen 1;\n}\nserver {\n    listen 2;\n    http2 off;\n}\n";
  assert.equal(forNginx122(config), "server {\n    listen 1 http2;\n}\nserver {\n    listen 2;\n}\n");
});

test("the old parameter stays, and what speaks of no HTTP/2 is not touched", () => {
  const old = "server {\n    listen 1 http2;\n}\n";
  assert.equal(forNginx122(`${old}server {\n    listen 1;\n}\n`), `${old}server {\n    listen 1;\n}\n`);
  assert.equal(forNginx122(old.replace("}", "    http2 on;\n}")), old);
});
