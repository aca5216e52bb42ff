/**
 * Two values for each directive, neither of them its default: its arguments, or whole statements where the
 * directive does not stand for itself. `CERTS` stands for the directory of the tests' certificates.
 */
export type Samples = Readonly<Record<string, readonly [one: string, other: string]>>;

const flags = (names: string, usual: "on" | "off"): Samples => {
  const other = usual === "on" ? "off" : "on";
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, [other, usual]]));
};

const each = (names: string, one: string, other: string): Samples =>
  Object.fromEntries(names.split(/\s+/).map((name) => [name, [one, other]]));

const ofTheProcess: Samples = {
  daemon: ["off", "on"],
  worker_processes: ["2", "3"],
  pid: ["logs/a.pid", "logs/b.pid"],
  user: ["root", "nobody"],
  load_module: ["modules/ngx_stream_module.so", "modules/ngx_mail_module.so"],
  worker_shutdown_timeout: ["5s", "6s"],
  worker_rlimit_core: ["1m", "2m"],
  worker_rlimit_nofile: ["9000", "9001"],
  worker_connections: ["600", "601"],
  error_log: ["logs/one.log warn", "logs/other.log info"],
};

/** Blocks that hold what the test itself places, and what stands in them. */
const blocks: Samples = {
  events: ["events { }", "events { }"],
  http: ["http { }", "http { }"],
  server: ["server { listen 9001; }", "server { listen 9002; }"],
  location: ["location /a/b/new { }", "location /a/b/other { }"],
  limit_except: ["limit_except POST { }", "limit_except PUT { }"],
  if: ["if ($arg_one) { }", "if ($arg_other) { }"],
  types: ["types { a/b one; }", "types { c/d other; }"],
  map: ["map $uri $one { default 1; }", "map $uri $other { default 1; }"],
  geo: ["geo $one { default 1; }", "geo $other { default 1; }"],
  split_clients: ["split_clients $uri $one { * 1; }", "split_clients $uri $other { * 1; }"],
  upstream: ["upstream one { server 127.0.0.1:1; }", "upstream other { server 127.0.0.1:2; }"],
  match: ["match one { status 200; }", "match other { status 201; }"],
  charset_map: ["charset_map one utf-8 { 80 20AC; }", "charset_map other utf-8 { 80 20AC; }"],
};

const ofTheHttpBlock: Samples = {
  client_body_memory: ["1m", "2m"],
  log_format: ["one $uri", "other $uri"],
  websocket_limit_zone: ["$uri zone=one:64k messages=1/s", "$uri zone=other:64k bytes=1k/s"],
  limit_req_zone: ["$uri zone=one:64k rate=1r/s", "$uri zone=other:64k rate=1r/s"],
  limit_conn_zone: ["$uri zone=one:64k", "$uri zone=other:64k"],
  ...each("map_hash_max_size map_hash_bucket_size", "1000", "1001"),
};

/** In an upstream the first of its kind stands for itself. */
const ofUpstreams: Samples = {
  "server in upstream": ["127.0.0.1:2", "127.0.0.1:3 weight=2"],
  "keepalive_requests in upstream": [
    "keepalive 2; keepalive_requests 10;",
    "keepalive 2; keepalive_requests 11;",
  ],
  "keepalive_time in upstream": ["keepalive 2; keepalive_time 1m;", "keepalive 2; keepalive_time 2m;"],
  "keepalive_timeout in upstream": [
    "keepalive 2; keepalive_timeout 1m;",
    "keepalive 2; keepalive_timeout 2m;",
  ],
  hash: ["$uri", "$args consistent"],
  ip_hash: ["", ""],
  least_conn: ["", ""],
  least_time: ["header", "last_byte"],
  random: ["", "two least_conn"],
  keepalive: ["2", "3"],
  zone: ["one 64k", "other 64k"],
  sticky: ["cookie one", "route $arg_r"],
};

const ofServers: Samples = {
  listen: ["9001", "9002"],
  server_name: ["one.test", "other.test"],
  ...each("client_header_timeout", "5s", "6s"),
  ...each("client_header_buffer_size", "2k", "3k"),
  large_client_header_buffers: ["2 8k", "3 9k"],
  max_headers: ["10", "11"],
  ...flags("ignore_invalid_headers merge_slashes", "on"),
  ...flags("underscores_in_headers", "off"),
  ssl_certificate: [
    "ssl_certificate CERTS/localhost.crt; ssl_certificate_key CERTS/localhost.key;",
    "ssl_certificate CERTS/a.example.crt; ssl_certificate_key CERTS/a.example.key;",
  ],
  ssl_certificate_key: ["one.key", "other.key"],
  ssl_certificate_cache: ["max=4", "off"],
  ssl_password_file: ["CERTS/localhost.crt", "CERTS/a.example.crt"],
  ssl_protocols: ["TLSv1.2", "TLSv1.3"],
  ssl_ciphers: ["AES128-SHA", "AES256-SHA"],
  ...flags("ssl_prefer_server_ciphers ssl_reject_handshake ssl_stapling http2", "off"),
  ...flags("ssl_session_tickets", "on"),
  ssl_ecdh_curve: ["prime256v1", "secp384r1"],
  ssl_session_timeout: ["1m", "2m"],
  ssl_session_cache: ["shared:one:1m", "builtin"],
  ssl_verify_client: ["optional_no_ca", "optional"],
  ssl_verify_depth: ["2", "3"],
  ...each(
    "ssl_dhparam ssl_session_ticket_key ssl_client_certificate ssl_trusted_certificate ssl_crl",
    "one",
    "other",
  ),
  ssl_conf_command: ["Options PrioritizeChaCha", "Options -SessionTicket"],
  http2_max_concurrent_streams: ["10", "11"],
  http2_body_preread_size: ["32k", "16k"],
  http2_chunk_size: ["4k", "2k"],
  http2_recv_buffer_size: ["64k", "32k"],
  http2_pool_size: ["128", "256"],
  http2_streams_index_size: ["16", "64"],
};

const files: Samples = {
  root: ["/one", "other/$host"],
  alias: ["/one/", "/other/"],
  default_type: ["one/type", "other/type"],
  ...flags("etag log_not_found", "on"),
  if_modified_since: ["before", "off"],
  max_ranges: ["1", "2"],
  index: ["one.html", "other.html third.html"],
  try_files: ["/one =404", "/other =403"],
  ...flags("autoindex autoindex_localtime random_index", "off"),
  ...flags("autoindex_exact_size", "on"),
  autoindex_format: ["json", "xml"],
  ...each("open_log_file_cache", "max=10", "max=11"),
  disable_symlinks: ["on", "if_not_owner"],
  empty_gif: ["", ""],
  stub_status: ["", ""],
  internal: ["", ""],
};

const connections: Samples = {
  client_max_body_size: ["2m", "3m"],
  client_body_buffer_size: ["2k", "3k"],
  client_body_temp_path: ["one 1", "other 2"],
  client_body_in_file_only: ["on", "clean"],
  ...each("client_body_timeout send_timeout lingering_time lingering_timeout", "3s", "4s"),
  keepalive_timeout: ["10s 20s", "30s"],
  ...each("keepalive_min_timeout keepalive_time auth_delay", "3s", "4s"),
  keepalive_requests: ["10", "11"],
  lingering_close: ["always", "off"],
  ...flags("reset_timedout_connection", "off"),
  http2_extended_connect: ["on", "off"],
  accept_extended_connect: ["on", "off"],
  websocket: ["on", "off"],
  websocket_origin: ["same", "none one.test"],
  websocket_limit: ["zone=messages", "zone=messages burst=5"],
  websocket_failover: ["on", "on=lost tries=2"],
  websocket_rebalance: ["on", "rate=2/s by=close"],
  websocket_drain: ["10s", "20s code=1001"],
  websocket_close: ["off", "on"],
  websocket_check: ["on", "off"],
  websocket_ping: ["25s", "30s to=both timeout=5s"],
  websocket_idle_timeout: ["1h", "2h"],
  websocket_max_age: ["1h", "2h code=4000 jitter=1m"],
  websocket_max_message_size: ["64k", "128k from=client"],
  websocket_limit_rate: ["messages=10/s", "bytes=64k/s burst=3 from=both action=close"],
  websocket_log: ["logs/one.log", "logs/other.log websocket_json"],
  keepalive_disable: ["safari", "none"],
  limit_rate: ["10k", "$arg_rate"],
  limit_rate_after: ["10k", "$arg_after"],
};

const answers: Samples = {
  early_hints: ["$arg_one", "$arg_other"],
  error_page: ["404 /one", "500 /other"],
  ...flags("recursive_error_pages server_name_in_redirect msie_refresh log_subrequest", "off"),
  ...flags("absolute_redirect port_in_redirect msie_padding chunked_transfer_encoding", "on"),
  server_tokens: ["off", "build"],
  satisfy: ["any", "all"],
  resolver: ["127.0.0.1", "127.0.0.2 valid=1s"],
  resolver_timeout: ["3s", "4s"],
  access_log: ["logs/one.log", "off"],
  expires: ["1h", "modified +1h"],
  add_header: ["X-One 1", "X-Other 1 always"],
  add_trailer: ["X-One 1", "X-Other 1 always"],
  ...each("add_header_inherit add_trailer_inherit", "merge", "off"),
  userid: ["on", "v1"],
  userid_service: ["1", "2"],
  userid_name: ["one", "other"],
  userid_domain: ["one.test", "other.test"],
  userid_path: ["/one", "/other"],
  userid_expires: ["1h", "max"],
  userid_flags: ["secure", "httponly"],
  userid_p3p: ["one", "other"],
  userid_mark: ["a", "b"],
  charset: ["utf-8", "koi8-r"],
  source_charset: ["utf-8", "koi8-r"],
  ...flags("override_charset", "off"),
  charset_types: ["one/type", "other/type"],
};

const filters: Samples = {
  ...flags("gzip gzip_vary gzip_no_buffer gunzip sub_filter_last_modified", "off"),
  ...flags("sub_filter_once", "on"),
  gzip_types: ["one/type", "*"],
  gzip_comp_level: ["5", "6"],
  gzip_min_length: ["100", "200"],
  gzip_window: ["1k", "2k"],
  gzip_hash: ["1k", "2k"],
  ...each("gzip_buffers gunzip_buffers", "8 8k", "9 8k"),
  postpone_gzipping: ["1k", "2k"],
  gzip_http_version: ["1.0", "1.1"],
  gzip_proxied: ["any", "expired auth"],
  gzip_disable: ["one msie6", "other"],
  gzip_static: ["on", "always"],
  sub_filter: ["one 1", "other 1"],
  sub_filter_types: ["one/type", "*"],
  ...each("add_before_body add_after_body", "/one", "/other"),
  addition_types: ["one/type", "*"],
};

const access: Samples = {
  allow: ["127.0.0.1", "127.0.0.2"],
  deny: ["127.0.0.1", "all"],
  auth_basic: ["one", "other"],
  auth_basic_user_file: ["one", "$arg_other"],
  auth_request: ["/one", "/other"],
  auth_request_set: ["$one $uri", "$other $uri"],
  set_real_ip_from: ["127.0.0.1", "unix:"],
  real_ip_header: ["X-One", "proxy_protocol"],
  ...flags("real_ip_recursive", "off"),
  valid_referers: ["none one.test", "other.test"],
  ...each("referer_hash_max_size referer_hash_bucket_size", "1000", "1001"),
  modern_browser: ["msie 5.5", "unlisted"],
  ancient_browser: ["Lynx", "netscape4"],
  modern_browser_value: ["one", "other"],
  ancient_browser_value: ["one", "other"],
  secure_link: ["$arg_one", "$arg_other"],
  secure_link_md5: ["$arg_one", "$arg_other"],
  secure_link_secret: ["one", "other"],
  limit_req: ["zone=requests", "zone=requests burst=5"],
  limit_conn: ["connections 1", "connections 2"],
  ...each("limit_req_log_level limit_conn_log_level", "warn", "info"),
  ...each("limit_req_status limit_conn_status", "429", "444"),
  ...flags("limit_req_dry_run limit_conn_dry_run", "off"),
  mirror: ["/one", "off"],
  ...flags("mirror_request_body", "on"),
  rewrite: ["^/one /1", "^/other /2"],
  return: ["201", "202"],
  break: ["", ""],
  set: ["$one 1", "$other 1"],
  ...flags("rewrite_log", "off"),
  ...flags("uninitialized_variable_warn", "on"),
};

const proxying: Samples = {
  proxy_pass: ["http://up", "http://127.0.0.1:2"],
  health_check: ["proxy_pass http://up; health_check;", "proxy_pass http://up; health_check fails=2;"],
  proxy_redirect: ["one other", "off"],
  proxy_http_version: ["1.0", "1.1"],
  proxy_method: ["PUT", "$arg_method"],
  proxy_bind: ["127.0.0.1", "off"],
  ...flags(
    `proxy_socket_keepalive proxy_pass_trailers proxy_force_ranges proxy_intercept_errors
     proxy_ignore_client_abort proxy_ssl_server_name proxy_ssl_verify`,
    "off",
  ),
  ...flags(
    `proxy_pass_request_headers proxy_pass_request_body proxy_request_buffering proxy_buffering
     proxy_ssl_session_reuse`,
    "on",
  ),
  proxy_set_header: ["X-One 1", "X-Other 1"],
  ...each("proxy_hide_header proxy_pass_header", "X-One", "Server"),
  proxy_buffer_size: ["2k", "3k"],
  proxy_ignore_headers: ["X-Accel-Redirect", "Expires Vary"],
  proxy_cookie_domain: ["one.test other.test", "off"],
  proxy_cookie_path: ["/one /other", "off"],
  proxy_cookie_flags: ["one secure", "off"],
  proxy_set_body: ["one", "$arg_other"],
  proxy_limit_rate: ["10k", "$arg_rate"],
  proxy_buffers: ["4 8k", "6 8k"],
  proxy_busy_buffers_size: ["9k", "10k"],
  ...each("proxy_connect_timeout proxy_send_timeout proxy_read_timeout", "3s", "4s"),
  proxy_next_upstream: ["http_502", "off"],
  proxy_next_upstream_tries: ["1", "2"],
  proxy_next_upstream_timeout: ["3s", "4s"],
  proxy_ssl_protocols: ["TLSv1.2", "TLSv1.3"],
  proxy_ssl_ciphers: ["AES128-SHA", "AES256-SHA"],
  proxy_ssl_name: ["one.test", "$arg_other"],
  proxy_ssl_verify_depth: ["2", "3"],
  ...each("proxy_ssl_trusted_certificate proxy_ssl_crl proxy_ssl_certificate_key", "one", "other"),
  proxy_ssl_certificate: ["one", "$arg_other"],
  proxy_ssl_certificate_cache: ["max=4", "off"],
  proxy_ssl_password_file: ["CERTS/localhost.crt", "CERTS/a.example.crt"],
  proxy_ssl_conf_command: ["Options PrioritizeChaCha", "Options -SessionTicket"],
};

const passingCalls: Samples = {
  grpc_pass: ["grpc://127.0.0.1:1", "127.0.0.1:2"],
  grpc_bind: ["127.0.0.1", "off"],
  ...flags("grpc_socket_keepalive grpc_intercept_errors grpc_ssl_server_name grpc_ssl_verify", "off"),
  ...flags("grpc_ssl_session_reuse", "on"),
  grpc_set_header: ["X-One 1", "X-Other 1"],
  ...each("grpc_hide_header grpc_pass_header", "X-One", "Server"),
  grpc_buffer_size: ["2k", "3k"],
  grpc_ignore_headers: ["X-Accel-Redirect", "Expires Vary"],
  ...each("grpc_connect_timeout grpc_send_timeout grpc_read_timeout", "3s", "4s"),
  grpc_next_upstream: ["http_502", "off"],
  grpc_next_upstream_tries: ["1", "2"],
  grpc_next_upstream_timeout: ["3s", "4s"],
  grpc_ssl_protocols: ["TLSv1.2", "TLSv1.3"],
  grpc_ssl_ciphers: ["AES128-SHA", "AES256-SHA"],
  grpc_ssl_name: ["one.test", "$arg_other"],
  grpc_ssl_verify_depth: ["2", "3"],
  ...each("grpc_ssl_trusted_certificate grpc_ssl_crl grpc_ssl_certificate_key", "one", "other"),
  grpc_ssl_certificate: ["one", "$arg_other"],
  grpc_ssl_certificate_cache: ["max=4", "off"],
  grpc_ssl_password_file: ["CERTS/localhost.crt", "CERTS/a.example.crt"],
  grpc_ssl_conf_command: ["Options PrioritizeChaCha", "Options -SessionTicket"],
};

/** What the modules for applications have in common, by what their directives begin with. */
const applications = (prefix: string): Samples => {
  const named = (words: string): string =>
    words
      .split(/\s+/)
      .map((word) => `${prefix}${word}`)
      .join(" ");
  return {
    [`${prefix}pass`]: ["up", "127.0.0.1:2"],
    [`${prefix}param`]: ["ONE 1", "OTHER $arg_other if_not_empty"],
    [`${prefix}bind`]: ["127.0.0.1", "off"],
    ...flags(named("socket_keepalive force_ranges intercept_errors ignore_client_abort"), "off"),
    ...flags(named("pass_request_headers pass_request_body request_buffering buffering"), "on"),
    ...each(named("hide_header pass_header"), "X-One", "Server"),
    [`${prefix}buffer_size`]: ["2k", "3k"],
    [`${prefix}ignore_headers`]: ["X-Accel-Redirect", "Expires Vary"],
    [`${prefix}limit_rate`]: ["10k", "$arg_rate"],
    [`${prefix}buffers`]: ["4 8k", "6 8k"],
    [`${prefix}busy_buffers_size`]: ["9k", "10k"],
    ...each(named("connect_timeout send_timeout read_timeout"), "3s", "4s"),
    [`${prefix}next_upstream`]: ["http_503", "off"],
    [`${prefix}next_upstream_tries`]: ["1", "2"],
    [`${prefix}next_upstream_timeout`]: ["3s", "4s"],
  };
};

const fastcgi: Samples = {
  ...applications("fastcgi_"),
  fastcgi_index: ["index.php", "other.php"],
  fastcgi_split_path_info: ["^(.+?\\.php)(/.*)$", "^(.*)()$"],
  fastcgi_catch_stderr: ["one", "other"],
  ...flags("fastcgi_keep_conn", "off"),
};

/** Those of `proxy_ssl_*`, under another name. */
const securedBy = (prefix: string): Samples =>
  Object.fromEntries(
    Object.entries(proxying)
      .filter(([name]) => name.startsWith("proxy_ssl_"))
      .map(([name, values]) => [name.replace("proxy_", prefix), values]),
  );

const uwsgi: Samples = {
  ...applications("uwsgi_"),
  ...securedBy("uwsgi_"),
  ...each("uwsgi_modifier1 uwsgi_modifier2", "1", "255"),
  uwsgi_string: ["one", "$arg_other"],
};

/** By the name of the directive. */
export const samples: Samples = {
  ...ofTheProcess,
  ...blocks,
  ...ofTheHttpBlock,
  ...ofUpstreams,
  ...ofServers,
  ...files,
  ...connections,
  ...answers,
  ...filters,
  ...access,
  ...proxying,
  ...passingCalls,
  ...fastcgi,
  ...applications("scgi_"),
  ...uwsgi,
};

/** The statement for a directive with one of its samples. */
export function statementOf(name: string, sample: string): string {
  return /[;}]$/.test(sample) ? sample : `${name} ${sample};`;
}
