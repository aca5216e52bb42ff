import type { Line } from "./case-file.ts";
import { unquote } from "./text.ts";
import { fastcgiEnd, fastcgiRecord } from "./wires.ts";

/** One thing that a scripted backend does after it has read a request. */
export type Action =
  | { readonly act: "send"; readonly bytes: string }
  /** A whole answer, framed as the backend's protocol wants it. */
  | { readonly act: "answer"; readonly text: string }
  | { readonly act: "pause"; readonly ms: number }
  /** 200 with the request as it was received as body. */
  | { readonly act: "echo" }
  /** 200 with the backend's own name and a line end as body. */
  | { readonly act: "name" }
  /** 101, then every byte back. */
  | { readonly act: "upgrade" }
  /** From now on bytes are recorded, and sent back when `echo` is set; `stays`: also when the other side has ended. */
  | { readonly act: "stream"; readonly echo: boolean; readonly stays?: boolean }
  | { readonly act: "close" }
  | { readonly act: "reset" }
  | { readonly act: "end" }
  /** Never answers; waits for the gateway to go. */
  | { readonly act: "silent" }
  /** Goes on with the next request or closes, as HTTP says for the message sent. */
  | { readonly act: "done"; readonly framed: boolean };

export interface Behaviour {
  /** Acts as soon as the request's head is there. */
  readonly early: boolean;
  /** Nobody listens. */
  readonly refuses: boolean;
  readonly actions: readonly Action[];
}

const SINGLE: Readonly<Record<string, readonly Action[]>> = {
  echo: [{ act: "echo" }, { act: "done", framed: true }],
  name: [{ act: "name" }, { act: "done", framed: true }],
  upgrade: [{ act: "upgrade" }, { act: "stream", echo: true }],
  close: [{ act: "close" }],
  reset: [{ act: "reset" }],
  silent: [{ act: "silent" }],
  stream: [{ act: "stream", echo: true }],
  hold: [{ act: "stream", echo: false }],
  attached: [{ act: "stream", echo: false, stays: true }],
  end: [{ act: "end" }],
};

/** The behaviour that a line such as `echo`, `answers:` or `does:` describes; null when it describes none. */
export function parseBehaviour(line: Pick<Line, "text" | "below">): Behaviour | null {
  const early = line.text.startsWith("early ");
  const word = line.text.replace(/^early /, "");
  if (word === "refuse") return { early, refuses: true, actions: [] };
  if (word === "answers:") return { early, refuses: false, actions: answer(line.below) };
  if (word === "does:") {
    const parts = line.below.map(parseAction);
    const actions = parts.filter((part) => part !== null).flat();
    return parts.includes(null) ? null : { early, refuses: false, actions };
  }
  const single = SINGLE[word];
  return single === undefined ? null : { early, refuses: false, actions: single };
}

function parseAction(text: string): readonly Action[] | null {
  const [, word = "", argument = ""] = /^(\w+) *(.*)$/.exec(text) ?? [];
  if (word === "send") return [{ act: "send", bytes: unquote(argument) }];
  if (word === "stdout") return [{ act: "send", bytes: fastcgiRecord(6, unquote(argument)) }];
  if (word === "stderr") return [{ act: "send", bytes: fastcgiRecord(7, unquote(argument)) }];
  if (word === "finish") return [{ act: "send", bytes: fastcgiEnd }];
  if (word === "pause") return [{ act: "pause", ms: Number.parseInt(argument, 10) }];
  if (word === "next") return [{ act: "done", framed: true }];
  return argument === "" ? (SINGLE[word] ?? null) : null;
}

/** A response written as a block: head lines, an empty line, body lines that each end in LF. */
function answer(lines: readonly string[]): Action[] {
  const empty = lines.indexOf("");
  const head = empty < 0 ? lines : lines.slice(0, empty);
  const body = empty < 0 ? "" : `${lines.slice(empty + 1).join("\n")}\n`;
  const text = head.map((line) => line.replace("%LENGTH%", String(body.length))).join("\r\n");
  const bodiless = /^HTTP\/1\.\d (?:1\d\d|204|304)/.test(text);
  const framed = bodiless || /^(?:content-length|transfer-encoding):/im.test(text);
  return [
    { act: "answer", text: `${text}\r\n\r\n${body}` },
    { act: "done", framed: framed && !/^connection: *close/im.test(text) },
  ];
}
