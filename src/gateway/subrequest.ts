import { RequestBody } from "./request-body.ts";
import { Request } from "./request.ts";
import type { AnswerTaker } from "./request.ts";
import { Phase, runPhases } from "./phases.ts";

/** How many subrequests may stand inside each other (nginx: 50). */
const depthMax = 50;

export interface SubrequestOptions {
  readonly uri: string;
  readonly args: string;
  readonly method: string;
  /** The request's own body, read whole, goes along; otherwise there is none. */
  readonly withBody: boolean;
  /** Called once, when the subrequest has its answer or cannot have one; see `response.status`. */
  readonly onEnd: (subrequest: Request) => void;
}

/**
 * Starts another request on behalf of `parent`: with its head, its connection and its variables, but a
 * URI of its own, whose answer nobody sees but its status and fields. Follows ngx_http_subrequest with
 * `header_only`. Returns null when subrequests stand too deep inside each other.
 */
export function startSubrequest(parent: Request, options: SubrequestOptions): Request | null {
  if (depthOf(parent) >= depthMax) {
    parent.log("error", `subrequests cycle while processing "${options.uri}"`);
    return null;
  }
  const { connection, head, server } = parent;
  const body = options.withBody ? parent.body : new RequestBody(connection, 0, false);
  parent.hasSubrequests = true;
  // The parent may end before it.
  const file = options.withBody ? body.file : null;
  file?.retain();
  const taker = new AnswerDropper((subrequest) => {
    file?.release();
    options.onEnd(subrequest);
  });
  const request = new Request({ connection, head, body, server, parent, taker });
  request.method = options.method;
  request.setUri(options.uri, options.args);
  request.internal = true;
  runPhases(request, Phase.serverRewrite);
  return request;
}

function depthOf(request: Request): number {
  let depth = 0;
  for (let { parent } = request; parent !== null; parent = parent.parent) depth += 1;
  return depth;
}

/** Takes a subrequest's answer, throws its body away and tells when it has ended. */
class AnswerDropper implements AnswerTaker {
  private readonly onEnd: (subrequest: Request) => void;

  constructor(onEnd: (subrequest: Request) => void) {
    this.onEnd = onEnd;
  }

  sendResponse(): boolean {
    return true;
  }

  finishRequest(request: Request): void {
    if (request.finished) return;
    request.finished = true;
    if (request.location.core.logSubrequest) this.log(request);
    this.onEnd(request);
  }

  abortRequest(request: Request): void {
    this.finishRequest(request);
  }

  private log(request: Request): void {
    for (const handler of request.location.log) handler(request);
  }
}
