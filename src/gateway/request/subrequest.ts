import type { AnswerWriter } from "./answer-writer.ts";
import { noBodySource } from "./body-source.ts";
import type { Holder } from "./holders.ts";
import { RequestBody } from "./request-body.ts";
import { endRequest } from "./request-end.ts";
import type { Response } from "./response.ts";
import { Request } from "./request.ts";
import { Phase, runPhases } from "./phases.ts";

/** How many subrequests may stand inside each other (nginx: 50). */
const depthMax = 50;

/** What a subrequest asks for, and who takes its answer. */
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
  const { client, head, server } = parent;
  const body = options.withBody ? parent.body : new RequestBody(noBodySource, 0, false);
  parent.hasSubrequests = true;
  // The parent may end before it.
  if (options.withBody) body.share();
  const writer = new SubrequestWriter(parent, options);
  const request = new Request({ client, head, body, server, parent, writer });
  request.method = options.method;
  request.setUri(options.uri, options.args);
  request.internal = true;
  if (options.withBody) request.onEnd(writer);
  runPhases(request, Phase.serverRewrite);
  return request;
}

function depthOf(request: Request): number {
  let depth = 0;
  for (let { parent } = request; parent !== null; parent = parent.parent) depth += 1;
  return depth;
}

/** Takes a subrequest's answer, passes its body on or throws it away, and tells when it has ended. It has no head. */
class SubrequestWriter implements AnswerWriter, Holder {
  private readonly parent: Request;
  private readonly onEnd: (subrequest: Request) => void;
  private readonly output: ((bytes: Buffer) => boolean) | null;
  private readonly onFlush: (() => void) | null;
  private response: Response | null = null;

  constructor(parent: Request, { onEnd, output, onFlush }: SubrequestOptions) {
    this.parent = parent;
    this.onEnd = onEnd;
    this.output = output ?? null;
    this.onFlush = onFlush ?? null;
  }

  get open(): boolean {
    return this.parent.writer.open;
  }

  get askerEnded(): boolean {
    return this.parent.writer.askerEnded;
  }

  locationFound(): void {}

  interim(): void {}

  begin(response: Response): void {
    this.response = response;
  }

  limitTo(): void {}

  write(bytes: Buffer): boolean {
    this.response!.bytesSent += bytes.length;
    return this.output === null || this.output(bytes);
  }

  sendHead(): boolean {
    return true;
  }

  flush(): void {
    this.onFlush?.();
  }

  end(): void {
    this.response!.written();
  }

  forget(): void {}

  connect(): never {
    throw new Error("a subrequest has no connection of its own");
  }

  handOver(): never {
    throw new Error("a subrequest has no connection to hand over");
  }

  finish(request: Request): void {
    if (request.finished) return;
    endRequest(request);
    try {
      this.onEnd(request);
    } catch (error) {
      this.parent.response.crash(error);
    }
  }

  abort(request: Request): void {
    this.finish(request);
  }

  /** The parent's body was needed until now. */
  onRequestEnd(): void {
    this.parent.body.leave();
  }
}
