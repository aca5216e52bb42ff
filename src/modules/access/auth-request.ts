/**
 * ngx_http_auth_request_module: lets requests in, or not, as a subrequest is answered.
 * https://nginx.org/en/docs/http/ngx_http_auth_request_module.html
 */
import type { ComplexValue } from "../../config/complex-value.ts";
import type { Context } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { variableName } from "../../config/variable-registry.ts";
import type { Variable } from "../../config/variable-registry.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import { OK } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { ClientWatcher } from "../../gateway/request/holders.ts";
import type { Request } from "../../gateway/request/request.ts";
import { startSubrequest } from "../../gateway/request/subrequest.ts";

/** A variable that takes its value from the subrequest. */
interface Assignment {
  readonly variable: Variable<Request>;
  readonly index: number;
  readonly value: ComplexValue<Request>;
}

interface AuthRequestSettings {
  /** "" for `off`. */
  uri: string;
  assignments: readonly Assignment[];
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<AuthRequestSettings>((scope) => scope.location(authRequest));

export const authRequest: HttpModule<object, object, AuthRequestSettings> = {
  name: "ngx_http_auth_request_module",
  directives: [
    {
      name: "auth_request",
      contexts,
      args: "1",
      default: "off",
      doc: "The URI whose answer decides: 2xx lets in, 401 and 403 keep out.",
      set: slot.custom("uri", ({ args }) => (args[0] === "off" ? "" : args[0]!)),
    },
    {
      name: "auth_request_set",
      contexts,
      args: "2",
      default: null,
      doc: "Sets a variable to a value that the answer of the subrequest may be part of.",
      set: assign,
    },
  ],
  location: { defaults: () => ({ uri: "", assignments: [] }) },
  attach(location, settings) {
    if (settings.uri !== "") location.access.push((request) => ask(request, settings));
  },
};

function assign(scope: Scope, { args }: Directive): void {
  const name = variableName(args[0]!, scope);
  const { variables } = buildOf(scope);
  const variable = variables.define(name, scope, null);
  variable.get ??= () => null;
  const assignment = { variable, index: variables.indexOf(name, scope), value: valueOf(scope, args[1]!) };
  const settings = scope.location(authRequest);
  settings.assignments = [...(settings.assignments ?? []), assignment];
}

/** Resolves with the verdict once the subrequest has its answer. */
function ask(request: Request, { uri, assignments }: AuthRequestSettings): Promise<Verdict> {
  return new Promise((resolve) => {
    const onEnd = (subrequest: Request): void => {
      request.unwatch(watcher);
      setVariables(request, subrequest, assignments);
      resolve(judge(request, subrequest));
    };
    // The answer may be here before the subrequest itself is returned.
    const options = { uri, args: null, method: "GET", withBody: false, onEnd };
    let subrequest: Request | null = null;
    const watcher: ClientWatcher = {
      onClientGone: (how) => subrequest?.tellClientGone(how),
      onRequestEnd: () => subrequest?.response.abort(),
    };
    request.watch(watcher);
    subrequest = startSubrequest(request, options);
    if (subrequest !== null) return;
    request.unwatch(watcher);
    resolve(500);
  });
}

function setVariables(request: Request, subrequest: Request, assignments: readonly Assignment[]): void {
  for (const { variable, index, value } of assignments) {
    const text = value.evaluate(subrequest);
    if (variable.set === null) request.variableValues[index] = text;
    else variable.set(request, text);
  }
}

function judge(request: Request, subrequest: Request): Verdict {
  const { status, fields } = subrequest.response;
  if (status >= 200 && status < 300) return OK;
  if (status === 403) return 403;
  // The client has gone.
  if (status === 499) return 499;
  if (status === 401) {
    const own = fields.getAll("www-authenticate");
    const challenges =
      own.length > 0 ? own : (subrequest.upstreamHead?.fields.getAll("www-authenticate") ?? []);
    const answered = request.response.fields;
    if (challenges.length > 0) answered.remove("www-authenticate");
    for (const challenge of challenges) answered.add("WWW-Authenticate", challenge);
    return 401;
  }
  request.log("error", `auth request unexpected status: ${status}`);
  return 500;
}
