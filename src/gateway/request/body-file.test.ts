import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { BodyFile } from "./body-file.ts";
import type { BodyFileKind } from "./body-file.ts";
import { BodySpool } from "./body-spool.ts";

const directory = mkdtempSync(path.join(tmpdir(), "longhaul-body-"));
after(() => rmSync(directory, { recursive: true }));

function bodyFile(kind: BodyFileKind, levels: readonly number[] = [], below = "bodies"): BodyFile {
  return new BodyFile({ path: path.join(directory, below), levels }, kind, () => undefined);
}

function append(file: BodyFile, text: string): Promise<string | null> {
  return new Promise((resolve) => file.append(Buffer.from(text), resolve));
}

function readAt(file: BodyFile, position: number, count: number): Promise<string> {
  const memory = Buffer.alloc(count);
  return new Promise((resolve) =>
    file.read(position, memory, (result) =>
      resolve(typeof result === "string" ? result : memory.toString("latin1", 0, result)),
    ),
  );
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

describe("the file of a body", () => {
  test("lies in directories that its last digits name, and goes with its last user", async () => {
    const file = bodyFile("clean", [1, 2]);
    assert.equal(await append(file, "abc"), null);
    assert.equal(await append(file, "def"), null);
    const [first, second, name] = path.relative(path.join(directory, "bodies"), file.path!).split("/");
    assert.match(name!, /^\d{10}$/);
    assert.equal(first, name!.slice(-1));
    assert.equal(second, name!.slice(-3, -1));
    assert.equal(file.size, 6);
    assert.equal(await readAt(file, 2, 3), "cde");
    file.retain();
    file.release();
    assert.equal(readFileSync(file.path!, "latin1"), "abcdef");
    file.release();
    await until(() => !existsSync(file.path!));
  });

  test("without a name is found by nobody, and holds what was written", async () => {
    const file = bodyFile("nameless", [], "nameless");
    assert.equal(await append(file, "abc"), null);
    await until(() => readdirSync(path.join(directory, "nameless")).length === 0);
    assert.equal(await readAt(file, 0, 10), "abc");
    file.release();
    assert.match(await readAt(file, 0, 10), /released too early/);
  });

  test("may stay", async () => {
    const file = bodyFile("persistent");
    await append(file, "abc");
    file.release();
    assert.equal(readFileSync(file.path!, "latin1"), "abc");
  });

  test("that is released under a call is closed behind it, and takes nothing more", async () => {
    const file = bodyFile("clean");
    const written = append(file, "abc");
    file.release();
    assert.match((await written)!, /released too early/);
    await until(() => !existsSync(file.path!));
  });

  test("that cannot be made says why", async () => {
    const file = new BodyFile({ path: "/proc/nowhere", levels: [] }, "clean", () => undefined);
    assert.match((await append(file, "abc"))!, /^mkdir\(\) "\/proc\/nowhere" failed \(2: /);
  });
});

test("a spool writes what comes meanwhile with its next call, and tells when it waits and when it is done", async () => {
  const file = bodyFile("nameless");
  let drained = 0;
  await new Promise<void>((resolve, reject) => {
    const spool = new BodySpool(file, {
      onSpoolDrained() {
        drained += 1;
        if (drained === 1) {
          spool.add(Buffer.from("d"));
          spool.add(Buffer.from("e"));
          spool.end();
        }
      },
      onSpoolEnd: resolve,
      onSpoolFailed: (failure) => reject(new Error(failure)),
    });
    for (const letter of "abc") spool.add(Buffer.from(letter));
  });
  assert.equal(drained, 1);
  assert.equal(await readAt(file, 0, 10), "abcde");
  file.release();
});
