/**
 * One attacker, in a process of its own: `node attacker.ts PORT MILLISECONDS NAME`. It connects again whenever its connection is
 * ended, or, for floods that come to an end, leaves and begins anew a few times a second. What came of it is printed as JSON.
 */
import net from "node:net";
import { errorName, preface } from "../case-runner/http2-frames.ts";
import { floodNamed, settingsOf, type Flood } from "./floods.ts";

/** What an attacker tells at its end. */
export interface Outcome {
  connections: number;
  bytes: number;
  /** By the code's name, connections that ended with GOAWAY. */
  readonly goaways: Record<string, number>;
}

const holdMs = 300;

/** Finds GOAWAY among what the server sends. */
class GoawayFinder {
  private rest: Buffer = Buffer.alloc(0);
  code: number | null = null;

  add(bytes: Buffer): void {
    this.rest = Buffer.concat([this.rest, bytes]);
    let at = 0;
    while (this.rest.length >= at + 9) {
      const length = this.rest.readUIntBE(at, 3);
      if (this.rest.length < at + 9 + length) break;
      if (this.rest[at + 3] === 7) this.code = this.rest.readUInt32BE(at + 13);
      at += 9 + length;
    }
    this.rest = this.rest.subarray(at);
  }
}

function attack(port: number, flood: Flood, endsAtMs: number, outcome: Outcome): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" });
    const finder = new GoawayFinder();
    let streamId = 1;
    const leave = (): void => void socket.destroy();
    const last = setTimeout(leave, Math.max(0, endsAtMs - Date.now()));
    const pour = (): void => {
      while (!socket.destroyed) {
        const piece = flood.next(streamId);
        if (piece === null) {
          setTimeout(leave, holdMs);
          return;
        }
        streamId += 2 * piece.streams;
        outcome.bytes += piece.bytes.length;
        // The socket's events have their turn between pieces, also where it takes all of them.
        const wait = !socket.write(Buffer.from(piece.bytes, "latin1"));
        if (wait) socket.once("drain", pour);
        else setImmediate(pour);
        return;
      }
    };
    socket.on("connect", () => {
      outcome.connections++;
      socket.write(Buffer.from(preface + settingsOf(flood) + (flood.first ?? ""), "latin1"));
      pour();
    });
    if (flood.reads !== false) socket.on("data", (bytes: Buffer) => finder.add(bytes));
    socket.on("end", leave);
    socket.on("error", leave);
    socket.on("close", () => {
      clearTimeout(last);
      const name = finder.code === null ? "none" : errorName(finder.code);
      outcome.goaways[name] = (outcome.goaways[name] ?? 0) + 1;
      resolve();
    });
  });
}

const [, , port, durationMs, name = ""] = process.argv;
const flood = floodNamed(name);
const outcome: Outcome = { connections: 0, bytes: 0, goaways: {} };
const endsAtMs = Date.now() + Number(durationMs);
while (Date.now() < endsAtMs) await attack(Number(port), flood, endsAtMs, outcome);
console.log(JSON.stringify(outcome));
