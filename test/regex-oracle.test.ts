/**
 * Regular expressions beside nginx: patterns made by seed and patterns of real life, each on several
 * subjects; whether they match, and their captures. Ours are asked both ways: as a request would, and on our
 * own machine in any case. What PCRE gives up (500) is not compared.
 *
 * LONGHAUL_REGEX_PATTERNS=20000 and LONGHAUL_REGEX_SEED=7 make other and longer rounds of it.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import { REAL_LIFE } from "../src/config/regex-real-life.fixture.ts";
import { randomPattern, randomSubject } from "../src/config/regex-samples.fixture.ts";
import { RegexFailure, compileRegex } from "../src/config/regex.ts";
import type { RegexMatch } from "../src/config/regex.ts";
import { SeededRandom } from "../src/net/memory/random.ts";
import { products, startGateway } from "./support/gateway.ts";
import { freePort } from "./support/ports.ts";

const patternCount = Number(process.env["LONGHAUL_REGEX_PATTERNS"] ?? 1000);
const seed = Number(process.env["LONGHAUL_REGEX_SEED"] ?? 20_261);
const subjectsEach = 5;
/** Patterns in one configuration. */
const atOnce = 2000;

type Sample = readonly [pattern: string, subjects: readonly string[]];

function samples(): Sample[] {
  const random = new SeededRandom(seed);
  const made = Array.from({ length: patternCount }, (): Sample => {
    const pattern = randomPattern(random);
    return [pattern, Array.from({ length: subjectsEach }, () => randomSubject(random))];
  });
  return [...REAL_LIFE, ...made];
}

const captures = Array.from({ length: 9 }, (_, index) => `[$${index + 1}]`).join("");

function config(port: number, patterns: readonly Sample[]): string {
  const quoted = (pattern: string): string => `"${pattern.replaceAll("\\", "\\\\")}"`;
  const locations = patterns.map(
    ([pattern], index) =>
      `location = /${index} { if ($http_s ~ ${quoted(pattern)}) { return 200 "${captures}"; } return 200 none; }`,
  );
  return `
    events {}
    http {
      access_log off;
      keepalive_requests 1000000;
      server { listen 127.0.0.1:${port}; ${locations.join("\n")} }
    }`;
}

/** Bodies of 200, or the status of another answer. nginx closes after a 500: the rest is asked anew. */
async function askAll(port: number, requests: readonly string[]): Promise<string[]> {
  const answers: string[] = [];
  while (answers.length < requests.length) {
    const more = await askOnce(port, requests.slice(answers.length));
    assert.ok(more.length > 0, `no answer to ${requests[answers.length]}`);
    answers.push(...more);
  }
  return answers;
}

/** What is answered on one connection. */
function askOnce(port: number, requests: readonly string[]): Promise<string[]> {
  return new Promise((resolve) => {
    const answers: string[] = [];
    let text = "";
    const socket = net.connect(port, "127.0.0.1", () =>
      socket.write(Buffer.from(requests.join(""), "latin1")),
    );
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answers));
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      for (;;) {
        const head = /^HTTP\/1\.1 (\d+)[^]*?\r\nContent-Length: (\d+)\r\n[^]*?\r\n\r\n/.exec(text);
        if (head === null) return;
        const end = head[0].length + Number(head[2]);
        if (text.length < end) return;
        answers.push(head[1] === "200" ? text.slice(head[0].length, end) : head[1]!);
        text = text.slice(end);
        if (answers.length === requests.length) socket.destroy();
      }
    });
  });
}

async function nginxAnswers(patterns: readonly Sample[]): Promise<string[][]> {
  const nginx = products().find(({ name }) => name === "nginx")!;
  const port = await freePort();
  const gateway = await startGateway(nginx, { config: config(port, patterns), port });
  try {
    const answers: string[][] = [];
    for (const [index, [, subjects]] of patterns.entries()) {
      const request = (subject: string): string =>
        `GET /${index} HTTP/1.1\r\nHost: a\r\nS: ${subject}\r\n\r\n`;
      answers.push(await askAll(port, subjects.map(request)));
    }
    return answers;
  } finally {
    await gateway.stop();
  }
}

function shown(find: () => RegexMatch | null): string {
  try {
    const match = find();
    if (match === null) return "none";
    return Array.from({ length: 9 }, (_, index) => `[${match[index + 1] ?? ""}]`).join("");
  } catch (error) {
    if (error instanceof RegexFailure) return "500";
    throw error;
  }
}

const counts = { pairs: 0, matched: 0, onRuntimesEngine: 0, pcreGaveUp: 0, weGaveUp: 0 };

function compare([pattern, subjects]: Sample, theirs: readonly string[]): void {
  const regex = compileRegex(pattern, false);
  for (const [index, subject] of subjects.entries()) {
    const expected = theirs[index]!;
    counts.pairs++;
    if (expected === "500") {
      counts.pcreGaveUp++;
      continue;
    }
    if (expected !== "none") counts.matched++;
    if (subject.length <= regex.trustedLength) counts.onRuntimesEngine++;
    const ways = [() => regex.exec(subject), () => regex.execCounted(subject)].map(shown);
    if (ways[0] === "500") {
      counts.weGaveUp++;
      continue;
    }
    assert.deepEqual(ways, [expected, expected], `${pattern} on ${JSON.stringify(subject)}`);
  }
}

const hasNginx = products().some(({ name }) => name === "nginx");

describe("regular expressions", { skip: hasNginx ? false : "NO NGINX HERE" }, () => {
  test("match and capture as in nginx", { timeout: 600_000 }, async () => {
    const all = samples();
    for (let start = 0; start < all.length; start += atOnce) {
      const some = all.slice(start, start + atOnce);
      const answers = await nginxAnswers(some);
      for (const [index, sample] of some.entries()) compare(sample, answers[index]!);
    }
    assert.ok(counts.pairs >= 3000, JSON.stringify(counts));
    // Our budget is smaller than PCRE's, and may be spent where PCRE's is not: on references only.
    assert.ok(counts.weGaveUp <= counts.pairs / 500, JSON.stringify(counts));
    console.log(`regular expressions beside nginx: ${JSON.stringify(counts)}`);
  });
});
