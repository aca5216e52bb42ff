/**
 * Writes docs/failures.md from the table of failures: `npm run docs`. A test fails while page and table differ.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { failureKinds } from "../src/gateway/failure/kinds.ts";
import type { FailureFacts } from "../src/gateway/failure/kinds.ts";
import { nextUpstreamWords } from "../src/gateway/failure/next-upstream.ts";

/** Where the page lies. */
export const failuresFile = fileURLToPath(new URL("../docs/failures.md", import.meta.url));

const intro = `# What can go wrong on the way to a server

Each failure between a client and a server behind is of one of these kinds. Its log line, the client's answer,
whether another server is asked, and its name in metrics follow from the kind (\`npm run docs\` makes this page of
the table). Log lines end with what was being done: \`… while connecting to upstream, client: …\`.

An answer that has begun cannot become an error: then the client's connection is closed before the answer is whole.
`;

/** The page as it should be. */
export function failuresPage(): string {
  const sections = Object.entries(failureKinds).map(([kind, facts]) => section(kind, facts));
  return [intro, ...sections].join("\n");
}

function section(kind: string, facts: FailureFacts): string {
  const rows = [
    ["who", facts.source],
    ["log", logCell(facts)],
    ["client", clientCell(facts)],
    ["next server", retryCell(facts)],
    ["WebSocket close code", closeCell(facts)],
    ["metric label", `\`${facts.label}\``],
    ["what to do", facts.cure],
  ];
  if (facts.setting !== undefined) rows.splice(2, 0, ["limit", `\`proxy_${facts.setting}\``]);
  if (facts.directive !== undefined) rows.splice(2, 0, ["limit", `\`${facts.directive}\``]);
  const table = rows.map(([name, text]) => `| ${name} | ${text} |`).join("\n");
  return `## ${kind}\n\n${facts.meaning}\n\n| | |\n| --- | --- |\n${table}\n`;
}

function closeCell({ closeCode, offenderCode }: FailureFacts): string {
  if (offenderCode === undefined) return String(closeCode);
  return `${offenderCode} for the side that it is about, ${closeCode} for the other`;
}

function logCell({ level, words }: FailureFacts): string {
  if (words === "") return "none of its own";
  return `\`[${level}] ${words.replace("%", "…")}\``;
}

function clientCell({ status, label }: FailureFacts): string {
  if (label.startsWith("websocket_")) return "has its answer already: it is a WebSocket";
  if (status === 0) return "the status that it is about";
  return status === 499 ? "is gone (499 in the log)" : String(status);
}

function retryCell({ retry, label }: FailureFacts): string {
  if (label === "status") return "by `proxy_next_upstream http_…`";
  const word = Object.entries(nextUpstreamWords).find(([, bit]) => bit === retry && bit !== 0)?.[0];
  return word === undefined ? "none" : `by \`proxy_next_upstream ${word}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(failuresFile, failuresPage());
