import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { knownDirectives, fallbackDirectives } from "./known-directives.ts";
import type { KnownDirective } from "./known-directives.ts";
import type { Context } from "./module.ts";
import { HARMLESS, OBSOLETE } from "./no-effect.ts";
import { testReading } from "./test-reading.ts";

const known = knownDirectives();

test("the table holds every line of the list taken from nginx, in its order", () => {
  const list = readFileSync(new URL("./nginx-directives.tsv", import.meta.url), "utf8");
  const lines = list.trimEnd().split("\n").slice(1);
  assert.equal(lines.length, 784);
  const written = known.map(({ module, name, contexts, args, block }) =>
    [module, name, contexts.join(","), args, block ? "block" : ""].join("\t"),
  );
  assert.deepEqual(
    written.map((line) => line.trimEnd()),
    lines.map((line) => line.trimEnd()),
  );
});

test("the tables of exceptions name directives that exist", () => {
  const names = new Set(known.map(({ name }) => name));
  for (const name of [...HARMLESS.keys(), ...OBSOLETE.keys()]) assert.ok(names.has(name), name);
});

async function complaintAt(context: Context, text: string): Promise<{ result: string; remarks: string[] }> {
  const reading = testReading(fallbackDirectives(), { context });
  return { result: await reading.read(text), remarks: reading.remarks };
}

/** A directive with as few arguments as it takes. */
function smallest({ name, args, block }: KnownDirective): string {
  const count = args === "flag" ? 1 : Number(args[0]);
  return `${name} ${"x ".repeat(count)}${block ? "{ }" : ";"}`;
}

test("what decides over access or content is refused by name", async () => {
  for (const name of [
    "fastcgi_pass uwsgi_pass scgi_pass memcached_pass tunnel_pass",
    "allow deny limit_req limit_conn ssl_verify_client",
    "ssl_crl ssl_ocsp disable_symlinks internal limit_except satisfy",
    "ssi perl perl_set xslt_stylesheet dav_methods add_before_body geo split_clients",
    "mail",
  ].flatMap((names) => names.split(" "))) {
    const directive = known.find((candidate) => candidate.name === name)!;
    const { result } = await complaintAt(directive.contexts[0]!, smallest(directive));
    const refusal = `directive "${name}" of ${directive.module} is not supported by longhaul`;
    assert.ok(result.startsWith(refusal) && result.endsWith(" in f:1"), result);
  }
});

function isInStream({ module, name }: KnownDirective): boolean {
  return module.startsWith("ngx_stream") && name !== "stream";
}

test("every directive is refused, checked, obsolete or without effect; none is passed over in silence", async () => {
  for (const directive of known) {
    // In a `stream` block, which tells of itself, only a server does anything.
    if (directive.name === "include" || isInStream(directive)) continue;
    const { result, remarks } = await complaintAt(directive.contexts[0]!, smallest(directive));
    assert.ok(result !== "ok" || remarks.length === 1, directive.name);
  }
});

test("a directive without effect is told with its reason", async () => {
  assert.deepEqual((await complaintAt("http", "sendfile on;")).remarks, [
    '[notice] the "sendfile" directive has no effect: the runtime chooses how bytes are read and written in f:1',
  ]);
});

test("switching off what is not supported is accepted without a word", async () => {
  for (const text of ["ssi off;", "slice 0;", "proxy_cache off;"]) {
    assert.deepEqual(await complaintAt("location", text), { result: "ok", remarks: [] });
  }
});

test("obsolete directives tell what nginx tells", async () => {
  assert.deepEqual((await complaintAt("http", "http2_idle_timeout 1m;")).remarks, [
    '[warn] the "http2_idle_timeout" directive is obsolete, use the "keepalive_timeout" directive instead in f:1',
  ]);
});

const CHECKED: readonly [Context, string, string][] = [
  ["http", "sendfile maybe;", 'invalid value "maybe" in "sendfile" directive, it must be "on" or "off"'],
  ["http", "sendfile on; sendfile on;", '"sendfile" directive is duplicate'],
  ["http", "memcached_read_timeout 1x;", '"memcached_read_timeout" directive invalid value'],
  ["http", "proxy_buffers 8 x;", '"proxy_buffers" directive invalid value'],
  ["http", "proxy_buffers 8;", 'invalid number of arguments in "proxy_buffers" directive'],
  ["http", "types_hash_max_size x;", '"types_hash_max_size" directive invalid number'],

  ["http", "memcached_next_upstream error x;", 'invalid value "x"'],
  ["http", "fastcgi_cache a; fastcgi_cache b;", '"fastcgi_cache" directive is duplicate'],
  ["http", "aio maybe;", '"aio" directive invalid value'],
  ["http", "directio x;", '"directio" directive invalid value'],
  ["events", "use nothing;", 'invalid event type "nothing"'],
  ["main", "timer_resolution x;", '"timer_resolution" directive invalid value'],
  ["http", "multi_accept on;", '"multi_accept" directive is not allowed here'],
  ["location", "fastcgi_cache_path /x y;", '"fastcgi_cache_path" directive is not allowed here'],
];

describe("values of ignored directives are checked all the same", () => {
  for (const [context, text, message] of CHECKED) {
    test(text, async () => assert.equal((await complaintAt(context, text)).result, `${message} in f:1`));
  }
});
