import type { ClientConnection } from "./client-connection.ts";
import { RequestBody } from "./request-body.ts";
import { Request } from "./request.ts";
import type { AnswerTaker } from "./request.ts";
import { Phase, runPhases } from "./phases.ts";

/** How many subrequests may stand inside each other (nginx: 50). */
const depthMax = 50;

export interface SubrequestOptions {
  readonly uri: string;
  /** Null for none. */
  readonly args: string | null;
  readonly method: string;
  /** The request's own body, read whole, goes along; otherwise there is none. */
  readonly withBody: boolean;
  /**
   * Takes the answer's body, where it is wanted. False: stop until `takeDrain` of the response. The memory
   * may be used again on return.
   */
  readonly output?: (bytes: Buffer) => boolean;
  /** What was put out should not wait for more. */
  readonly onFlush?: () => void;
  /** Called once, when the subrequest has its answer or cannot have one; see `response.status`. */
  readonly onEnd: (subrequest: Request) => void;
}

/**
 * Starts another request on behalf of `parent`: with its head, its connection and its variables, but a
 * URI of its own. Of its answer nobody sees more than status and fields, unless there is an `output` for its
 * body. Follows ngx_http_subrequest. Returns null when subrequests stand too deep inside each other.
 */
export function startSubrequest(parent: Request, options: SubrequestOptions): Request | null {
  if (depthOf(parent) >= depthMax) {
    parent.log("error", `subrequests cycle while processing "${options.uri}"`);
    return null;
  }
  const { connection, head, server } = parent;
  const body = options.withBody ? parent.body : emptyBody(connection);
  parent.hasSubrequests = true;
  // The parent may end before it.
  if (options.withBody) body.share();
  const taker = new SubrequestTaker(options, options.withBody ? body : null);
  const request = new Request({ connection, head, body, server, parent, taker });
  request.method = options.method;
  request.setUri(options.uri, options.args);
  request.internal = true;
  runPhases(request, Phase.serverRewrite);
  return request;
}

/** The client is not asked to go on with a body ("Expect") for the sake of a subrequest that has none. */
function emptyBody(connection: ClientConnection): RequestBody {
  const body = new RequestBody(connection, 0, false);
  body.forgetExpectation();
  return body;
}

function depthOf(request: Request): number {
  let depth = 0;
  for (let { parent } = request; parent !== null; parent = parent.parent) depth += 1;
  return depth;
}

/** Takes a subrequest's answer, passes its body on or throws it away, and tells when it has ended. */
class SubrequestTaker implements AnswerTaker {
  private readonly onEnd: (subrequest: Request) => void;
  private readonly output: ((bytes: Buffer) => boolean) | null;
  private readonly onFlush: (() => void) | null;
  /** The parent's body, whose storage is needed until the end. */
  private readonly body: RequestBody | null;

  constructor({ onEnd, output, onFlush }: SubrequestOptions, body: RequestBody | null) {
    this.onEnd = onEnd;
    this.output = output ?? null;
    this.onFlush = onFlush ?? null;
    this.body = body;
  }

  sendResponse(bytes: Buffer): boolean {
    return this.output === null || this.output(bytes);
  }

  flushResponse(): void {
    this.onFlush?.();
  }

  finishRequest(request: Request): void {
    if (request.finished) return;
    request.finished = true;
    if (request.location.core.logSubrequest) this.log(request);
    this.body?.leave();
    this.onEnd(request);
  }

  abortRequest(request: Request): void {
    this.finishRequest(request);
  }

  private log(request: Request): void {
    for (const handler of request.location.log) handler(request);
  }
}
