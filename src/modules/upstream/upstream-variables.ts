/**
 * The variables of ngx_http_upstream_module: what the tries of upstream servers came to.
 * https://nginx.org/en/docs/http/ngx_http_upstream_module.html#variables
 */
import type { VariableSpec } from "../../config/variables.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import { formatSeconds } from "../../gateway/log/log-time.ts";
import { redirectMark } from "../../gateway/request/request.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { UpstreamState } from "../../gateway/request/upstream-state.ts";
import { findSetCookie } from "../support/cookies.ts";
import { fieldByVariable } from "../support/field-names.ts";

type Spec = VariableSpec<Request>;

const variables: readonly Spec[] = [
  perTry("upstream_addr", ({ address }) => address),
  perTry("upstream_status", ({ status }) => (status === 0 ? "-" : String(status))),
  perTry("upstream_connect_time", ({ connectMs }) => duration(connectMs)),
  perTry("upstream_header_time", ({ headerMs }) => duration(headerMs)),
  perTry("upstream_response_time", ({ responseMs }) => duration(responseMs)),
  perTry("upstream_response_length", ({ bodyBytes }) => String(bodyBytes)),
  perTry("upstream_bytes_received", ({ bytesReceived }) => String(bytesReceived)),
  perTry("upstream_bytes_sent", ({ bytesSent }) => String(bytesSent)),
  { name: "upstream_cache_status", get: notFound },
  { name: "upstream_cache_last_modified", get: notFound },
  { name: "upstream_cache_etag", get: notFound },
  { name: "upstream_http_", prefix: true, volatile: true, get: upstreamField },
  { name: "upstream_trailer_", prefix: true, volatile: true, get: upstreamTrailer },
  { name: "upstream_cookie_", prefix: true, volatile: true, get: upstreamCookie },
];

export const upstreamVariables: HttpModule = {
  name: "ngx_http_upstream_module",
  directives: [],
  variables,
};

/** One value per try: "a, b" for tries of one upstream, "a : b" where an internal redirect came between. */
function perTry(name: string, show: (state: UpstreamState) => string): Spec {
  return {
    name,
    volatile: true,
    get({ upstreamStates }) {
      if (upstreamStates === null || upstreamStates.length === 0) return null;
      let text = "";
      let separator = "";
      for (const state of upstreamStates) {
        if (state === redirectMark) {
          separator = " : ";
          continue;
        }
        text += separator + show(state);
        separator = ", ";
      }
      return text + (separator === " : " ? separator : "");
    },
  };
}

function duration(ms: number): string {
  return ms < 0 ? "-" : formatSeconds(ms);
}

/** Server and Date are never missing: nginx puts empty ones in their place. */
function upstreamField({ upstreamHead }: Request, rest: string): string | null {
  if (upstreamHead === null) return null;
  const value = fieldByVariable(upstreamHead.fields, rest);
  return value === null && (rest === "server" || rest === "date") ? "" : value;
}

function upstreamTrailer({ upstreamTrailers }: Request, rest: string): string | null {
  return upstreamTrailers === null ? null : fieldByVariable(upstreamTrailers, rest);
}

function upstreamCookie({ upstreamHead }: Request, rest: string): string | null {
  return upstreamHead === null ? null : findSetCookie(upstreamHead.fields, rest);
}

function notFound(): null {
  return null;
}
