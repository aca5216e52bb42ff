/**
 * One line for each directive whose effect can be seen: the directive, a value, and how it shows. Placeholders:
 * FILES (a directory), BACKEND and SECURE (servers behind), CERTS, LOG (the server's own file), ID (its own word).
 */
import {
  balanced,
  bare,
  file,
  handshake,
  logged,
  meanwhile,
  proxied,
  raw,
  returned,
  secured,
  shown,
  within,
} from "./observers.ts";
import type { Observer } from "./observers.ts";

export interface Row {
  readonly directive: string;
  readonly value: string;
  readonly observer: Observer;
  /** What longhaul shows, where nginx 1.22 does not know the directive. */
  readonly mainline?: RegExp;
  /** Its default is another one in nginx 1.22: what is seen without it is not compared. */
  readonly otherDefault?: true;
  /** The place where longhaul does what the directive says and nginx does not. */
  readonly better?: string;
  /** It shows by starting at all. */
  readonly starts?: true;
  /** What does not count. */
  readonly ignored?: RegExp;
  /** Servers listen with TLS. */
  readonly tls?: true;
  /** Beside it on the same level. */
  readonly beside?: string;
}

const row = (directive: string, value: string, observer: Observer, more: Partial<Row> = {}): Row => ({
  directive,
  value,
  observer,
  ...more,
});

const zipping = { fields: { "Accept-Encoding": "gzip" } };
const msie = {
  fields: { "User-Agent": "Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)", "Accept-Encoding": "gzip" },
};
const mac = { fields: { "User-Agent": "Mozilla/5.0 (Mac OS X) Safari/1" }, twice: true } as const;
const upload = { method: "POST", body: "a=1&b=2" };
const keep = { twice: true } as const;
const basic = { fields: { Authorization: `Basic ${btoa("user:word")}` } };
const errorLog = "error_log LOG info;";

const files: readonly Row[] = [
  row("root", "FILES/other", bare("/only.html")),
  row("alias", "FILES/other/", bare("/only.html")),
  row("index", "first.html", file("/indexed/")),
  row("default_type", "one/type", file("/page.xyz")),
  row("types", "{ one/type html; }", file("/a.html")),
  row("etag", "off", file("/a.html")),
  row(
    "if_modified_since",
    "before",
    file("/a.html", { fields: { "If-Modified-Since": "Fri, 01 Jan 2038 00:00:00 GMT" } }),
  ),
  row("max_ranges", "1", file("/a.html", { fields: { Range: "bytes=0-0,2-2" } })),
  row("log_not_found", "off", logged(within(file("/missing"), errorLog), /open\(\) .* failed/)),
  row("disable_symlinks", "on", file("/link.html")),
  row("try_files", "/a.html =404", file("/missing")),
  row("autoindex", "on", file("/list/")),
  row("autoindex_exact_size", "off", within(file("/list/"), "autoindex on;")),
  row("autoindex_format", "json", within(file("/list/"), "autoindex on;")),
  row("random_index", "on", file("/single/")),
  row("empty_gif", "", file("/a.html")),
  row("stub_status", "", file("/a.html"), { ignored: /[ :]\d+/g }),
  // Mainline has ranges of such files.
  row("gzip_static", "always", file("/a.html"), { ignored: /Accept-Ranges[^\n]*\n/g }),
  row("internal", "", file("/a.html")),
  row("merge_slashes", "off", shown("$uri", "//a.html")),
];

const answers: readonly Row[] = [
  row("error_page", "404 /a.html", file("/missing")),
  row("recursive_error_pages", "on", within(file("/missing"), "error_page 404 /missing2;")),
  row("absolute_redirect", "off", file("/list")),
  row("server_name_in_redirect", "on", file("/list", {}, "server_name named.test;")),
  row("port_in_redirect", "off", file("/list")),
  row("msie_padding", "off", file("/missing", msie)),
  row("msie_refresh", "on", within(file("/missing", msie), "error_page 404 http://x.test/y;")),
  row("server_tokens", "off", file("/missing")),
  row("chunked_transfer_encoding", "off", proxied("/chunked")),
  row("expires", "1h", file("/a.html")),
  row("add_header", "X-A b", file("/a.html")),
  row("add_header", "X-A b always", file("/missing")),
  row("add_trailer", "X-A b", proxied("/chunked")),
  row("charset", "utf-8", file("/a.html")),
  row("source_charset", "cb", within(file("/a.html"), "charset ca;"), { ignored: /Accept-Ranges[^\n]*\n/g }),
  row("override_charset", "on", within(proxied("/fields"), "charset ca;")),
  row("charset_types", "text/css", within(file("/a.css"), "charset ca;")),
  row("gzip", "on", within(file("/a.html", zipping), "gzip_min_length 1;")),
  row("gzip_types", "text/plain", within(file("/a.txt", zipping), "gzip on; gzip_min_length 1;")),
  row("gzip_min_length", "10000", within(file("/long.html", zipping), "gzip on;")),
  row("gzip_vary", "on", within(file("/long.html", zipping), "gzip on;")),
  row("gzip_http_version", "1.0", within(file("/long.html", { ...zipping, version: "1.0" }), "gzip on;")),
  row(
    "gzip_proxied",
    "any",
    within(file("/long.html", { fields: { ...zipping.fields, Via: "1.1 x" } }), "gzip on;"),
  ),
  row("gzip_disable", "msie6", within(file("/long.html", msie), "gzip on;")),
  row("gzip_disable", "Windows", within(file("/long.html", msie), "gzip on;")),
  row("gunzip", "on", proxied("/zipped")),
  row("sub_filter", "abc xyz", file("/a.html")),
  row("sub_filter_types", "text/plain", within(file("/a.txt"), "sub_filter abc xyz;")),
  row("sub_filter_once", "off", within(file("/a.html"), "sub_filter abc xyz;")),
  row("sub_filter_last_modified", "on", within(file("/a.html"), "sub_filter abc xyz;")),
  row("add_before_body", "/added", file("/a.html", {}, 'location = /added { return 200 "added"; }')),
  row("add_after_body", "/added", file("/a.html", {}, 'location = /added { return 200 "added"; }')),
  row(
    "addition_types",
    "text/plain",
    within(file("/a.txt", {}, 'location = /added { return 200 "added"; }'), "add_after_body /added;"),
  ),
];

const clients: readonly Row[] = [
  row("keepalive_timeout", "0", file("/a.html", keep)),
  row("keepalive_timeout", "75 33", file("/a.html", keep)),
  row("keepalive_requests", "1", file("/a.html", keep)),
  row("keepalive_disable", "safari", file("/a.html", mac)),
  row("client_max_body_size", "1", proxied("/echo", upload)),
  row("client_body_in_file_only", "clean", within(proxied("/echo", upload), "add_header X-File $body_file;")),
  row(
    "client_body_temp_path",
    "FILES/bodies",
    within(proxied("/echo", upload), "client_body_in_file_only clean; add_header X-File $body_file;"),
  ),
  row(
    "client_body_buffer_size",
    "1k",
    within(proxied("/echo", { method: "POST", body: "x".repeat(3000) }), "add_header X-Body $request_body;"),
  ),
  row(
    "client_body_timeout",
    "100ms",
    raw("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", "proxy_pass http://BACKEND;"),
  ),
  row("client_header_timeout", "100ms", raw("GET / HTTP/1.1\r\nHost: a\r\n")),
  row("large_client_header_buffers", "1 512", file("/a.html", { fields: { "X-Long": "x".repeat(1000) } }), {
    beside: "client_header_buffer_size 256;",
  }),
  row("ignore_invalid_headers", "off", proxied("/echo", { fields: { "X.A": "b" } })),
  row("underscores_in_headers", "on", shown("$http_x_a", "/a.html", { fields: { X_A: "b" } })),
  row(
    "satisfy",
    "any",
    within(file("/a.html", basic), "deny all; auth_basic r; auth_basic_user_file FILES/users;"),
  ),
  row("allow", "127.0.0.1", file("/a.html"), { beside: "deny all;" }),
  row("deny", "all", file("/a.html")),
  row("auth_basic", "realm", within(file("/a.html"), "auth_basic_user_file FILES/users;")),
  row("auth_basic_user_file", "FILES/users", within(file("/a.html"), "auth_basic r;")),
  row("auth_request", "/auth", file("/a.html", {}, "location = /auth { return 403; }")),
  row("auth_request_set", "$answer $upstream_http_x_one", {
    ...within(shown("$answer"), "auth_request /auth;"),
    server: "location = /auth { proxy_pass http://BACKEND/fields; }",
  }),
  row(
    "set_real_ip_from",
    "127.0.0.1",
    shown("$remote_addr", "/a.html", { fields: { "X-Real-IP": "1.2.3.4" } }),
  ),
  row(
    "real_ip_header",
    "X-Mine",
    within(
      shown("$remote_addr", "/a.html", { fields: { "X-Mine": "1.2.3.4" } }),
      "set_real_ip_from 127.0.0.1;",
    ),
  ),
  row(
    "real_ip_recursive",
    "on",
    within(
      shown("$remote_addr", "/a.html", { fields: { "X-Forwarded-For": "1.2.3.4, 127.0.0.1" } }),
      "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;",
    ),
  ),
  row(
    "valid_referers",
    "page.test",
    shown("$invalid_referer", "/a.html", { fields: { Referer: "http://other.test/" } }),
  ),
  // nginx loses those of the http block: it makes them ready where a level has its own only.
  row("modern_browser", "msie 5.5", shown("$modern_browser", "/a.html", msie), { better: "http" }),
  row(
    "modern_browser_value",
    "new",
    within(shown("$modern_browser", "/a.html", msie), "modern_browser msie 5.5;"),
  ),
  row(
    "ancient_browser",
    "Windows",
    within(shown("$ancient_browser", "/a.html", msie), "modern_browser unlisted;"),
  ),
  row(
    "ancient_browser_value",
    "old",
    within(shown("$ancient_browser", "/a.html", msie), "ancient_browser Windows;"),
  ),
  row(
    "secure_link",
    "$arg_md5",
    within(shown("$secure_link", "/a.html?md5=DMF1ucDxtqgxw5niaXcmYQ"), "secure_link_md5 a;"),
  ),
  row(
    "secure_link_md5",
    "a",
    within(shown("$secure_link", "/a.html?md5=DMF1ucDxtqgxw5niaXcmYQ"), "secure_link $arg_md5;"),
  ),
  row("secure_link_secret", "s", shown("$secure_link", "/p/807765384d9d5527da8848df14a4f02f/link")),
  row("userid", "on", file("/a.html")),
  row("userid_name", "named", within(file("/a.html"), "userid on;")),
  row("userid_domain", "one.test", within(file("/a.html"), "userid on;")),
  row("userid_path", "/one", within(file("/a.html"), "userid on;")),
  row("userid_expires", "max", within(file("/a.html"), "userid on;")),
  row("userid_flags", "secure", within(file("/a.html"), "userid on;")),
  row("userid_p3p", "one", within(file("/a.html"), "userid on;")),
  row("userid_service", "77", within(shown("$uid_set"), "userid on;")),
  row(
    "userid_mark",
    "m",
    within(file("/a.html", { fields: { Cookie: "uid=fwAAAWccAAABAAAAAwMDAg==" } }), "userid on;"),
  ),
  row("limit_req", "zone=requests", file("/a.html", keep)),
  row("limit_req_status", "429", within(file("/a.html", keep), "limit_req zone=requests;")),
  row("limit_req_dry_run", "on", within(file("/a.html", keep), "limit_req zone=requests;")),
  row(
    "limit_req_log_level",
    "warn",
    logged(
      within(file("/a.html", keep), `limit_req zone=requests; ${errorLog}`),
      /\[\w+\].*limiting requests/,
    ),
  ),
  row("limit_conn", "connections 1", meanwhile()),
  row("limit_conn_status", "429", meanwhile("limit_conn connections 1;")),
  row("limit_conn_dry_run", "on", meanwhile("limit_conn connections 1;")),
  row(
    "limit_conn_log_level",
    "warn",
    logged(meanwhile(`limit_conn connections 1; ${errorLog}`), /\[\w+\].*limiting connections/),
  ),
];

const logs: readonly Row[] = [
  row("access_log", "LOG seen", logged(file("/a.html"), /.*/)),
  row("error_log", "LOG info", logged(file("/missing"), /\[error\] .*failed/)),
  row(
    "log_subrequest",
    "on",
    logged(
      within(
        file("/a.html", {}, "location = /added { access_log LOG seen; log_subrequest on; return 200; }"),
        "access_log LOG seen; add_after_body /a.txt;",
      ),
      /.*/,
    ),
  ),
  row(
    "rewrite_log",
    "on",
    logged(
      within(file("/a.html"), `rewrite ^/a /b.html break; ${errorLog}`),
      /\[notice\] .*(matches|rewritten)/,
    ),
  ),
  row(
    "uninitialized_variable_warn",
    "off",
    logged(
      within(shown("$never"), `if ($arg_x) { set $never 1; } ${errorLog}`),
      /using uninitialized "never" variable/,
    ),
  ),
  row("mirror", "/mirrored", mirrored("")),
  row("mirror_request_body", "off", mirrored("mirror /mirrored;")),
];

/** The copy is logged where it goes to. */
function mirrored(content: string): Observer {
  const server = "location = /mirrored { internal; log_subrequest on; access_log LOG copies; return 200; }";
  return logged(within(proxied("/echo", upload, server), content), /.*/);
}

const steps: readonly Row[] = [
  row("return", "201 made", file("/a.html")),
  row("rewrite", "^/a /b.html break", file("/a.html")),
  row("set", "$mine 1", returned("$mine")),
  row("set", "$mine 1", shown("$mine")),
];

const proxying: readonly Row[] = [
  row("proxy_pass", "http://BACKEND", file("/echo")),
  row("proxy_redirect", "http://one.test/ http://other.test/", proxied("/redirect")),
  row("proxy_http_version", "1.0", proxied("/version"), { otherDefault: true }),
  row("proxy_method", "PUT", proxied("/echo")),
  row("proxy_bind", "127.0.0.9", proxied("/echo")),
  row("proxy_set_header", "X-A b", proxied("/echo")),
  row("proxy_pass_request_headers", "off", proxied("/echo", { fields: { "X-A": "b" } })),
  row("proxy_hide_header", "X-One", proxied("/fields")),
  row("proxy_pass_header", "Server", proxied("/fields")),
  row("proxy_buffer_size", "1k", proxied("/big")),
  row(
    "proxy_ignore_headers",
    "X-Accel-Redirect",
    proxied("/accel", {}, "location = /a.html { root FILES; }"),
  ),
  row("proxy_cookie_domain", "one.test other.test", proxied("/fields")),
  row("proxy_cookie_path", "/one/ /other/", proxied("/fields")),
  row("proxy_cookie_flags", "one secure", proxied("/fields")),
  row("proxy_set_body", "mine", proxied("/echo", upload)),
  row("proxy_force_ranges", "on", proxied("/fields", { fields: { Range: "bytes=0-1" } })),
  row("proxy_read_timeout", "100ms", proxied("/slow")),
  row("proxy_next_upstream", "http_500", balanced("/fail")),
  row("proxy_next_upstream_tries", "1", within(balanced("/fail"), "proxy_next_upstream http_500;")),
  row(
    "proxy_intercept_errors",
    "on",
    within(proxied("/fail", {}, "location = /a.html { root FILES; }"), "error_page 500 /a.html;"),
  ),
  row(
    "resolver",
    "127.0.0.1:1",
    within(
      logged(
        { ...proxied("/echo"), content: "resolver_timeout 50ms; proxy_pass http://nobody.test$uri;" },
        /no resolver defined|could not be resolved/,
      ),
      errorLog,
    ),
  ),
  row("proxy_ssl_protocols", "TLSv1.2", secured(""), { otherDefault: true }),
  row(
    "proxy_ssl_ciphers",
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
    secured("proxy_ssl_protocols TLSv1.2;"),
  ),
  row("proxy_ssl_name", "named.test", secured("proxy_ssl_protocols TLSv1.2; proxy_ssl_server_name on;")),
  row("proxy_ssl_server_name", "on", secured("proxy_ssl_protocols TLSv1.2; proxy_ssl_name named.test;")),
  row(
    "proxy_ssl_verify",
    "on",
    secured("proxy_ssl_protocols TLSv1.2; proxy_ssl_trusted_certificate CERTS/clients-ca.crt;"),
  ),
  row("proxy_ssl_trusted_certificate", "CERTS/clients-ca.crt", secured(), { beside: "proxy_ssl_verify on;" }),
  row("proxy_ssl_conf_command", "MaxProtocol TLSv1.2", secured("proxy_ssl_protocols TLSv1.2 TLSv1.3;")),
  row(
    "proxy_ssl_verify_depth",
    "0",
    secured(
      "proxy_ssl_protocols TLSv1.2; proxy_ssl_verify on; proxy_ssl_trusted_certificate CERTS/servers-ca.crt; proxy_ssl_name one.example;",
    ),
  ),
  row("proxy_ssl_certificate", "CERTS/client-plain.crt", secured(), {
    beside: "proxy_ssl_certificate_key CERTS/client-plain.key;",
  }),
  row("proxy_ssl_certificate_key", "CERTS/client-plain.key", secured(), {
    beside: "proxy_ssl_certificate CERTS/client-plain.crt;",
  }),
  row("proxy_ssl_password_file", "FILES/passwords", secured(), {
    beside:
      "proxy_ssl_certificate CERTS/localhost.crt; proxy_ssl_certificate_key CERTS/localhost.encrypted.key;",
  }),
];

const secure = { tls: true } as const;
const certified = (name: string): string =>
  `ssl_certificate CERTS/${name}.crt; ssl_certificate_key CERTS/${name}.key;`;
const verified = "add_header X-Verify $ssl_client_verify;";

const clientTls: readonly Row[] = [
  row("ssl_certificate", "CERTS/a.example.crt", handshake(), {
    ...secure,
    beside: "ssl_certificate_key CERTS/a.example.key;",
  }),
  row("ssl_certificate_key", "CERTS/a.example.key", handshake(), {
    ...secure,
    beside: "ssl_certificate CERTS/a.example.crt;",
  }),
  row("ssl_password_file", "FILES/passwords", handshake(), {
    ...secure,
    beside: "ssl_certificate CERTS/localhost.crt; ssl_certificate_key CERTS/localhost.encrypted.key;",
    starts: true,
  }),
  row("ssl_protocols", "TLSv1.2", handshake({ maxVersion: "TLSv1.3" }), {
    ...secure,
    otherDefault: true,
    beside: certified("localhost"),
  }),
  row(
    "ssl_ciphers",
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
    handshake({ maxVersion: "TLSv1.2" }),
    { ...secure, beside: certified("localhost") },
  ),
  row("ssl_verify_client", "optional_no_ca", handshake({ as: "client-plain" }, `root FILES; ${verified}`), {
    ...secure,
    beside: certified("localhost"),
  }),
  row(
    "ssl_client_certificate",
    "CERTS/clients-ca.crt",
    handshake({ as: "client-plain" }, `root FILES; ${verified}`),
    { ...secure, beside: `${certified("localhost")} ssl_verify_client optional;` },
  ),
  row(
    "ssl_trusted_certificate",
    "CERTS/clients-ca.crt",
    handshake({ as: "client-plain" }, `root FILES; ${verified}`),
    { ...secure, beside: `${certified("localhost")} ssl_verify_client optional_no_ca;` },
  ),
  row("ssl_crl", "CERTS/clients.crl", handshake({ as: "client-revoked" }, `root FILES; ${verified}`), {
    ...secure,
    beside: `${certified("localhost")} ssl_verify_client optional; ssl_client_certificate CERTS/clients-ca.crt;`,
  }),
  row(
    "ssl_prefer_server_ciphers",
    "on",
    handshake({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384" }),
    {
      ...secure,
      beside: `${certified("localhost")} ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;`,
    },
  ),
  row("ssl_conf_command", "MaxProtocol TLSv1.2", handshake({ maxVersion: "TLSv1.3" }), {
    ...secure,
    otherDefault: true,
    beside: `${certified("localhost")} ssl_protocols TLSv1.2 TLSv1.3;`,
  }),
  row("ssl_reject_handshake", "on", handshake(), { ...secure, beside: certified("localhost") }),
];

/** Directives that nginx 1.22 does not know. */
const ofMainline: readonly Row[] = [
  row("max_headers", "2", file("/a.html", { fields: { "X-A": "1", "X-B": "1", "X-C": "1" } }), {
    mainline: /^HTTP\/1.1 400 /,
  }),
  row("early_hints", "1", proxied("/hints"), { mainline: /103 Early Hints/ }),
  row(
    "proxy_pass_trailers",
    "on",
    within(
      proxied("/trailers", { fields: { TE: "trailers" } }),
      "proxy_http_version 1.1; proxy_set_header TE trailers; proxy_set_header Connection te;",
    ),
    { mainline: /X-T: 1/ },
  ),
  row("add_header_inherit", "merge", within(file("/a.html"), "add_header X-Inner 1;"), {
    mainline: /(X-Inner: 1\r\nX-Outer: 1|X-Outer: 1\r\nX-Inner: 1)/,
    beside: "add_header X-Outer 1;",
  }),
  row("add_trailer_inherit", "merge", within(proxied("/chunked"), "add_trailer X-Inner 1;"), {
    mainline: /(X-Inner: 1\r\nX-Outer: 1|X-Outer: 1\r\nX-Inner: 1)/,
    beside: "add_trailer X-Outer 1;",
  }),
];

export const rows: readonly Row[] = [
  ...files,
  ...answers,
  ...clients,
  ...logs,
  ...steps,
  ...proxying,
  ...clientTls,
  ...ofMainline,
];

/** What the `http` block has beside. */
export const prelude = `
  access_log off;
  log_format seen "$request_method $uri $status";
  log_format copies "$request_method $uri $status $request_body";
  map $request_body_file $body_file { "" none; ~FILES/bodies one; default file; }
  limit_req_zone $server_addr zone=requests:1m rate=1r/m;
  limit_conn_zone $server_addr zone=connections:1m;
  charset_map cb ca { 61 62; }
  upstream two { server BACKEND max_fails=0; server SECOND backup; }
`;
