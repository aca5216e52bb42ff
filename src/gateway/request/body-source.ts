import type { Request } from "./request.ts";
import type { RequestBody } from "./request-body.ts";

/** Where a request's body comes from: an HTTP/1 connection, or a stream of HTTP/2. */
export interface BodySource {
  /** The request that is being served; null when what is left of it concerns nobody. */
  readonly request: Request | null;
  readonly gateway: { bodyBytesHeld: number };
  /** Somebody wants the body of the current request. */
  readBody(): void;
  /** Who reads it cannot take more. */
  pauseBody(): void;
  resumeBody(): void;
  /** Gives a body what has arrived of it already. */
  feedArrived(body: RequestBody): void;
  /** The body has been read whole, or reading it failed. */
  bodyDone(): void;
}

/** For requests without a body, or whose connection has other business by now. */
export const noBodySource: BodySource = {
  request: null,
  gateway: { bodyBytesHeld: 0 },
  readBody: () => undefined,
  pauseBody: () => undefined,
  resumeBody: () => undefined,
  feedArrived: () => undefined,
  bodyDone: () => undefined,
};
