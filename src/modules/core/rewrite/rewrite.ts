/**
 * ngx_http_rewrite_module: changes URIs, returns answers, sets variables.
 * https://nginx.org/en/docs/http/ngx_http_rewrite_module.html
 */
import type { Context, Level, DirectiveSpec } from "../../../config/module.ts";
import { Scope } from "../../../config/scope.ts";
import { slots } from "../../../config/slots.ts";
import type { Directive } from "../../../config/tree.ts";
import { variableName } from "../../../config/variable-registry.ts";
import { locationDraftOf } from "../../../gateway/build/drafts.ts";
import { buildOf, valueOf } from "../../../gateway/build/http-build.ts";
import { DECLINED } from "../../../gateway/request/handler.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { PhaseHandler } from "../../../gateway/request/handler.ts";
import { enterLocation } from "../blocks.ts";
import { readCondition } from "./condition.ts";
import { next, runCodes, stop } from "./program.ts";
import type { Code } from "./program.ts";
import { returnCode } from "./return-code.ts";
import { rewriteCode, rewriteLogKey } from "./rewrite-code.ts";

interface RewriteLocation {
  rewriteLog: boolean;
  uninitializedVariableWarn: boolean;
  /** In the order of the configuration; not inherited. */
  codes?: Code[];
}

const level: Level<RewriteLocation> = {
  defaults: () => ({ rewriteLog: false, uninitializedVariableWarn: true }),
};

const location = slots<RewriteLocation>((scope) => scope.location(rewrite));

const inServers: readonly Context[] = ["server", "if in server", "location", "if in location"];
const everywhere: readonly Context[] = ["http", ...inServers];

const directives: readonly DirectiveSpec[] = [
  {
    name: "rewrite",
    contexts: inServers,
    args: "2,3",
    default: null,
    inherited: "own",
    doc: "Changes the URI when it matches a regular expression.",
    set: (scope, directive) => append(scope, rewriteCode(scope, directive)),
  },
  {
    name: "return",
    contexts: inServers,
    args: "1,2",
    default: null,
    inherited: "own",
    doc: "Answers with a status, a text or a redirect.",
    set: (scope, directive) => append(scope, returnCode(scope, directive)),
  },
  {
    name: "break",
    contexts: inServers,
    args: "0",
    default: null,
    inherited: "own",
    doc: "Ends the directives of this module.",
    set: (scope) => append(scope, breakCode),
  },
  {
    name: "if",
    contexts: ["server", "location"],
    args: "1+",
    block: true,
    default: null,
    inherited: "own",
    doc: "Applies its block when a condition holds.",
    set: ifBlock,
  },
  {
    name: "set",
    contexts: inServers,
    args: "2",
    default: null,
    inherited: "own",
    doc: "Gives a variable a value.",
    set: setDirective,
  },
  {
    name: "rewrite_log",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether the steps of this module are logged.",
    set: location.flag("rewriteLog"),
  },
  {
    name: "uninitialized_variable_warn",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether the use of unset variables is logged.",
    set: location.flag("uninitializedVariableWarn"),
  },
];

export const rewrite: HttpModule<object, object, RewriteLocation> = {
  name: "ngx_http_rewrite_module",
  directives,
  location: level,
  attachServer(server) {
    const settings = server.root.settings.get(rewrite) as RewriteLocation | undefined;
    if (settings?.codes !== undefined) server.rewrite.push(handlerOf(settings.codes, settings.rewriteLog));
  },
  attach(target, settings) {
    if (settings.codes === undefined || target.kind === "server" || target.kind === "if") return;
    target.rewrite.push(handlerOf(settings.codes, settings.rewriteLog));
  },
};

function handlerOf(codes: readonly Code[], logs: boolean): PhaseHandler {
  return (request) => {
    // Each level is asked for itself: what an outer one said is not kept.
    if (logs) (request.moduleState ??= new Map()).set(rewriteLogKey, true);
    else request.moduleState?.delete(rewriteLogKey);
    const outcome = runCodes(codes, request);
    return outcome === next || outcome === stop ? DECLINED : outcome;
  };
}

function append(scope: Scope, code: Code): void {
  const settings = scope.location(rewrite);
  (settings.codes ??= []).push(code);
}

function breakCode(): typeof stop {
  return stop;
}

function setDirective(scope: Scope, { args }: Directive): void {
  const name = variableName(args[0]!, scope);
  const { variables } = buildOf(scope);
  const variable = variables.define(name, scope, null);
  variable.get ??= (request) => {
    const settings = request.location.settings.get(rewrite) as RewriteLocation;
    if (settings.uninitializedVariableWarn) request.log("warn", `using uninitialized "${name}" variable`);
    return "";
  };
  const index = variables.indexOf(name, scope);
  const value = valueOf(scope, args[1]!);
  append(scope, (request) => {
    const text = value.evaluate(request);
    if (variable.set === null) request.variableValues[index] = text;
    else variable.set(request, text);
    return next;
  });
}

/** An `if` in a location is a location of its own, which a request enters when the condition holds. */
async function ifBlock(scope: Scope, directive: Directive): Promise<void> {
  const condition = readCondition(scope, directive);
  if (scope.context === "server") {
    const inner = new Scope({
      cycle: scope.cycle,
      context: "if in server",
      parent: scope,
      mainSettings: scope.mainSettings,
      serverSettings: scope.serverSettings,
      locationSettings: new Map(),
      subject: scope.subject,
    });
    await scope.cycle.walk(directive.block!, inner);
    const codes = inner.location(rewrite).codes ?? [];
    append(scope, (request) => (condition(request) ? runCodes(codes, request) : next));
    return;
  }
  const { name } = locationDraftOf(scope);
  const draft = await enterLocation(
    scope,
    directive,
    { kind: "if", name, noRegex: false, regex: null },
    "if in location",
  );
  const codes = (draft.settings.get(rewrite) as RewriteLocation | undefined)?.codes ?? [];
  append(scope, (request) => {
    if (!condition(request)) return next;
    request.location = request.location.block(draft.location!);
    return runCodes(codes, request);
  });
}
