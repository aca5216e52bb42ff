import { readFileSync } from "node:fs";

/** A chunked body with what is to come of it. Text is latin1. */
export interface ChunkedCase {
  readonly name: string;
  readonly input: string | readonly (readonly [string, number])[];
  readonly expect: {
    readonly outcome: "done" | "failed" | "needMore";
    readonly body?: string;
    readonly trailers?: readonly (readonly [string, string])[];
    /** Bytes of the input that are not part of the body. */
    readonly rest?: string;
    readonly failure?: string;
  };
  /** Present where nginx 1.22 answers otherwise: 200 for a body that it takes. */
  readonly nginx122?: { readonly status: number; readonly why: string };
}

/** A response head (with some body behind it) and what is to come of it. */
export interface ResponseCase {
  readonly name: string;
  readonly input: string | readonly (readonly [string, number])[];
  readonly expect: {
    readonly outcome: "done" | "failed" | "needMore";
    readonly failure?: string;
    readonly head?: Readonly<Record<string, unknown>>;
    readonly fields?: readonly (readonly [string, string])[];
    /** What is left behind the head, an HTTP/0.9 answer's replay included. */
    readonly rest?: string;
  };
  readonly nginx122?: { readonly status: number; readonly why: string };
}

/** The cases of `chunked.json`. @throws Error when the file is missing or no JSON. */
export function readChunkedCases(): ChunkedCase[] {
  return JSON.parse(readFileSync(new URL("chunked.json", import.meta.url), "utf8")) as ChunkedCase[];
}

/**
 * The cases of `response.json`, or of `cgi.json`, whose heads have no status line. @throws Error when the file is
 * missing or no JSON.
 */
export function readResponseCases(name: "response" | "cgi" = "response"): ResponseCase[] {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")) as ResponseCase[];
}
