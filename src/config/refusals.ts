/** Why whole modules of nginx are refused, so that a message can say more than "not supported". */
const REFUSED: readonly (readonly [pattern: string, reason: string])[] = [
  ["ngx_mail*", "longhaul proxies HTTP and WebSockets, not mail"],
  ["ngx_stream*", "longhaul proxies HTTP and WebSockets, not bare TCP and UDP"],
  ["ngx_http_memcached_module", "upstream servers are spoken to in HTTP"],
  ["ngx_http_tunnel_module", "longhaul is no forward proxy"],
  ["ngx_http_perl_module", "longhaul does not run Perl"],
  ["ngx_http_xslt_filter_module", "documents are not transformed"],
  ["ngx_http_image_filter_module", "images are not transformed"],
  ["ngx_http_geoip_module", "its databases are not published any more; use geo or map"],
  ["ngx_http_ssi_filter_module", "pages are not put together here"],
  ["ngx_http_dav_module", "files are served, not stored"],
  ["ngx_http_flv_module", "video files are served as they are, with ranges"],
  ["ngx_http_mp4_module", "video files are served as they are, with ranges"],
  ["ngx_http_slice_filter_module", "it serves a cache, and responses are not cached"],
];

/** Why single directives are. */
const REFUSED_ALONE: Readonly<Record<string, string>> = {
  client_body_in_file_only: "bodies pass through memory, never through files",
  post_action: "mirror sends a copy of a request elsewhere",
  degradation:
    "no request is refused for want of memory; worker_connections and limit_conn bound what clients can take",
  ssl_engine: "the runtime brings its own cryptography",
  ssl_ech_file: "the runtimes do not know Encrypted Client Hello",
  ssl_ocsp: "certificates of clients are checked against ssl_crl",
};

/** Why a directive is refused; null where there is no more to say than that it is. */
export function refusalReason(module: string, name: string): string | null {
  const alone = REFUSED_ALONE[name];
  if (alone !== undefined) return alone;
  const found = REFUSED.find(([pattern]) =>
    pattern.endsWith("*") ? module.startsWith(pattern.slice(0, -1)) : module === pattern,
  );
  return found?.[1] ?? null;
}
