/**
 * `load_module`: nginx's own dynamic modules are a part of Longhaul, or are refused where a directive of theirs is used.
 * https://nginx.org/en/docs/ngx_core_module.html#load_module
 */
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";

/** Those that nginx's sources and its packages bring as files of their own. */
const ofNginx: ReadonlySet<string> = new Set([
  "ngx_http_acme_module.so",
  "ngx_http_geoip_module.so",
  "ngx_http_image_filter_module.so",
  "ngx_http_js_module.so",
  "ngx_http_perl_module.so",
  "ngx_http_xslt_filter_module.so",
  "ngx_mail_module.so",
  "ngx_otel_module.so",
  "ngx_stream_geoip_module.so",
  "ngx_stream_js_module.so",
  "ngx_stream_module.so",
]);

/** @param isLate a block has been read whose directives could have been the module's */
export function loadModule(scope: Scope, { args: [file = ""] }: Directive, isLate: boolean): void {
  if (isLate) scope.fail('"load_module" directive is specified too late');
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (ofNginx.has(name)) {
    scope.notice(`the "load_module" directive has no effect: what needs ${name} is refused where it is used`);
  } else if (/\.[cm]?[jt]s$/.test(name)) {
    scope.fail(`module "${file}" cannot be loaded: longhaul does not load modules of others yet`);
  } else scope.fail(`module "${file}" cannot be loaded: it is machine code for nginx`);
}
