import { paramsBytes, requestRecords } from "../../fastcgi/request-writer.ts";
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
import { accelFields, compileAnswer, hiddenFields } from "../support/pass-answer.ts";
import { compileParams } from "../support/pass-params.ts";
import type { ParamBuilder } from "../support/pass-params.ts";
import { PassPlan } from "../support/pass-plan.ts";
import type { PassRoute } from "../support/pass-plan.ts";
import type { FastCgiLocation } from "./settings.ts";

/** What `fastcgi_pass` may name. */
export const fastcgiAddress: AddressForm = {
  schemes: [],
  withoutScheme: { prefix: "fastcgi://", defaultPort: 0, tls: false },
  allowUri: false,
};

/** Hidden unless `fastcgi_pass_header` lets them through. */
const hiddenByDefault = ["status", ...accelFields];

interface FastCgiRoute extends PassRoute<FastCgiLocation> {
  readonly buildParams: ParamBuilder;
}

/** How one request is passed on by FastCGI. */
class FastCgiPlan extends PassPlan<FastCgiLocation, FastCgiRoute> implements FastCgiRequest {
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
    const params = this.route.buildParams(this.request);
    this.head =
      requestRecords(params, this.settings.keepConn) ??
      `fastcgi request record is too big: ${paramsBytes(params)}`;
    return this.head;
  }
}

/** Makes the content handler of a location with `fastcgi_pass`. */
export function fastcgiHandler(settings: FastCgiLocation, pass: Pass, build: HttpBuild): PhaseHandler {
  const hidden = hiddenFields(settings, hiddenByDefault);
  const acceptHead = compileAnswer(settings, { hidden, mayLackServer: false, rewriter: null });
  const route: FastCgiRoute = { settings, acceptHead, buildParams: compileParams(settings) };
  const { ignoreClientAbort } = settings;
  const search = { form: fastcgiAddress, upstreams: build.upstreams, ignoreClientAbort };
  return passHandler(pass, search, (request, target) => {
    new Exchange(request, new FastCgiPlan(request, route, target, "", null, "fastcgi")).start();
    return DONE;
  });
}
