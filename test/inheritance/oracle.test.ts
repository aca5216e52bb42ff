/**
 * Directives whose effect can be seen, each in every place that it may stand in, seen by a request that ends
 * below: longhaul shows what nginx shows. Rows of directives that nginx 1.22 does not know say what is expected.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { directivesOf } from "../../src/config/walk.ts";
import { httpModules } from "../../src/modules/index.ts";
import { isOnPath } from "../support/gateway.ts";
import { freePort } from "../support/ports.ts";
import { startBackends } from "./backend.ts";
import { normal } from "./observers.ts";
import { inHttp, placements } from "./placements.ts";
import type { Placement } from "./placements.ts";
import { start } from "./products.ts";
import type { Product } from "./products.ts";
import { prelude, rows } from "./rows.ts";
import { samples, statementOf } from "./samples.ts";
import type { Row } from "./rows.ts";

const certificates = fileURLToPath(new URL("../case-runner/certificates", import.meta.url));
const directory = mkdtempSync(path.join(tmpdir(), "longhaul-inheritance-"));
after(() => rmSync(directory, { recursive: true, force: true }));

/** One row in one place. */
interface Trial {
  readonly row: Row;
  readonly number: number;
  readonly name: string;
  readonly server: string;
  /** What stands in the `http` block for it: it needs a process of its own. */
  readonly http: string;
}

/** Two character sets that nothing leads between are refused, whatever counts in the end. */
const apart = new Set(["charset", "source_charset"]);

/** Servers in one process at most. */
const together = 150;
/** Requests under way at a time. */
const atOnce = 24;

layFiles();
const backends = await startBackends(certificates);
after(() => backends.stop());
const trials = rows.flatMap(trialsOf);

function trialsOf(row: Row, index: number): Trial[] {
  const contexts = new Set(
    directivesOf(httpModules)
      .filter(({ name }) => name === row.directive)
      .flatMap((spec) => spec.contexts),
  );
  const around = { content: row.observer.content, server: row.observer.server ?? "" };
  const value = row.value.startsWith("{")
    ? `${row.directive} ${row.value}`
    : `${row.directive} ${row.value};`;
  const directive = `${row.beside ?? ""} ${value}`;
  const found: Omit<Trial, "number" | "server">[] = [];
  const texts: string[] = [];
  const add = (placement: Placement, name: string, http: string): void => {
    if (placement.loses === "steps" && row.observer.steps === true) return;
    found.push({ row, name, http });
    texts.push(placement.server(directive, around));
  };
  add(inHttp, "none", "");
  if (contexts.has("http")) add(inHttp, "http", directive);
  for (const placement of placements) {
    if (placement !== inHttp && contexts.has(placement.context)) add(placement, placement.name, "");
  }
  const other = samples[row.directive]?.[1];
  if (
    contexts.has("server") &&
    contexts.has("location") &&
    other !== undefined &&
    !apart.has(row.directive)
  ) {
    found.push({ row, name: "location, over another in server", http: "" });
    const outer = statementOf(row.directive, other);
    texts.push(`${outer} ${around.server} location / { ${around.content} ${directive} }`);
  }
  return found.map((trial, place) => ({ ...trial, number: index * 16 + place, server: texts[place]! }));
}

function addressOf({ number }: Trial, port: number): string {
  return `127.77.${1 + (number >> 7)}.${1 + (number & 127)}:${port}`;
}

function idOf({ number }: Trial): string {
  return `id${number}x`;
}

function filled(text: string, product: Product, trial: Trial | null): string {
  return text
    .replaceAll("FILES", path.join(directory, "files"))
    .replaceAll("CERTS", certificates)
    .replaceAll("BACKEND", backends.plain)
    .replaceAll("SECOND", backends.second)
    .replaceAll("SECURE", backends.secure)
    .replaceAll("LOG", trial === null ? "" : logOf(product, trial))
    .replaceAll(/\bID\b/g, trial === null ? "" : idOf(trial));
}

function logOf(product: Product, trial: Trial): string {
  return path.join(directory, `${product}-${trial.number}.log`);
}

/** What the trials show, by number. Those with something in `http` stand alone, others share a process. */
async function observe(product: Product, all: readonly Trial[]): Promise<Map<number, string>> {
  const seen = new Map<number, string>();
  const alone = all.filter(({ http }) => http !== "").map((trial) => [trial]);
  const shared = all.filter(({ http }) => http === "");
  const groups = [...alone];
  for (let at = 0; at < shared.length; at += together) groups.push(shared.slice(at, at + together));
  const port = await freePort();
  const work = async (): Promise<void> => {
    for (let group = groups.shift(); group !== undefined; group = groups.shift())
      await observeGroup(product, group, port, seen);
  };
  await Promise.all([work(), work(), work()]);
  return seen;
}

async function observeGroup(
  product: Product,
  group: readonly Trial[],
  port: number,
  seen: Map<number, string>,
): Promise<void> {
  const servers = group.map((trial) => {
    const listen = `listen ${addressOf(trial, port)}${trial.row.tls === true ? " ssl" : ""};`;
    return filled(`server { ${listen} ${defaultCertificate(trial)} ${trial.server} }`, product, trial);
  });
  const http = `${filled(prelude, product, null)} ${group.map((trial) => filled(trial.http, product, trial)).join("")} ${servers.join("\n")}`;
  const running = await start(product, http, directory, addressOf(group.at(-1)!, port)).catch(
    (error: unknown) => {
      throw new Error(
        `${group.map(({ row, name }) => `${row.directive} in ${name}`).join()}: ${String(error)}`,
      );
    },
  );
  const queue = [...group];
  const work = async (): Promise<void> => {
    for (let trial = queue.shift(); trial !== undefined; trial = queue.shift()) {
      const observed = { address: addressOf(trial, port), id: idOf(trial) + product, came: backends.came };
      seen.set(trial.number, await trial.row.observer.ask(observed));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const logging = group.filter(({ row }) => row.observer.log !== undefined);
  // Whatever is still to be written; there may be nothing.
  if (logging.length > 0) await pause(100);
  for (const trial of logging)
    seen.set(
      trial.number,
      `${seen.get(trial.number)}\n${linesOf(trial, running.lines(logOf(product, trial)))}`,
    );
  await running.stop();
}

function linesOf({ row }: Trial, lines: readonly string[]): string {
  const pattern = row.observer.log!;
  return lines
    .filter((line) => pattern.test(line))
    .map((line) =>
      normal(
        line
          .replace(/^[\d/]+ [\d:]+ /, "")
          .replace(/\d+#\d+: (\*\d+ )?/, "")
          .replace(/(, client: | while ).*/, ""),
      ),
    )
    .join("\n");
}

/** Control servers of TLS rows must start, too. */
function defaultCertificate({ row, name }: Trial): string {
  if (row.tls !== true || name !== "none") return "";
  return "ssl_certificate CERTS/localhost.crt; ssl_certificate_key CERTS/localhost.key;";
}

function layFiles(): void {
  const files: Readonly<Record<string, string | Buffer>> = {
    "a.html": "<p>abc abc</p>\n",
    "a.html.gz": gzipSync("<p>abc abc</p>\n"),
    "b.html": "<p>b</p>\n",
    "a.txt": "abc abc\n",
    "a.css": "a {}\n",
    "long.html": `<p>${"abc ".repeat(100)}</p>\n`,
    "page.xyz": "xyz\n",
    "other/only.html": "<p>other</p>\n",
    "indexed/first.html": "first\n",
    "indexed/index.html": "index\n",
    "list/one.txt": "x".repeat(2000),
    "single/only.txt": "only\n",
    users: "user:{PLAIN}word\n",
    passwords: "wrong\nsesame\n",
  };
  const base = path.join(directory, "files");
  for (const [name, text] of Object.entries(files)) {
    const full = path.join(base, name);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
    utimesSync(full, 1_700_000_000, 1_700_000_000);
  }
  mkdirSync(path.join(base, "bodies"));
  symlinkSync("a.html", path.join(base, "link.html"));
}

const hasNginx = isOnPath("nginx");
const longhaul = await observe("longhaul", trials);
const known = trials.filter(({ row }) => row.mainline === undefined);
const nginx = hasNginx ? await observe("nginx", known) : new Map<number, string>();
if (!hasNginx)
  console.warn("NGINX IS NOT INSTALLED: inheritance was not compared with it (apt-get install nginx-light)");

describe("a directive shows below as in nginx", () => {
  for (const row of rows) {
    const own = trials.filter((trial) => trial.row === row);
    const skip = !hasNginx && row.mainline === undefined ? "NGINX IS NOT INSTALLED" : false;
    test(`${row.directive} ${row.value}`, { skip }, () => {
      const without = longhaul.get(own[0]!.number);
      for (const { number, name, server, http } of own) {
        const [found, wanted] = [longhaul, nginx].map((seen) =>
          seen.get(number)?.replaceAll(row.ignored ?? /$^/g, ""),
        );
        const where = `in ${name}: ${http} … ${server}`;
        if ((name === "none" && row.otherDefault === true) || name === row.better) continue;
        if (row.mainline === undefined) assert.equal(found, wanted, where);
        else if (name !== "none") assert.match(found!, row.mainline, where);
      }
      if (row.starts === true) return;
      assert.ok(
        own.some(({ number }) => longhaul.get(number) !== without),
        `it shows nowhere: ${without}`,
      );
    });
  }
});

test("enough of them", (t) => {
  const directives = new Set(rows.map(({ directive }) => directive));
  t.diagnostic(`${rows.length} rows, ${directives.size} directives, ${trials.length} places`);
  assert.ok(directives.size >= 150, String(directives.size));
});
