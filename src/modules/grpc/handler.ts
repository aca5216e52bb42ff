import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler, Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { Exchange } from "../../gateway/upstream/exchange.ts";
import { http2Alpn, Http2Link } from "../../gateway/upstream/http2-link.ts";
import { Http2Try } from "../../gateway/upstream/http2-try.ts";
import type { Http2Head, Http2UpstreamRequest } from "../../gateway/upstream/http2-try.ts";
import type { KeepalivePool } from "../../gateway/upstream/keepalive-pool.ts";
import type { PooledConnection, SharedLink } from "../../gateway/upstream/pooled-connection.ts";
import type { AnswerSink, SharedTry, TryOwner } from "../../gateway/upstream/protocol.ts";
import type { AddressForm, Pass, Target } from "../../gateway/upstream/target.ts";
import { passHandler } from "../../gateway/upstream/target-search.ts";
import type { Fields } from "../../http/fields.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { ClientTls } from "../../net/network.ts";
import {
  accelFields,
  compileAnswer,
  hiddenFields,
  passEarlyHints,
  takeTrailers,
} from "../support/pass-answer.ts";
import { PassPlan } from "../support/pass-plan.ts";
import type { PassRoute } from "../support/pass-plan.ts";
import { tlsFor } from "../support/pass-tls.ts";
import { upstreamUri } from "../support/upstream-uri.ts";
import { compileCallHead } from "./request-head.ts";
import type { CallHeadBuilder } from "./request-head.ts";
import type { GrpcLocation } from "./settings.ts";

const plain = { prefix: "grpc://", defaultPort: 0, tls: false } as const;

/** What `grpc_pass` may name. */
export const grpcAddress: AddressForm = {
  schemes: [plain, { prefix: "grpcs://", defaultPort: 0, tls: true }],
  withoutScheme: plain,
  allowUri: false,
};

/** Hidden unless `grpc_pass_header` lets them through. */
const hiddenByDefault = ["date", "server", ...accelFields];

/** What all calls of a location have in common. */
interface GrpcRoute extends PassRoute<GrpcLocation> {
  readonly buildHead: CallHeadBuilder;
  readonly hidden: ReadonlySet<string>;
}

/** How one call is passed on. */
class GrpcPlan extends PassPlan<GrpcLocation, GrpcRoute> implements Http2UpstreamRequest {
  readonly directivePrefix = "grpc_";
  readonly passesBody = true;
  readonly replacementBody = null;
  readonly keepsTrailers = true;
  private readonly path: string;
  /** So much of early hints has come: a server could send them without end. */
  private hintBytes = 0;

  constructor(request: Request, route: GrpcRoute, target: Target, tls: ClientTls | null) {
    // As in nginx, log lines name the server without a path.
    super(request, route, target, "", tls, "h2");
    this.path = upstreamUri(request, "", "");
  }

  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): SharedTry {
    return new Http2Try(owner, connection, this, sink);
  }

  share(connection: PooledConnection, pool: KeepalivePool | null): SharedLink {
    return new Http2Link(connection, pool, this.request.client.gateway.network.clock);
  }

  buildHead(bodyLength: number | null): Http2Head {
    const { path, request, route, target, tls } = this;
    const scheme = tls === null ? "http" : "https";
    return route.buildHead(request, { path, scheme, authority: target.host }, bodyLength);
  }

  override acceptHead(head: ResponseHead): (() => void) | null {
    // Of an answer that has ended with its head there is nothing to come, and the client's ends so, too.
    this.request.response.trailersMayFollow = head.contentLength !== 0;
    return super.acceptHead(head);
  }

  acceptEarlyHints(head: ResponseHead): void {
    const room = this.settings.bufferSize - this.hintBytes;
    this.hintBytes += passEarlyHints(this.request, head, this.route.hidden, room);
  }

  acceptTrailers(trailers: Fields): void {
    takeTrailers(this.request, trailers, this.route.hidden);
  }
}

/** Makes the content handler of a location with `grpc_pass`. */
export function grpcHandler(settings: GrpcLocation, pass: Pass, build: HttpBuild): PhaseHandler {
  const hidden = hiddenFields(settings, hiddenByDefault);
  // Nothing is ever held back for a server to have a say in it.
  const ignoreHeaders = new Set([...settings.ignoreHeaders, "x-accel-buffering"]);
  const rules = { hidden, mayLackServer: true, rewriter: null };
  const acceptHead = compileAnswer({ ...settings, ignoreHeaders }, rules);
  const route = { settings, acceptHead, buildHead: compileCallHead(settings), hidden };
  const start = (request: Request, target: Target): Verdict => {
    let tls: ClientTls | null = null;
    if (target.scheme.tls) {
      tls = tlsFor(settings, request, target.host, http2Alpn);
      if (tls === null) return 500;
    }
    new Exchange(request, new GrpcPlan(request, route, target, tls)).start();
    return DONE;
  };
  return passHandler(
    pass,
    { form: grpcAddress, upstreams: build.upstreams, ignoreClientAbort: false },
    start,
  );
}
