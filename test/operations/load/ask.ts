import tls from "node:tls";
import type { Wrong } from "../ledger.ts";
import { AnswerReader } from "./answer.ts";
import type { Answer } from "./answer.ts";
import { codeOf, dial, nameOf } from "./dial.ts";
import type { Target } from "./dial.ts";

/** Nothing that is asked here takes longer in a gateway that works. */
const patienceMs = 20_000;

/** A request that did not get its answer. */
export class AskError extends Error {
  readonly wrong: Wrong;

  constructor(wrong: Wrong, message: string) {
    super(message);
    this.wrong = wrong;
  }
}

export interface Asked {
  readonly answer: Answer;
  /** From the SYN to a connection that takes bytes (with TLS: to the end of the handshake). */
  readonly connectMs: number;
  /** From the SYN to the last byte of the answer. */
  readonly totalMs: number;
  /** SHA-256 of the server's certificate; null without TLS. */
  readonly fingerprint: string | null;
}

/**
 * One GET on a connection of its own.
 * @throws AskError when it is refused, cut off, or has not been answered in 20 s
 */
export function ask(target: Target, path: string): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const reader = new AnswerReader();
    const name = `GET ${path} on ${nameOf(target)}`;
    let connectMs = -1;
    let code = "closed";
    let isOver = false;
    const socket = dial(target, () => {
      connectMs = performance.now() - startedAt;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    });
    const over = (): boolean => {
      const first = !isOver;
      isOver = true;
      clearTimeout(timer);
      return first;
    };
    const fail = (wrong: Wrong, text: string): void => {
      if (over()) reject(new AskError(wrong, `${name}: ${text}`));
      socket.destroy();
    };
    const timer = setTimeout(() => {
      const state = connectMs < 0 ? "connecting" : `${reader.received} bytes of the answer there`;
      fail("request timed out", `no answer in ${patienceMs} ms, ${state}`);
    }, patienceMs);
    socket.on("data", (chunk: Buffer) => {
      try {
        const answer = reader.push(chunk);
        if (answer === null || !over()) return;
        const fingerprint =
          socket instanceof tls.TLSSocket ? socket.getPeerCertificate().fingerprint256 : null;
        const totalMs = performance.now() - startedAt;
        finish(socket, target);
        resolve({ answer, connectMs, totalMs, fingerprint });
      } catch (error) {
        fail("wrong answer", String(error));
      }
    });
    socket.on("error", (error) => (code = codeOf(error)));
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      if (code === "ECONNREFUSED") fail("request refused", code);
      else if (reader.isInside) fail("request truncated", `${code} after ${reader.received} bytes`);
      else fail("request reset", `${code}, ${connectMs < 0 ? "not yet connected" : "no byte of an answer"}`);
    });
  });
}

/** A thousand connections a second would use up the ports if each left a TIME_WAIT: a reset leaves none. */
function finish(socket: ReturnType<typeof dial>, { secure }: Target): void {
  if (secure) socket.destroy();
  else socket.resetAndDestroy();
}
