import type { Param } from "../../cgi/param.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { CgiTry } from "../../gateway/upstream/cgi-try.ts";
import type { CgiRequest } from "../../gateway/upstream/cgi-try.ts";
import { Exchange } from "../../gateway/upstream/exchange.ts";
import type { PooledConnection } from "../../gateway/upstream/pooled-connection.ts";
import type { AnswerSink, TryOwner, UpstreamTry } from "../../gateway/upstream/protocol.ts";
import type { AddressForm, Pass, Target } from "../../gateway/upstream/target.ts";
import { passHandler } from "../../gateway/upstream/target-search.ts";
import { asksForUpgrade } from "../../http/upgrade.ts";
import type { ClientTls } from "../../net/network.ts";
import { applicationRoute, searchOf } from "./pass-application.ts";
import type { ApplicationRoute, ApplicationSettings } from "./pass-application.ts";
import { PassPlan } from "./pass-plan.ts";
import { tlsFor } from "./pass-tls.ts";
import type { PassTlsSettings } from "./pass-tls.ts";

/** What tells SCGI and uwsgi apart. */
export interface CgiProtocol {
  /** "scgi" */
  readonly name: string;
  /** What its `*_pass` may name. */
  readonly address: AddressForm;
  /** As with nginx, uwsgi's clients see it. */
  readonly hidesStatus: boolean;
  /** Null where it is never spoken by TLS. */
  readonly tls: PassTlsSettings | null;
  /** What begins a request; or in nginx's words, why it cannot be sent. */
  head(params: readonly Param[], bodyBytes: number, request: Request): Buffer | string;
}

interface CgiRoute extends ApplicationRoute<ApplicationSettings> {
  readonly protocol: CgiProtocol;
}

/** How one request is passed on by SCGI or uwsgi. */
class CgiPlan extends PassPlan<ApplicationSettings, CgiRoute> implements CgiRequest {
  readonly directivePrefix: string;

  constructor(request: Request, route: CgiRoute, target: Target, tls: ClientTls | null) {
    super(request, route, target, "", tls, route.protocol.name);
    this.directivePrefix = `${route.protocol.name}_`;
  }

  get passesBody(): boolean {
    return this.settings.passRequestBody;
  }

  /** Both protocols tell the body's length before it: one of unknown length is read first. */
  override get gathersBody(): boolean {
    return this.request.body.contentLength < 0 || super.gathersBody;
  }

  /** All fields go up, and with them what the client asks for. */
  override get asksForUpgrade(): boolean {
    return this.settings.passRequestHeaders && this.request.fields.getAll("upgrade").some(asksForUpgrade);
  }

  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): UpstreamTry {
    return new CgiTry(owner, connection, this, sink);
  }

  buildHead(bodyBytes: number): Buffer | string {
    const { buildParams, protocol } = this.route;
    return protocol.head(buildParams(this.request), bodyBytes, this.request);
  }
}

/** Makes the content handler of a location with `scgi_pass` or `uwsgi_pass`. */
export function cgiHandler(
  settings: ApplicationSettings,
  pass: Pass,
  build: HttpBuild,
  protocol: CgiProtocol,
): PhaseHandler {
  const route: CgiRoute = { ...applicationRoute(settings, protocol.hidesStatus), protocol };
  return passHandler(pass, searchOf(settings, protocol.address, build), (request, target) => {
    let tls: ClientTls | null = null;
    if (target.scheme.tls) {
      tls = protocol.tls === null ? null : tlsFor(protocol.tls, request, target.host);
      if (tls === null) return 500;
    }
    new Exchange(request, new CgiPlan(request, route, target, tls)).start();
    return DONE;
  });
}
