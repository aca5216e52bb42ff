/**
 * What the modules for applications (FastCGI, SCGI, uwsgi) have in common: settings, directives, plan. Each has its
 * own name, parameters in its own form, and little else.
 */
import type { DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import { applicationWords } from "../../gateway/failure/next-upstream.ts";
import type { AddressForm, Pass } from "../../gateway/upstream/target.ts";
import type { TargetSearch } from "../../gateway/upstream/target-search.ts";
import { readPassDirective } from "./pass-address.ts";
import { accelFields, answerDefaults, compileAnswer, hiddenFields } from "./pass-answer.ts";
import type { AnswerSettings } from "./pass-answer.ts";
import {
  answerFieldDirectives,
  bufferDefaults,
  bufferingDirectives,
  checkBuffers,
} from "./pass-answer-directives.ts";
import type { BufferSettings } from "./pass-answer-directives.ts";
import {
  connectionDirectives,
  finishPass,
  interceptErrorsDirective,
  nextUpstreamDirectives,
  passDefaults,
  requestDirectives,
} from "./pass-directives.ts";
import type { LevelOf, PassSettings } from "./pass-directives.ts";
import { compileParams, paramDirective } from "./pass-params.ts";
import type { ParamBuilder, ParamSettings } from "./pass-params.ts";
import type { PassRoute } from "./pass-plan.ts";

/** What the directives set. The `*_pass` is not inherited by nested locations. */
export interface ApplicationSettings extends PassSettings, AnswerSettings, BufferSettings, ParamSettings {
  pass?: Pass;
}

/** nginx's defaults, the same for all of them. */
export function applicationDefaults(): ApplicationSettings {
  return { ...passDefaults(), ...answerDefaults(), ...bufferDefaults(), params: [] };
}

/** Once a level is merged. `prefix`: "fastcgi_". @throws ConfigError */
export function finishApplication(settings: ApplicationSettings, scope: Scope, prefix: string): void {
  finishPass(settings);
  checkBuffers(settings, scope, prefix);
}

/** The directives. `prefix`: "fastcgi_"; `form`: what its `*_pass` may name. */
export function applicationDirectives(
  prefix: string,
  levelOf: LevelOf<ApplicationSettings>,
  form: AddressForm,
): DirectiveSpec[] {
  return [
    {
      name: `${prefix}pass`,
      contexts: ["location", "if in location"],
      args: "1",
      default: null,
      inherited: "own",
      doc: "Address of the application that requests are passed to.",
      set: (scope, directive) => readPassDirective(scope, directive, levelOf(scope), form),
    },
    paramDirective(prefix, levelOf),
    ...connectionDirectives(prefix, levelOf),
    ...requestDirectives(prefix, levelOf),
    ...answerFieldDirectives(prefix, levelOf),
    ...bufferingDirectives(prefix, levelOf),
    ...nextUpstreamDirectives(prefix, levelOf, applicationWords),
    interceptErrorsDirective(prefix, levelOf),
  ];
}

/** What all requests of a location have in common. */
export interface ApplicationRoute<S extends ApplicationSettings> extends PassRoute<S> {
  readonly buildParams: ParamBuilder;
}

/** Makes of a location's settings, once, what its requests are passed on by. `hidesStatus`: the field is hidden. */
export function applicationRoute<S extends ApplicationSettings>(
  settings: S,
  hidesStatus: boolean,
): ApplicationRoute<S> {
  const hidden = hiddenFields(settings, hidesStatus ? ["status", ...accelFields] : accelFields);
  const acceptHead = compileAnswer(settings, { hidden, mayLackServer: false, rewriter: null });
  return { settings, acceptHead, buildParams: compileParams(settings) };
}

/** What the search for the target of a `*_pass` goes by. */
export function searchOf(settings: ApplicationSettings, form: AddressForm, build: HttpBuild): TargetSearch {
  return { form, upstreams: build.upstreams, ignoreClientAbort: settings.ignoreClientAbort };
}
