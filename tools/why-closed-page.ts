/**
 * Writes docs/why-closed.md from the ways in which a WebSocket can end: `npm run docs`. A test plays each of them, and
 * another fails while page and table differ.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { ends } from "../test/why-closed/ends.ts";
import type { End } from "../test/why-closed/ends.ts";

/** Where the page lies. */
export const whyClosedFile = fileURLToPath(new URL("../docs/why-closed.md", import.meta.url));

const intro = `# Why was this WebSocket closed?

Look for what the client's application saw: the code of its close event, and the reason. 1006 is no code that anybody
sends: the connection ended without a close frame. Each line is a way in which a WebSocket behind Longhaul can end, and is
played by a test (\`npm run docs\` makes this page of the same table).

The record tells the rest. \`websocket_log logs/websocket.log;\` writes it, \`$websocket_closed_by\`,
\`$websocket_close_code\`, \`$websocket_close_reason\` and \`$websocket_close_cause\` are in any log format, and the error log
has it behind nginx's own line: \`…, websocket: closed by gateway, code: 1001, reason: "…", cause: "…"\`. Its level is
\`warn\` where a directive ended the WebSocket, and mostly \`info\` else: with nginx's default, \`error_log … error\`, neither
is written.
`;

/** The page as it should be. */
export function whyClosedPage(): string {
  const codes = [...new Set(ends.map(codeAtClient))].sort();
  const sections = codes.map((code) =>
    section(
      code,
      ends.filter((end) => codeAtClient(end) === code),
    ),
  );
  return [intro, ...sections].join("\n");
}

function codeAtClient({ client }: End): string {
  return client.split(" ", 1)[0]!;
}

function section(code: string, found: readonly End[]): string {
  const title =
    code === "open"
      ? "The client sees nothing (it is frozen, or its line is dead)"
      : `The client sees ${code}`;
  const lines = found.map((end) => {
    const [by = "", recorded = "", , cause = ""] = end.record.split("|");
    const reason = code === "open" ? "" : end.client.slice(code.length + 1);
    const after = end.seconds === undefined ? "" : `after ${end.seconds} s`;
    const shown = [reason === "" ? "" : `“${reason}”`, after].filter(Boolean).join(", ");
    const directives = end.directives === "" ? "" : inCode(end.directives);
    const told = [`${by} ${recorded}`, cause === "" ? "" : inCode(cause.replace(/ ?at :\d+/, " at …"))];
    return [end.what, directives, shown, serverCell(end), told.filter(Boolean).join(", "), end.cure]
      .map((cell) => cell.replaceAll("|", "\\|"))
      .join(" | ");
  });
  return `## ${title}\n\n| what happened | configuration | reason | the server sees | record | cure |\n| --- | --- | --- | --- | --- | --- |\n${lines.map((cells) => `| ${cells} |`).join("\n")}\n`;
}

function serverCell({ server }: End): string {
  return server === "open" ? "nothing (it is frozen)" : server;
}

function inCode(text: string): string {
  return `\`${text.replaceAll("`", "")}\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(whyClosedFile, whyClosedPage());
