#!/usr/bin/env node
// Starts Longhaul from the compiled files of the package or, in a checkout, from the sources.
// Plain JavaScript of the oldest Node that may meet it, because it must be able to say what is wrong.
import { existsSync } from "node:fs";

const wantedNode = 24;
const oldestNode = 20;

const compiled = new URL("../dist/cli/main.js", import.meta.url);
const source = new URL("../src/cli/main.ts", import.meta.url);
const isCompiled = existsSync(compiled);

const problem = process.versions.bun === undefined ? problemOfNode(process.versions.node) : null;
if (problem !== null) {
  process.stderr.write(`longhaul: ${problem}\n`);
  process.stderr.write("longhaul: to run it on a newer Node: npx -y -p node@26 -p longhaul longhaul …\n");
}
if (problem !== null && !canTry(process.versions.node)) process.exitCode = 1;
else await import((isCompiled ? compiled : source).href);

/** What is to be said about this version, or null. */
function problemOfNode(version) {
  if (majorOf(version) >= wantedNode) return null;
  return `[warn] Node ${version} is older than ${wantedNode}, the oldest that longhaul is tested on`;
}

/** Whether running is worth a try: sources need a Node that strips types. */
function canTry(version) {
  if (majorOf(version) < oldestNode) return false;
  return isCompiled || process.features.typescript !== undefined;
}

function majorOf(version) {
  return Number(version.split(".", 1)[0]);
}
