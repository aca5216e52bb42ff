/**
 * ngx_http_grpc_module: passes calls to servers of gRPC, by HTTP/2.
 * https://nginx.org/en/docs/http/ngx_http_grpc_module.html
 */
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import type { VariableSpec } from "../../config/variables.ts";
import { chooseContent, locationDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { nextUpstreamWords } from "../../gateway/failure/next-upstream.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { readPass } from "../../gateway/upstream/target.ts";
import { answerFieldDirectives } from "../support/pass-answer-directives.ts";
import {
  connectionDirectives,
  interceptErrorsDirective,
  nextUpstreamDirectives,
} from "../support/pass-directives.ts";
import { passTlsDirectives } from "../support/pass-tls.ts";
import { grpcAddress, grpcHandler } from "./handler.ts";
import { wantsTrailers } from "./request-head.ts";
import { grpcLevel } from "./settings.ts";
import type { GrpcLocation } from "./settings.ts";

const prefix = "grpc_";
const levelOf = (scope: Scope): Partial<GrpcLocation> => scope.location(grpc);
const location = slots<GrpcLocation>(levelOf);
const everywhere: readonly Context[] = ["http", "server", "location"];
const { updating: _cached, ...words } = nextUpstreamWords;

const own: readonly DirectiveSpec[] = [
  {
    name: "grpc_pass",
    contexts: ["location", "if in location"],
    args: "1",
    default: null,
    inherited: "own",
    doc: "Address of the gRPC server that calls are passed to: `grpc://` in the clear, which may be left out, or `grpcs://`.",
    set: grpcPass,
  },
  {
    name: "grpc_set_header",
    contexts: everywhere,
    args: "2",
    default: "Content-Length $content_length",
    doc: "Sets a request header field; an empty value drops it.",
    set: location.list<readonly [string, Value], "setHeaders">("setHeaders", ({ args }, scope) => [
      args[0]!,
      valueOf(scope, args[1]!),
    ]),
  },
];

const variables: readonly VariableSpec<Request>[] = [
  {
    name: "grpc_internal_trailers",
    volatile: true,
    get: (request) => (wantsTrailers(request) ? "trailers" : null),
  },
];

export const grpc: HttpModule<object, object, GrpcLocation> = {
  name: "ngx_http_grpc_module",
  directives: [
    ...own,
    ...connectionDirectives(prefix, levelOf),
    ...answerFieldDirectives(prefix, levelOf),
    ...nextUpstreamDirectives(prefix, levelOf, words),
    interceptErrorsDirective(prefix, levelOf),
    ...passTlsDirectives(prefix, levelOf),
  ],
  location: grpcLevel,
  variables,
  attach(target, settings, build) {
    const { pass } = settings;
    if (pass === undefined) return;
    target.content = grpcHandler(settings, pass, build);
    target.passes = true;
  },
};

function grpcPass(scope: Scope, directive: Directive): void {
  const settings = scope.location(grpc);
  if (settings.pass !== undefined) return refuse(scope, directive, "is duplicate");
  chooseContent(scope, directive);
  const draft = locationDraftOf(scope);
  const isPlain = draft.kind === "prefix" || draft.kind === "exact";
  if (draft.name.endsWith("/") && isPlain) draft.autoRedirect = true;
  settings.pass = readPass(scope, directive, buildOf(scope), grpcAddress);
}
