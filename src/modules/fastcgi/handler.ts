import { paramsText, requestRecords } from "../../cgi/fastcgi-request.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { DONE } from "../../gateway/request/handler.ts";
import type { PhaseHandler } from "../../gateway/request/handler.ts";
import { Exchange } from "../../gateway/upstream/exchange.ts";
import { FastCgiTry } from "../../gateway/upstream/fastcgi-try.ts";
import type { FastCgiRequest } from "../../gateway/upstream/fastcgi-try.ts";
import type { PooledConnection } from "../../gateway/upstream/pooled-connection.ts";
import type { AnswerSink, TryOwner, UpstreamTry } from "../../gateway/upstream/protocol.ts";
import type { AddressForm, Pass } from "../../gateway/upstream/target.ts";
import { passHandler } from "../../gateway/upstream/target-search.ts";
import { applicationRoute, searchOf } from "../support/pass-application.ts";
import type { ApplicationRoute } from "../support/pass-application.ts";
import { PassPlan } from "../support/pass-plan.ts";
import type { FastCgiSettings } from "./settings.ts";

/** What `fastcgi_pass` may name. */
export const fastcgiAddress: AddressForm = {
  schemes: [],
  withoutScheme: { prefix: "fastcgi://", defaultPort: 0, tls: false },
  allowUri: false,
};

/** How one request is passed on by FastCGI. */
class FastCgiPlan
  extends PassPlan<FastCgiSettings, ApplicationRoute<FastCgiSettings>>
  implements FastCgiRequest
{
  readonly directivePrefix = "fastcgi_";
  private head: Buffer | string | null = null;

  get passesBody(): boolean {
    return this.settings.passRequestBody;
  }

  get keepsConnection(): boolean {
    return this.settings.keepConn;
  }

  get catchStderr(): readonly string[] {
    return this.settings.catchStderr;
  }

  begin(owner: TryOwner, connection: PooledConnection, sink: AnswerSink): UpstreamTry {
    return new FastCgiTry(owner, connection, this, sink);
  }

  /** Made when the body is there, whose length is one of the parameters, and the same for every try. */
  buildHead(): Buffer | string {
    if (this.head !== null) return this.head;
    const params = paramsText(this.route.buildParams(this.request));
    this.head =
      requestRecords(params, this.settings.keepConn) ?? `fastcgi request record is too big: ${params.length}`;
    return this.head;
  }
}

/** Makes the content handler of a location with `fastcgi_pass`. */
export function fastcgiHandler(settings: FastCgiSettings, pass: Pass, build: HttpBuild): PhaseHandler {
  const route = applicationRoute(settings, true);
  return passHandler(pass, searchOf(settings, fastcgiAddress, build), (request, target) => {
    new Exchange(request, new FastCgiPlan(request, route, target, "", null, "fastcgi")).start();
    return DONE;
  });
}
