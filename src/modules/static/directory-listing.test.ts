import assert from "node:assert/strict";
import { test } from "node:test";
import { htmlListing, jsonListing, jsonpListing, xmlListing } from "./directory-listing.ts";
import type { Entry } from "./directory-listing.ts";

const modifiedMs = Date.UTC(2020, 0, 2, 3, 4, 5);
const file = (name: string, size: number): Entry => ({ name, kind: "file", size, modifiedMs });

function lineOf(entry: Entry, exactSize: boolean): string {
  return htmlListing("/x/", [entry], { exactSize, localTime: false, utf8: false }).split("\r\n")[4]!;
}

test("a page has the path in title and heading, escaped", () => {
  const page = htmlListing("/<&>/", [], { exactSize: true, localTime: false, utf8: false });
  assert.equal(
    page,
    "<html>\r\n<head><title>Index of /&lt;&amp;&gt;/</title></head>\r\n<body>\r\n" +
      '<h1>Index of /&lt;&amp;&gt;/</h1><hr><pre><a href="../">../</a>\r\n</pre><hr></body>\r\n</html>\r\n',
  );
});

test("names of up to 50 bytes are padded, longer ones are cut", () => {
  const fifty = "n".repeat(50);
  assert.equal(
    lineOf(file("B", 7), true),
    `<a href="B">B</a>${" ".repeat(50)}02-Jan-2020 03:04 ${"7".padStart(19)}`,
  );
  assert.ok(lineOf(file(fifty, 0), true).startsWith(`<a href="${fifty}">${fifty}</a> 02-Jan`));
  assert.ok(
    lineOf(file(`${fifty}n`, 0), true).startsWith(`<a href="${fifty}n">${"n".repeat(47)}..&gt;</a> 02-Jan`),
  );
});

test("names are escaped as links and as text", () => {
  assert.match(
    lineOf(file(`x<y>&"q'`, 0), true),
    /^<a href="x%3Cy%3E%26%22q%27">x&lt;y&gt;&amp;&quot;q'<\/a> /,
  );
});

test("sizes are rounded to K, M and G", () => {
  const sizeOf = (size: number): string => lineOf(file("f", size), false).slice(-7);
  assert.deepEqual([0, 9999, 10_000, 2 ** 20 - 1, 3_000_000, 5 * 2 ** 30, 2 ** 30 + 2 ** 29].map(sizeOf), [
    "      0",
    "   9999",
    "    10K",
    "  1024K",
    "     3M",
    "     5G",
    "     2G",
  ]);
});

test("json, jsonp and xml", () => {
  const entries: Entry[] = [{ name: "d", kind: "directory", size: 4096, modifiedMs }, file('a"<', 5)];
  const json =
    '[\r\n{ "name":"d", "type":"directory", "mtime":"Thu, 02 Jan 2020 03:04:05 GMT" },' +
    '\r\n{ "name":"a\\"<", "type":"file", "mtime":"Thu, 02 Jan 2020 03:04:05 GMT", "size":5 }\r\n]';
  assert.equal(jsonListing(entries), json);
  assert.equal(jsonpListing(entries, "f"), `/* callback */\r\nf(${json});`);
  assert.equal(
    xmlListing(entries),
    '<?xml version="1.0"?>\r\n<list>\r\n<directory mtime="2020-01-02T03:04:05Z">d</directory>\r\n' +
      '<file mtime="2020-01-02T03:04:05Z" size="5">a&quot;&lt;</file>\r\n</list>\r\n',
  );
});
