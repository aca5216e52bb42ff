/**
 * What applications are told of a request by FastCGI, SCGI and uwsgi: the parameters that `fastcgi_param` and its like
 * set, and the client's fields as `HTTP_…` (RFC 3875, section 4.1.18).
 */
import type { DirectiveSpec } from "../../config/module.ts";
import { slots } from "../../config/slots.ts";
import type { Param } from "../../cgi/param.ts";
import { valueOf } from "../../gateway/build/http-build.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import type { LevelOf, PassSettings } from "./pass-directives.ts";

/** One `*_param`. */
export interface ParamRule {
  readonly name: string;
  readonly value: Value;
  /** It is left out where it is empty. */
  readonly ifNotEmpty: boolean;
}

/** What the directives of a level set. */
export interface ParamSettings {
  params: readonly ParamRule[];
}

/** The parameters of one request, in the order that they are sent in. Latin1. */
export interface ParamBuilder {
  (request: Request): Param[];
}

/** `*_param name value [if_not_empty];` `prefix`: "fastcgi_". */
export function paramDirective(prefix: string, levelOf: LevelOf<ParamSettings>): DirectiveSpec {
  return {
    name: `${prefix}param`,
    contexts: ["http", "server", "location"],
    args: "2,3",
    default: null,
    doc: "A parameter that the application is given; with `if_not_empty` only where it is not empty.",
    set: slots<ParamSettings>(levelOf).list<ParamRule, "params">("params", ({ args }, scope) => {
      const [name = "", value = "", word] = args;
      if (word !== undefined && word !== "if_not_empty") scope.fail(`invalid parameter "${word}"`);
      return { name, value: valueOf(scope, value), ifNotEmpty: word !== undefined };
    }),
  };
}

/** Makes of a location's settings, once, what works out the parameters of its requests. */
export function compileParams({ params, passRequestHeaders }: ParamSettings & PassSettings): ParamBuilder {
  // Who sets HTTP_X_A says what the application gets of the client's X-A; "" stands for nothing at all.
  const named = params.filter(({ name }) => /^HTTP_./.test(name));
  const taken = new Set(named.map(({ name }) => name.toUpperCase()));
  const sent = params.filter((rule) => rule.value.constant !== "" || !named.includes(rule));
  return (request) => {
    const built: Param[] = [];
    for (const { name, value, ifNotEmpty } of sent) {
      const text = value.evaluate(request);
      if (text !== "" || !ifNotEmpty) built.push([name, text]);
    }
    if (passRequestHeaders) addFields(built, request, taken);
    return built;
  };
}

/** Fields of one name are one parameter: environments have each name once. */
function addFields(built: Param[], { fields }: Request, taken: ReadonlySet<string>): void {
  const { lowerNames, values } = fields;
  const places = new Map<string, number>();
  for (let index = 0; index < lowerNames.length; index++) {
    const lower = lowerNames[index]!;
    const name = paramName(lower);
    if (taken.has(name)) continue;
    const place = places.get(lower);
    if (place === undefined) {
      places.set(lower, built.length);
      built.push([name, values[index]!]);
    } else {
      built[place] = [name, built[place]![1] + (lower === "cookie" ? "; " : ", ") + values[index]!];
    }
  }
}

/** Clients send the same names again and again. Bounded, for they choose them. */
const paramNames = new Map<string, string>();
const paramNamesMax = 512;

function paramName(lower: string): string {
  const known = paramNames.get(lower);
  if (known !== undefined) return known;
  const name = `HTTP_${lower.toUpperCase().replaceAll("-", "_")}`;
  if (paramNames.size < paramNamesMax) paramNames.set(lower, name);
  return name;
}
