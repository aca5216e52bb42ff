import { constantValue } from "../../../config/complex-value.ts";
import type { Scope } from "../../../config/scope.ts";
import type { Directive } from "../../../config/tree.ts";
import { parseNumber } from "../../../config/values.ts";
import { valueOf } from "../../../gateway/build/http-build.ts";
import { contentTypeOf } from "../../../gateway/request/content-type.ts";
import { DONE, OK } from "../../../gateway/request/handler.ts";
import { applyConditions } from "../../../gateway/request/not-modified.ts";
import type { Request } from "../../../gateway/request/request.ts";
import type { Value } from "../../../gateway/serve/settings.ts";
import type { Code } from "./program.ts";

const redirects = new Set([301, 302, 303, 307, 308]);

/** `return code [text | URL];` and `return URL;` */
export function returnCode(scope: Scope, { args }: Directive): Code {
  const [first = "", second] = args;
  const code = parseNumber(first);
  if (code === null) {
    const isUrl = second === undefined && /^(https?:\/\/|\$scheme)/.test(first);
    return isUrl ? answer(302, valueOf(scope, first)) : scope.fail(`invalid return code "${first}"`);
  }
  if (code > 999) scope.fail(`invalid return code "${first}"`);
  if ((second === undefined || second === "") && code >= 400) return () => code;
  return answer(code, second === undefined ? constantValue("") : valueOf(scope, second));
}

function answer(status: number, value: Value): Code {
  if (redirects.has(status)) {
    return (request) => {
      if (request.body.discard() !== 0) return 400;
      request.response.fields.set("Location", value.evaluate(request));
      return status;
    };
  }
  return (request) => send(request, status, value);
}

function send(request: Request, status: number, value: Value): number {
  const { response } = request;
  if (request.body.discard() !== 0) return 400;
  response.status = status;
  response.contentType = contentTypeOf(request);
  const body = Buffer.from(value.evaluate(request), "latin1");
  response.contentLength = body.length;
  const verdict = applyConditions(request);
  if (verdict !== OK) return verdict;
  response.prepareHead();
  response.write(body);
  response.end();
  return DONE;
}
