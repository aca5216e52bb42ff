/** Directives that are accepted, checked and then ignored, because ignoring them changes no answer. */
interface Group {
  readonly module: string;
  /** Completes the notice `the "x" directive has no effect: …`. */
  readonly reason: string;
  /** Names separated by white space. */
  readonly names: string;
}

const HASH = "tables grow by themselves";
const NO_CACHE = "responses are not cached, every request goes upstream";
const NO_STORE = "answers are passed on and not stored, every request that finds no file goes upstream";
const STREAMED = "answers pass through memory with back-pressure, never through files";
const RUNTIME_IO = "the runtime chooses how bytes are read and written";
const EVENTS = "the runtime chooses how events are waited for";
const STAPLING = "certificate status is not stapled, clients ask the authority";
const NO_QUIC = "QUIC is not spoken, clients use TCP";

const only = (name: string): string => `only "${name}" would use it, and that is not supported`;

/** What has no effect of a protocol of upstream servers that is spoken: `prefix` is "proxy" for `proxy_cache`, … */
const ofPass = (prefix: string): readonly Group[] => {
  const module = `ngx_http_${prefix}_module`;
  const named = (words: string): string =>
    words
      .split(" ")
      .map((word) => `${prefix}_${word}`)
      .join(" ");
  return [
    { module, reason: HASH, names: named("headers_hash_max_size headers_hash_bucket_size") },
    { module, reason: NO_CACHE, names: named("cache cache_* no_cache") },
    {
      module,
      reason: STREAMED,
      names: named("buffers busy_buffers_size temp_path max_temp_file_size temp_file_write_size"),
    },
    { module, reason: NO_STORE, names: named("store store_access") },
    { module, reason: RUNTIME_IO, names: named("socket_rcvbuf socket_sndbuf send_lowat") },
  ];
};

const NO_EFFECT: readonly Group[] = [
  { module: "nginx", reason: "there is one process", names: "master_process" },
  { module: "nginx", reason: "the runtime keeps the time", names: "timer_resolution" },
  { module: "nginx", reason: "accepting needs no lock", names: "lock_file" },
  { module: "nginx", reason: "it is an aid for debugging nginx itself", names: "debug_points" },
  {
    module: "nginx",
    reason: "start the process with that priority, affinity, limit or directory instead",
    names: "worker_priority worker_cpu_affinity working_directory",
  },
  { module: "nginx", reason: "nothing in a configuration reads the environment", names: "env" },
  { module: "ngx_regex", reason: "regular expressions are always compiled", names: "pcre_jit" },
  { module: "ngx_thread_pool", reason: RUNTIME_IO, names: "thread_pool" },
  { module: "ngx_devpoll_module", reason: EVENTS, names: "devpoll_changes devpoll_events" },
  { module: "ngx_epoll_module", reason: EVENTS, names: "epoll_events worker_aio_requests" },
  { module: "ngx_eventport_module", reason: EVENTS, names: "eventport_events" },
  { module: "ngx_iocp_module", reason: EVENTS, names: "iocp_threads post_acceptex acceptex_read" },
  { module: "ngx_kqueue_module", reason: EVENTS, names: "kqueue_changes kqueue_events" },
  {
    module: "ngx_event",
    reason: EVENTS,
    names: "use multi_accept accept_mutex accept_mutex_delay",
  },
  { module: "ngx_event", reason: "there is no debug log for single clients", names: "debug_connection" },
  {
    module: "ngx_event_openssl_cache",
    reason: "a reload reads files anew",
    names: "ssl_object_cache_inheritable",
  },
  { module: "ngx_event_quic_bpf", reason: NO_QUIC, names: "quic_bpf" },
  {
    module: "ngx_google_perftools_module",
    reason: "it profiles nginx itself",
    names: "google_perftools_profiles",
  },

  {
    module: "ngx_http_dav_module",
    reason: only("dav_methods"),
    names: "create_full_put_path min_delete_depth dav_access",
  },
  { module: "ngx_http_degradation_module", reason: only("degradation"), names: "degrade" },
  ...ofPass("fastcgi"),
  { module: "ngx_http_memcached_module", reason: only("memcached_pass"), names: "memcached_*" },
  ...ofPass("scgi"),
  ...ofPass("uwsgi"),
  { module: "ngx_http_tunnel_module", reason: only("tunnel_pass"), names: "tunnel_*" },
  { module: "ngx_http_image_filter_module", reason: only("image_filter"), names: "image_filter_*" },
  { module: "ngx_http_mp4_module", reason: only("mp4"), names: "mp4_*" },
  ...ofPass("proxy"),
  { module: "ngx_http_grpc_module", reason: RUNTIME_IO, names: "grpc_socket_rcvbuf grpc_socket_sndbuf" },
  {
    module: "ngx_http_ssi_filter_module",
    reason: only("ssi on"),
    names: `ssi_silent_errors ssi_ignore_recycled_buffers ssi_min_file_chunk ssi_value_length ssi_types
      ssi_last_modified`,
  },
  {
    module: "ngx_http_ssl_module",
    reason: "the runtime chooses the size of TLS records",
    names: "ssl_buffer_size",
  },
  {
    module: "ngx_http_ssl_module",
    reason: "certificates are sent uncompressed",
    names: "ssl_certificate_compression",
  },
  {
    module: "ngx_http_ssl_module",
    reason: STAPLING,
    names: "ssl_stapling_file ssl_stapling_responder ssl_stapling_verify",
  },
  {
    module: "ngx_http_ssl_module",
    reason: "early data is not offered, clients do a full handshake",
    names: "ssl_early_data",
  },
  { module: "ngx_http_ssl_module", reason: only("ssl_ocsp on"), names: "ssl_ocsp_responder ssl_ocsp_cache" },
  {
    module: "ngx_http_xslt_filter_module",
    reason: only("xslt_stylesheet"),
    names: "xml_entities xml_external_entities xslt_param xslt_string_param xslt_types xslt_last_modified",
  },

  { module: "ngx_http_copy_filter_module", reason: RUNTIME_IO, names: "output_buffers" },
  {
    module: "ngx_http_core_module",
    reason: HASH,
    names: `variables_hash_max_size variables_hash_bucket_size server_names_hash_max_size
      server_names_hash_bucket_size types_hash_max_size types_hash_bucket_size`,
  },
  {
    module: "ngx_http_core_module",
    reason: "memory is the runtime's",
    names: "connection_pool_size request_pool_size subrequest_output_buffer_size",
  },
  {
    module: "ngx_http_core_module",
    reason: "bodies are kept in the pieces that they come in",
    names: "client_body_in_single_buffer client_body_early_read",
  },
  {
    module: "ngx_http_core_module",
    reason: RUNTIME_IO,
    names: `sendfile sendfile_max_chunk aio aio_write read_ahead directio directio_alignment tcp_nopush
      send_lowat postpone_output`,
  },
  { module: "ngx_http_core_module", reason: "it is always on", names: "tcp_nodelay" },
  {
    module: "ngx_http_core_module",
    reason: "files are opened for each request",
    names: `open_file_cache open_file_cache_valid open_file_cache_min_uses open_file_cache_errors
      open_file_cache_events`,
  },
  {
    module: "ngx_http_v3_module",
    reason: NO_QUIC,
    names: `http3 http3_hq http3_max_concurrent_streams http3_stream_buffer_size quic_retry quic_gso
      quic_host_key quic_active_connection_id_limit`,
  },
];

/** Directives that must not be swept up by a pattern above: they decide what is served. */
const EXCEPT = new Set(["memcached_pass", "tunnel_pass"]);

/** Why a directive of a module has no effect; null when it is not one of those. */
export function noEffectReason(module: string, name: string): string | null {
  if (EXCEPT.has(name)) return null;
  const group = NO_EFFECT.find((candidate) => candidate.module === module && covers(candidate, name));
  return group?.reason ?? null;
}

function covers({ names }: Group, name: string): boolean {
  return names
    .split(/\s+/)
    .some((pattern) => (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
}

/** What newer nginx versions say of directives that they still read: the replacement, null if none. */
export const OBSOLETE: ReadonlyMap<string, string | null> = new Map([
  ["http2_max_requests", "keepalive_requests"],
  ["http2_recv_timeout", "client_header_timeout"],
  ["http2_idle_timeout", "keepalive_timeout"],
  ["http2_max_field_size", "large_client_header_buffers"],
  ["http2_max_header_size", "large_client_header_buffers"],
  ["http2_max_concurrent_pushes", null],
  ["http2_push_preload", null],
  ["http2_push", null],
]);

/**
 * Arguments that switch off, or leave at its default, what is not supported: harmless, so they are
 * accepted where anything else is refused.
 */
export const HARMLESS: ReadonlyMap<string, readonly string[]> = new Map([
  ["autoindex", ["off"]],
  ["daemon", ["off"]],
  ["dav_methods", ["off"]],
  ["expires", ["off"]],
  ["fastcgi_cache", ["off"]],
  ["fastcgi_store", ["off"]],
  ["geoip_proxy_recursive", ["off"]],
  ["http3", ["off"]],
  ["image_filter", ["off"]],
  ["proxy_bind", ["off"]],
  ["proxy_cache", ["off"]],
  ["proxy_ignore_client_abort", ["off"]],
  ["proxy_pass_trailers", ["off"]],
  ["proxy_ssl_server_name", ["off"]],
  ["proxy_ssl_verify", ["off"]],
  ["proxy_store", ["off"]],
  ["scgi_cache", ["off"]],
  ["scgi_store", ["off"]],
  ["uwsgi_cache", ["off"]],
  ["uwsgi_store", ["off"]],
  ["slice", ["0"]],
  ["ssi", ["off"]],
  ["ssl_early_data", ["off"]],
  ["ssl_ocsp", ["off"]],
  ["ssl_reject_handshake", ["off"]],
  ["ssl_stapling", ["off"]],
  ["ssl_stapling_verify", ["off"]],
  ["ssl_verify_client", ["off"]],
]);
