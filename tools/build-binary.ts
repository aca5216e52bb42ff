/**
 * Makes one executable file of Longhaul, Bun's runtime and the quick start's files:
 * `npm run build:binary [path]`, `dist/longhaul` by default.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const output = path.resolve(process.argv[2] ?? path.join(root, "dist", "longhaul"));

/**
 * The entry hands the quick start its files, then goes on as the command line does. Worker threads begin
 * with it, too: there is no other file.
 */
function entryText(): string {
  const folder = path.join(root, "quickstart");
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const files: Record<string, string> = {};
  for (const name of names.filter((each) => path.extname(each) !== "")) {
    files[name] = readFileSync(path.join(folder, name), "utf8");
  }
  return [
    `import { carryQuickstartFiles } from ${JSON.stringify(path.join(root, "src/cli/quickstart-files.ts"))};`,
    `import { isMainThread } from "node:worker_threads";`,
    `carryQuickstartFiles(${JSON.stringify(files)});`,
    `if (isMainThread) await import(${JSON.stringify(path.join(root, "src/cli/main.ts"))});`,
    `else await import(${JSON.stringify(path.join(root, "src/runtime/worker-entry.ts"))});`,
  ].join("\n");
}

function build(): number {
  mkdirSync(path.dirname(output), { recursive: true });
  const folder = mkdtempSync(path.join(root, "dist", ".binary-"));
  try {
    const entry = path.join(folder, "longhaul.ts");
    writeFileSync(entry, entryText());
    const args = ["build", "--compile", "--minify-syntax", "--outfile", output, entry];
    return spawnSync("bun", args, { stdio: "inherit", cwd: root }).status ?? 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

mkdirSync(path.join(root, "dist"), { recursive: true });
process.exitCode = build();
