import type { Request } from "./request.ts";

/** Phase handlers answer with one of these, or with a status code of 100 or more. */
export const OK = 0;
/** "Not mine": the next handler of the phase is asked. */
export const DECLINED = -5;
/** The handler has taken the request over and will end it. */
export const DONE = -4;

/** What a handler says: OK, DECLINED, DONE or a status code. */
export type Verdict = number;
/**
 * Deals with a request in a phase. A promise holds the request until it is settled; a rejection ends it with
 * 500.
 */
export type PhaseHandler = (request: Request) => Verdict | Promise<Verdict>;

/** Sees, and may change, a response's head before it is sent. */
export type HeaderFilter = (request: Request) => void;
/** Sees a request when all is over and nothing of it can be changed: the log phase. */
export type LogHandler = (request: Request) => void;
