import type { Level } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { Pass } from "../../gateway/upstream/target.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { answerDefaults } from "../support/pass-answer.ts";
import type { AnswerSettings } from "../support/pass-answer.ts";
import { finishPass, passDefaults } from "../support/pass-directives.ts";
import type { PassSettings } from "../support/pass-directives.ts";
import { finishPassTls, passTlsDefaults } from "../support/pass-tls.ts";
import type { PassTlsSettings } from "../support/pass-tls.ts";

/**
 * What the directives of ngx_http_grpc_module set: times in milliseconds, sizes in bytes.
 * https://nginx.org/en/docs/http/ngx_http_grpc_module.html
 */
export interface GrpcSettings extends PassSettings, AnswerSettings, PassTlsSettings {
  setHeaders: readonly (readonly [name: string, value: Value])[];
}

/** Settings of one location, and the `grpc_pass` that is not inherited by nested locations. */
export interface GrpcLocation extends GrpcSettings {
  pass?: Pass;
}

/**
 * nginx's defaults, and what is made of a level's settings once they are merged. Calls may stream both ways: no body is
 * gathered before a server is asked, and nothing of an answer is held back.
 */
export const grpcLevel: Level<GrpcLocation> = {
  defaults: () => ({
    ...passDefaults(),
    ...answerDefaults(),
    ...passTlsDefaults(),
    requestBuffering: false,
    buffering: false,
    setHeaders: [],
  }),
  finish(settings, scope: Scope) {
    finishPass(settings);
    const { pass } = settings;
    const mayNeedTls = pass !== undefined && (pass.variable !== null || pass.scheme.tls);
    finishPassTls(settings, scope, "grpc_", mayNeedTls);
  },
};
