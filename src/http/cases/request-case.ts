import { readFileSync } from "node:fs";
import { REQUEST_HEAD_LIMITS } from "../request-head.ts";
import type { RequestHeadLimits } from "../request-head.ts";

/** One request head with what is to come of it. Text is latin1: one character per byte. */
export interface RequestCase {
  readonly name: string;
  /** Bytes on the wire: text, or pieces of text with how often each is repeated. */
  readonly input: string | readonly (readonly [string, number])[];
  /** Where the limits differ from nginx's defaults. */
  readonly limits?: Partial<RequestHeadLimits>;
  readonly expect: RequestExpectation;
  /** Present where nginx 1.22 does not do what mainline does. */
  readonly nginx122?: { readonly status: number; readonly why: string };
}

/** What a reader is to make of a request head. A field that is left out is not looked at. */
export interface RequestExpectation {
  readonly outcome: "done" | "failed" | "needMore";
  /** Of a failure. */
  readonly status?: number;
  readonly reason?: string;
  /** Of a head: as RequestHead has them. */
  readonly head?: Readonly<Record<string, unknown>>;
  readonly fields?: readonly (readonly [string, string])[];
}

/** The cases of all files of request heads. @throws Error when a file is missing or no JSON. */
export function readRequestCases(): RequestCase[] {
  const cases: RequestCase[] = [];
  for (const name of [
    "request-line",
    "request-target",
    "request-fields",
    "request-framing",
    "request-limits",
  ]) {
    const text = readFileSync(new URL(`${name}.json`, import.meta.url), "utf8");
    cases.push(...(JSON.parse(text) as RequestCase[]));
  }
  return cases;
}

/** The bytes that stand on the wire: each piece as often as it says. */
export function inputBytes(input: RequestCase["input"]): Buffer {
  const text =
    typeof input === "string" ? input : input.map(([piece, times]) => piece.repeat(times)).join("");
  return Buffer.from(text, "latin1");
}

/** The limits to read a case with: nginx's defaults, but for what the case sets. */
export function limitsOf(item: RequestCase): RequestHeadLimits {
  return { ...REQUEST_HEAD_LIMITS, ...item.limits };
}
