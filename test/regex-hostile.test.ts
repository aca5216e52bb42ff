/**
 * Requests made to keep regular expressions busy, each beside a plain one on another connection: both are
 * answered, and no guard opens.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

interface Attack {
  /** What stands in the server block; `/` without it answers 200. */
  readonly directives: string;
  readonly target: string;
  readonly fields?: string;
  readonly status: number;
}

const a = (count: number): string => "a".repeat(count);

function guard(variable: string, pattern: string): string {
  return `if (${variable} ~ "${pattern}") { return 403; } return 200 open;`;
}

const attacks: readonly Attack[] = [
  {
    directives: "location ~ ^/api/([a-z0-9]+/?)+/edit$ { return 200; }",
    target: `/api/${a(60)}!`,
    status: 404,
  },
  {
    directives: "location ~ ^/api/([a-z0-9]+/?)+/edit$ { return 200; }",
    target: `/api/${a(7000)}!`,
    status: 404,
  },
  {
    directives: "rewrite ^/(.*)-(.*)-(.*)\\.html$ /p?id=$3 last; location / { return 200; }",
    target: `/${"-".repeat(7900)}.html/x`,
    status: 200,
  },
  {
    directives: guard("$query_string", "union.*select.*\\("),
    target: `/?${"unionselect".repeat(640)}`,
    status: 200,
  },
  {
    directives: guard("$query_string", "union.*select.*\\("),
    target: `/?(${"unionselect".repeat(640)}`,
    status: 200,
  },
  { directives: guard("$uri", "(a+)+!|secret"), target: `/f/${a(60)}/secret`, status: 403 },
  { directives: guard("$uri", "(a+)+!|secret"), target: `/f/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "^/(a|a)*x|secret"), target: `/${a(60)}/secret`, status: 403 },
  { directives: guard("$uri", "(a*)*x|secret"), target: `/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "(a|aa)+x|secret"), target: `/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "(.*)*x|secret"), target: `/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "(\\w+\\.?)+@|secret"), target: `/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "([^/]+/)*z|secret"), target: `/${"a/".repeat(3500)}secret`, status: 403 },
  { directives: guard("$uri", "(/[a-z]+)*;|secret"), target: `/${"a/".repeat(3500)}secret`, status: 403 },
  { directives: guard("$uri", "(x+x+)+y|secret"), target: `/${"x".repeat(7000)}/secret`, status: 403 },
  { directives: guard("$uri", ".*.*.*.*=|secret"), target: `/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "a*a*a*a*a*b|secret"), target: `/${a(7000)}/secret`, status: 403 },
  { directives: guard("$uri", "(a+)+\\1!|secret"), target: `/${a(60)}/secret`, status: 500 },
  { directives: guard("$uri", "(?=(a+)+!)|secret"), target: `/${a(60)}/secret`, status: 500 },
  { directives: guard("$uri", "(?>(a+)+!)|secret"), target: `/${a(60)}/secret`, status: 500 },
  { directives: 'if ($uri !~ "(a+)+\\1!|z") { return 403; } return 200;', target: `/${a(60)}`, status: 500 },
  { directives: 'rewrite "(a+)+\\1!|z" /x last; return 200;', target: `/${a(60)}`, status: 500 },
  { directives: 'location ~ "((a+)+\\2!|z)" { return 200; }', target: `/${a(60)}`, status: 500 },
  { directives: 'location ~ "(\\s+)$" { return 200; }', target: `/${"%20".repeat(2500)}x`, status: 404 },
  { directives: "return 200 $mapped;", target: `/?m=${a(60)}`, status: 200 },
  {
    directives: guard("$http_user_agent", "(\\w+\\s?)+bot$"),
    target: "/",
    fields: `User-Agent: ${"word ".repeat(1500)}x\r\n`,
    status: 200,
  },
  {
    directives: guard("$http_cookie", "(?:.*;){3}\\s*(\\w+)+=$"),
    target: "/",
    fields: `Cookie: ${"a;".repeat(3500)}x\r\n`,
    status: 200,
  },
  {
    directives: "valid_referers ~(a+)+\\1[!]; if ($invalid_referer) { return 403; } return 200;",
    target: "/",
    fields: `Referer: http://x/${a(60)}\r\n`,
    status: 403,
  },
];

function config(port: number): string {
  const servers = attacks.map(
    ({ directives }, index) => `server { listen 127.0.0.1:${port}; server_name s${index}; ${directives} }`,
  );
  return `
    events {}
    http {
      access_log off;
      map $arg_m $mapped { default none; "~(a+)+\\1!|zz" hit; }
      server { listen 127.0.0.1:${port} default_server; return 204; }
      ${servers.join("\n")}
    }`;
}

function ask(port: number, host: string, target: string, fields = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const request = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;
    const socket = net.connect(port, "127.0.0.1", () => socket.write(request));
    socket.on("data", (bytes) => (text += bytes.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(text.slice(9, 12)));
  });
}

describe("hostile requests to regular expressions", () => {
  let gateway: Gateway;
  let port: number;

  before(async () => {
    port = await freePort();
    gateway = await startGateway(longhaul, { config: config(port), port });
  });

  after(() => gateway.stop());

  for (const [index, { directives, target, fields, status }] of attacks.entries()) {
    test(`${directives.slice(0, 60)} with ${target.length} bytes`, async () => {
      const hostile = Array.from({ length: 3 }, () => ask(port, `s${index}`, target, fields));
      const others = Array.from({ length: 3 }, () => ask(port, "other", "/"));
      assert.deepEqual(await Promise.all(others), ["204", "204", "204"]);
      assert.deepEqual(await Promise.all(hostile), [status, status, status].map(String));
      if (status === 500) await gateway.logged(/\[alert\] .* pcre2_match\(\) failed: -47 on /);
    });
  }
});
