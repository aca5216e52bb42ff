/**
 * Every directive of nginx mainline 1.31: module by module, in the order in which nginx asks them, with
 * the contexts where it may stand, the number of its arguments and whether it opens a block.
 */
export const DIRECTIVE_TABLE = `
nginx
  daemon | main | flag
  master_process | main | flag
  timer_resolution | main | 1
  pid | main | 1
  lock_file | main | 1
  worker_processes | main | 1
  debug_points | main | 1
  user | main | 1,2
  worker_priority | main | 1
  worker_cpu_affinity | main | 1+
  worker_rlimit_nofile | main | 1
  worker_rlimit_core | main | 1
  worker_shutdown_timeout | main | 1
  working_directory | main | 1
  env | main | 1
  load_module | main | 1
ngx_conf_file
  include | any | 1
ngx_log
  error_log | main | 1+
ngx_regex
  pcre_jit | main | flag
ngx_thread_pool
  thread_pool | main | 2,3
ngx_devpoll_module
  devpoll_changes | events | 1
  devpoll_events | events | 1
ngx_epoll_module
  epoll_events | events | 1
  worker_aio_requests | events | 1
ngx_eventport_module
  eventport_events | events | 1
ngx_iocp_module
  iocp_threads | events | 1
  post_acceptex | events | 1
  acceptex_read | events | flag
ngx_kqueue_module
  kqueue_changes | events | 1
  kqueue_events | events | 1
ngx_event
  events | main | 0 | block
  worker_connections | events | 1
  use | events | 1
  multi_accept | events | flag
  accept_mutex | events | flag
  accept_mutex_delay | events | 1
  debug_connection | events | 1
ngx_event_openssl
  ssl_engine | main | 1
ngx_event_openssl_cache
  ssl_object_cache_inheritable | main | flag
ngx_event_quic_bpf
  quic_bpf | main | flag
ngx_http_access_module
  allow | http, server, location, limit_except | 1
  deny | http, server, location, limit_except | 1
ngx_http_addition_filter_module
  add_before_body | http, server, location | 1
  add_after_body | http, server, location | 1
  addition_types | http, server, location | 1+
ngx_http_auth_basic_module
  auth_basic | http, server, location, limit_except | 1
  auth_basic_user_file | http, server, location, limit_except | 1
ngx_http_auth_request_module
  auth_request | http, server, location | 1
  auth_request_set | http, server, location | 2
ngx_http_autoindex_module
  autoindex | http, server, location | flag
  autoindex_format | http, server, location | 1
  autoindex_localtime | http, server, location | flag
  autoindex_exact_size | http, server, location | flag
ngx_http_browser_module
  modern_browser | http, server, location | 1,2
  ancient_browser | http, server, location | 1+
  modern_browser_value | http, server, location | 1
  ancient_browser_value | http, server, location | 1
ngx_http_charset_filter_module
  charset | http, server, location, if in location | 1
  source_charset | http, server, location, if in location | 1
  override_charset | http, server, location, if in location | flag
  charset_types | http, server, location | 1+
  charset_map | http | 2 | block
ngx_http_dav_module
  dav_methods | http, server, location | 1+
  create_full_put_path | http, server, location | flag
  min_delete_depth | http, server, location | 1
  dav_access | http, server, location | 1,2,3
ngx_http_degradation_module
  degradation | http | 1
  degrade | http, server, location | 1
ngx_http_empty_gif_module
  empty_gif | location | 0
ngx_http_fastcgi_module
  fastcgi_pass | location, if in location | 1
  fastcgi_index | http, server, location | 1
  fastcgi_split_path_info | http, server, location | 1
  fastcgi_store | http, server, location | 1
  fastcgi_store_access | http, server, location | 1,2,3
  fastcgi_buffering | http, server, location | flag
  fastcgi_request_buffering | http, server, location | flag
  fastcgi_ignore_client_abort | http, server, location | flag
  fastcgi_bind | http, server, location | 1,2
  fastcgi_socket_keepalive | http, server, location | flag
  fastcgi_socket_rcvbuf | http, server, location | 1
  fastcgi_socket_sndbuf | http, server, location | 1
  fastcgi_connect_timeout | http, server, location | 1
  fastcgi_send_timeout | http, server, location | 1
  fastcgi_send_lowat | http, server, location | 1
  fastcgi_buffer_size | http, server, location | 1
  fastcgi_pass_request_headers | http, server, location | flag
  fastcgi_pass_request_body | http, server, location | flag
  fastcgi_intercept_errors | http, server, location | flag
  fastcgi_read_timeout | http, server, location | 1
  fastcgi_buffers | http, server, location | 2
  fastcgi_busy_buffers_size | http, server, location | 1
  fastcgi_force_ranges | http, server, location | flag
  fastcgi_limit_rate | http, server, location | 1
  fastcgi_cache | http, server, location | 1
  fastcgi_cache_key | http, server, location | 1
  fastcgi_cache_path | http | 2+
  fastcgi_cache_bypass | http, server, location | 1+
  fastcgi_no_cache | http, server, location | 1+
  fastcgi_cache_valid | http, server, location | 1+
  fastcgi_cache_min_uses | http, server, location | 1
  fastcgi_cache_max_range_offset | http, server, location | 1
  fastcgi_cache_use_stale | http, server, location | 1+
  fastcgi_cache_methods | http, server, location | 1+
  fastcgi_cache_lock | http, server, location | flag
  fastcgi_cache_lock_timeout | http, server, location | 1
  fastcgi_cache_lock_age | http, server, location | 1
  fastcgi_cache_revalidate | http, server, location | flag
  fastcgi_cache_background_update | http, server, location | flag
  fastcgi_temp_path | http, server, location | 1,2,3,4
  fastcgi_max_temp_file_size | http, server, location | 1
  fastcgi_temp_file_write_size | http, server, location | 1
  fastcgi_next_upstream | http, server, location | 1+
  fastcgi_next_upstream_tries | http, server, location | 1
  fastcgi_next_upstream_timeout | http, server, location | 1
  fastcgi_param | http, server, location | 2,3
  fastcgi_pass_header | http, server, location | 1
  fastcgi_hide_header | http, server, location | 1
  fastcgi_ignore_headers | http, server, location | 1+
  fastcgi_catch_stderr | http, server, location | 1
  fastcgi_keep_conn | http, server, location | flag
ngx_http_flv_module
  flv | location | 0
ngx_http_geo_module
  geo | http | 1,2 | block
ngx_http_geoip_module
  geoip_country | http | 1,2
  geoip_org | http | 1,2
  geoip_city | http | 1,2
  geoip_proxy | http | 1
  geoip_proxy_recursive | http | flag
ngx_http_grpc_module
  grpc_pass | location, if in location | 1
  grpc_bind | http, server, location | 1,2
  grpc_socket_keepalive | http, server, location | flag
  grpc_socket_rcvbuf | http, server, location | 1
  grpc_socket_sndbuf | http, server, location | 1
  grpc_connect_timeout | http, server, location | 1
  grpc_send_timeout | http, server, location | 1
  grpc_intercept_errors | http, server, location | flag
  grpc_buffer_size | http, server, location | 1
  grpc_read_timeout | http, server, location | 1
  grpc_next_upstream | http, server, location | 1+
  grpc_next_upstream_tries | http, server, location | 1
  grpc_next_upstream_timeout | http, server, location | 1
  grpc_set_header | http, server, location | 2
  grpc_pass_header | http, server, location | 1
  grpc_hide_header | http, server, location | 1
  grpc_ignore_headers | http, server, location | 1+
  grpc_ssl_session_reuse | http, server, location | flag
  grpc_ssl_protocols | http, server, location | 1+
  grpc_ssl_ciphers | http, server, location | 1
  grpc_ssl_name | http, server, location | 1
  grpc_ssl_server_name | http, server, location | flag
  grpc_ssl_verify | http, server, location | flag
  grpc_ssl_verify_depth | http, server, location | 1
  grpc_ssl_trusted_certificate | http, server, location | 1
  grpc_ssl_crl | http, server, location | 1
  grpc_ssl_certificate | http, server, location | 1
  grpc_ssl_certificate_key | http, server, location | 1
  grpc_ssl_certificate_cache | http, server, location | 1,2,3
  grpc_ssl_password_file | http, server, location | 1
  grpc_ssl_conf_command | http, server, location | 2
ngx_http_gunzip_filter_module
  gunzip | http, server, location | flag
  gunzip_buffers | http, server, location | 2
ngx_http_gzip_filter_module
  gzip | http, server, location, if in location | flag
  gzip_buffers | http, server, location | 2
  gzip_types | http, server, location | 1+
  gzip_comp_level | http, server, location | 1
  gzip_window | http, server, location | 1
  gzip_hash | http, server, location | 1
  postpone_gzipping | http, server, location | 1
  gzip_no_buffer | http, server, location | flag
  gzip_min_length | http, server, location | 1
ngx_http_gzip_static_module
  gzip_static | http, server, location | 1
ngx_http_headers_filter_module
  expires | http, server, location, if in location | 1,2
  add_header | http, server, location, if in location | 2,3
  add_trailer | http, server, location, if in location | 2,3
  add_header_inherit | http, server, location, if in location | 1
  add_trailer_inherit | http, server, location, if in location | 1
ngx_http_image_filter_module
  image_filter | location | 1,2,3
  image_filter_jpeg_quality | http, server, location | 1
  image_filter_webp_quality | http, server, location | 1
  image_filter_sharpen | http, server, location | 1
  image_filter_transparency | http, server, location | flag
  image_filter_interlace | http, server, location | flag
  image_filter_buffer | http, server, location | 1
ngx_http_index_module
  index | http, server, location | 1+
ngx_http_limit_conn_module
  limit_conn_zone | http | 2
  limit_conn | http, server, location | 2
  limit_conn_log_level | http, server, location | 1
  limit_conn_status | http, server, location | 1
  limit_conn_dry_run | http, server, location | flag
ngx_http_limit_req_module
  limit_req_zone | http | 3
  limit_req | http, server, location | 1,2,3
  limit_req_log_level | http, server, location | 1
  limit_req_status | http, server, location | 1
  limit_req_dry_run | http, server, location | flag
ngx_http_log_module
  log_format | http | 2+
  access_log | http, server, location, if in location, limit_except | 1+
  open_log_file_cache | http, server, location | 1,2,3,4
ngx_http_map_module
  map | http | 2 | block
  map_hash_max_size | http | 1
  map_hash_bucket_size | http | 1
ngx_http_memcached_module
  memcached_pass | location, if in location | 1
  memcached_bind | http, server, location | 1,2
  memcached_socket_keepalive | http, server, location | flag
  memcached_connect_timeout | http, server, location | 1
  memcached_send_timeout | http, server, location | 1
  memcached_buffer_size | http, server, location | 1
  memcached_read_timeout | http, server, location | 1
  memcached_next_upstream | http, server, location | 1+
  memcached_next_upstream_tries | http, server, location | 1
  memcached_next_upstream_timeout | http, server, location | 1
  memcached_gzip_flag | http, server, location | 1
ngx_http_mirror_module
  mirror | http, server, location | 1
  mirror_request_body | http, server, location | flag
ngx_http_mp4_module
  mp4 | location | 0
  mp4_buffer_size | http, server, location | 1
  mp4_max_buffer_size | http, server, location | 1
  mp4_start_key_frame | http, server, location | flag
ngx_http_proxy_module
  proxy_pass | location, if in location, limit_except | 1
  proxy_redirect | http, server, location | 1,2
  proxy_cookie_domain | http, server, location | 1,2
  proxy_cookie_path | http, server, location | 1,2
  proxy_cookie_flags | http, server, location | 1,2,3,4
  proxy_store | http, server, location | 1
  proxy_store_access | http, server, location | 1,2,3
  proxy_buffering | http, server, location | flag
  proxy_request_buffering | http, server, location | flag
  proxy_ignore_client_abort | http, server, location | flag
  proxy_bind | http, server, location | 1,2
  proxy_socket_keepalive | http, server, location | flag
  proxy_socket_rcvbuf | http, server, location | 1
  proxy_socket_sndbuf | http, server, location | 1
  proxy_connect_timeout | http, server, location | 1
  proxy_send_timeout | http, server, location | 1
  proxy_send_lowat | http, server, location | 1
  proxy_intercept_errors | http, server, location | flag
  proxy_set_header | http, server, location | 2
  proxy_headers_hash_max_size | http, server, location | 1
  proxy_headers_hash_bucket_size | http, server, location | 1
  proxy_set_body | http, server, location | 1
  proxy_method | http, server, location | 1
  proxy_pass_request_headers | http, server, location | flag
  proxy_pass_request_body | http, server, location | flag
  proxy_pass_trailers | http, server, location | flag
  proxy_buffer_size | http, server, location | 1
  proxy_read_timeout | http, server, location | 1
  proxy_buffers | http, server, location | 2
  proxy_busy_buffers_size | http, server, location | 1
  proxy_force_ranges | http, server, location | flag
  proxy_limit_rate | http, server, location | 1
  proxy_cache | http, server, location | 1
  proxy_cache_key | http, server, location | 1
  proxy_cache_path | http | 2+
  proxy_cache_bypass | http, server, location | 1+
  proxy_no_cache | http, server, location | 1+
  proxy_cache_valid | http, server, location | 1+
  proxy_cache_min_uses | http, server, location | 1
  proxy_cache_max_range_offset | http, server, location | 1
  proxy_cache_use_stale | http, server, location | 1+
  proxy_cache_methods | http, server, location | 1+
  proxy_cache_lock | http, server, location | flag
  proxy_cache_lock_timeout | http, server, location | 1
  proxy_cache_lock_age | http, server, location | 1
  proxy_cache_revalidate | http, server, location | flag
  proxy_cache_convert_head | http, server, location | flag
  proxy_cache_background_update | http, server, location | flag
  proxy_temp_path | http, server, location | 1,2,3,4
  proxy_max_temp_file_size | http, server, location | 1
  proxy_temp_file_write_size | http, server, location | 1
  proxy_next_upstream | http, server, location | 1+
  proxy_next_upstream_tries | http, server, location | 1
  proxy_next_upstream_timeout | http, server, location | 1
  proxy_pass_header | http, server, location | 1
  proxy_hide_header | http, server, location | 1
  proxy_ignore_headers | http, server, location | 1+
  proxy_http_version | http, server, location | 1
  proxy_ssl_session_reuse | http, server, location | flag
  proxy_ssl_protocols | http, server, location | 1+
  proxy_ssl_ciphers | http, server, location | 1
  proxy_ssl_name | http, server, location | 1
  proxy_ssl_server_name | http, server, location | flag
  proxy_ssl_verify | http, server, location | flag
  proxy_ssl_verify_depth | http, server, location | 1
  proxy_ssl_trusted_certificate | http, server, location | 1
  proxy_ssl_crl | http, server, location | 1
  proxy_ssl_certificate | http, server, location | 1
  proxy_ssl_certificate_key | http, server, location | 1
  proxy_ssl_certificate_cache | http, server, location | 1,2,3
  proxy_ssl_password_file | http, server, location | 1
  proxy_ssl_conf_command | http, server, location | 2
ngx_http_random_index_module
  random_index | location | flag
ngx_http_realip_module
  set_real_ip_from | http, server, location | 1
  real_ip_header | http, server, location | 1
  real_ip_recursive | http, server, location | flag
ngx_http_referer_module
  valid_referers | server, location | 1+
  referer_hash_max_size | server, location | 1
  referer_hash_bucket_size | server, location | 1
ngx_http_rewrite_module
  rewrite | server, if in server, location, if in location | 2,3
  return | server, if in server, location, if in location | 1,2
  break | server, if in server, location, if in location | 0
  if | server, location | 1+ | block
  set | server, if in server, location, if in location | 2
  rewrite_log | http, server, if in server, location, if in location | flag
  uninitialized_variable_warn | http, server, if in server, location, if in location | flag
ngx_http_scgi_module
  scgi_pass | location, if in location | 1
  scgi_store | http, server, location | 1
  scgi_store_access | http, server, location | 1,2,3
  scgi_buffering | http, server, location | flag
  scgi_request_buffering | http, server, location | flag
  scgi_ignore_client_abort | http, server, location | flag
  scgi_bind | http, server, location | 1,2
  scgi_socket_keepalive | http, server, location | flag
  scgi_socket_rcvbuf | http, server, location | 1
  scgi_socket_sndbuf | http, server, location | 1
  scgi_connect_timeout | http, server, location | 1
  scgi_send_timeout | http, server, location | 1
  scgi_buffer_size | http, server, location | 1
  scgi_pass_request_headers | http, server, location | flag
  scgi_pass_request_body | http, server, location | flag
  scgi_intercept_errors | http, server, location | flag
  scgi_read_timeout | http, server, location | 1
  scgi_buffers | http, server, location | 2
  scgi_busy_buffers_size | http, server, location | 1
  scgi_force_ranges | http, server, location | flag
  scgi_limit_rate | http, server, location | 1
  scgi_cache | http, server, location | 1
  scgi_cache_key | http, server, location | 1
  scgi_cache_path | http | 2+
  scgi_cache_bypass | http, server, location | 1+
  scgi_no_cache | http, server, location | 1+
  scgi_cache_valid | http, server, location | 1+
  scgi_cache_min_uses | http, server, location | 1
  scgi_cache_max_range_offset | http, server, location | 1
  scgi_cache_use_stale | http, server, location | 1+
  scgi_cache_methods | http, server, location | 1+
  scgi_cache_lock | http, server, location | flag
  scgi_cache_lock_timeout | http, server, location | 1
  scgi_cache_lock_age | http, server, location | 1
  scgi_cache_revalidate | http, server, location | flag
  scgi_cache_background_update | http, server, location | flag
  scgi_temp_path | http, server, location | 1,2,3,4
  scgi_max_temp_file_size | http, server, location | 1
  scgi_temp_file_write_size | http, server, location | 1
  scgi_next_upstream | http, server, location | 1+
  scgi_next_upstream_tries | http, server, location | 1
  scgi_next_upstream_timeout | http, server, location | 1
  scgi_param | http, server, location | 2,3
  scgi_pass_header | http, server, location | 1
  scgi_hide_header | http, server, location | 1
  scgi_ignore_headers | http, server, location | 1+
ngx_http_secure_link_module
  secure_link | http, server, location | 1
  secure_link_md5 | http, server, location | 1
  secure_link_secret | http, server, location | 1
ngx_http_slice_filter_module
  slice | http, server, location | 1
ngx_http_split_clients_module
  split_clients | http | 2 | block
ngx_http_ssi_filter_module
  ssi | http, server, location, if in location | flag
  ssi_silent_errors | http, server, location | flag
  ssi_ignore_recycled_buffers | http, server, location | flag
  ssi_min_file_chunk | http, server, location | 1
  ssi_value_length | http, server, location | 1
  ssi_types | http, server, location | 1+
  ssi_last_modified | http, server, location | flag
ngx_http_ssl_module
  ssl_certificate | http, server | 1
  ssl_certificate_key | http, server | 1
  ssl_certificate_cache | http, server | 1,2,3
  ssl_ech_file | http, server | 1
  ssl_password_file | http, server | 1
  ssl_certificate_compression | http, server | flag
  ssl_dhparam | http, server | 1
  ssl_ecdh_curve | http, server | 1
  ssl_protocols | http, server | 1+
  ssl_ciphers | http, server | 1
  ssl_buffer_size | http, server | 1
  ssl_verify_client | http, server | 1
  ssl_verify_depth | http, server | 1
  ssl_client_certificate | http, server | 1
  ssl_trusted_certificate | http, server | 1
  ssl_prefer_server_ciphers | http, server | flag
  ssl_session_cache | http, server | 1,2
  ssl_session_tickets | http, server | flag
  ssl_session_ticket_key | http, server | 1
  ssl_session_timeout | http, server | 1
  ssl_crl | http, server | 1
  ssl_ocsp | http, server | 1
  ssl_ocsp_responder | http, server | 1
  ssl_ocsp_cache | http, server | 1
  ssl_stapling | http, server | flag
  ssl_stapling_file | http, server | 1
  ssl_stapling_responder | http, server | 1
  ssl_stapling_verify | http, server | flag
  ssl_early_data | http, server | flag
  ssl_conf_command | http, server | 2
  ssl_reject_handshake | http, server | flag
ngx_http_stub_status_module
  stub_status | server, location | 0,1
ngx_http_sub_filter_module
  sub_filter | http, server, location | 2
  sub_filter_types | http, server, location | 1+
  sub_filter_once | http, server, location | flag
  sub_filter_last_modified | http, server, location | flag
ngx_http_try_files_module
  try_files | server, location | 2+
ngx_http_tunnel_module
  tunnel_pass | server, location, if in location | 0,1
  tunnel_bind | http, server, location | 1,2
  tunnel_socket_keepalive | http, server, location | flag
  tunnel_socket_rcvbuf | http, server, location | 1
  tunnel_socket_sndbuf | http, server, location | 1
  tunnel_connect_timeout | http, server, location | 1
  tunnel_send_timeout | http, server, location | 1
  tunnel_send_lowat | http, server, location | 1
  tunnel_buffer_size | http, server, location | 1
  tunnel_read_timeout | http, server, location | 1
  tunnel_next_upstream | http, server, location | 1+
  tunnel_next_upstream_tries | http, server, location | 1
  tunnel_next_upstream_timeout | http, server, location | 1
ngx_http_upstream_hash_module
  hash | upstream | 1,2
ngx_http_upstream_ip_hash_module
  ip_hash | upstream | 0
ngx_http_upstream_keepalive_module
  keepalive | upstream | 1,2
  keepalive_time | upstream | 1
  keepalive_timeout | upstream | 1
  keepalive_requests | upstream | 1
ngx_http_upstream_least_conn_module
  least_conn | upstream | 0
ngx_http_upstream_least_time_module
  least_time | upstream | 1,2
ngx_http_upstream_random_module
  random | upstream | 0,1,2
ngx_http_upstream_sticky_module
  sticky | upstream | 2+
ngx_http_upstream_zone_module
  zone | upstream | 1,2
ngx_http_userid_filter_module
  userid | http, server, location | 1
  userid_service | http, server, location | 1
  userid_name | http, server, location | 1
  userid_domain | http, server, location | 1
  userid_path | http, server, location | 1
  userid_expires | http, server, location | 1
  userid_flags | http, server, location | 1,2,3
  userid_p3p | http, server, location | 1
  userid_mark | http, server, location | 1
ngx_http_uwsgi_module
  uwsgi_pass | location, if in location | 1
  uwsgi_modifier1 | http, server, location | 1
  uwsgi_modifier2 | http, server, location | 1
  uwsgi_store | http, server, location | 1
  uwsgi_store_access | http, server, location | 1,2,3
  uwsgi_buffering | http, server, location | flag
  uwsgi_request_buffering | http, server, location | flag
  uwsgi_ignore_client_abort | http, server, location | flag
  uwsgi_bind | http, server, location | 1,2
  uwsgi_socket_keepalive | http, server, location | flag
  uwsgi_socket_rcvbuf | http, server, location | 1
  uwsgi_socket_sndbuf | http, server, location | 1
  uwsgi_connect_timeout | http, server, location | 1
  uwsgi_send_timeout | http, server, location | 1
  uwsgi_buffer_size | http, server, location | 1
  uwsgi_pass_request_headers | http, server, location | flag
  uwsgi_pass_request_body | http, server, location | flag
  uwsgi_intercept_errors | http, server, location | flag
  uwsgi_read_timeout | http, server, location | 1
  uwsgi_buffers | http, server, location | 2
  uwsgi_busy_buffers_size | http, server, location | 1
  uwsgi_force_ranges | http, server, location | flag
  uwsgi_limit_rate | http, server, location | 1
  uwsgi_cache | http, server, location | 1
  uwsgi_cache_key | http, server, location | 1
  uwsgi_cache_path | http | 2+
  uwsgi_cache_bypass | http, server, location | 1+
  uwsgi_no_cache | http, server, location | 1+
  uwsgi_cache_valid | http, server, location | 1+
  uwsgi_cache_min_uses | http, server, location | 1
  uwsgi_cache_max_range_offset | http, server, location | 1
  uwsgi_cache_use_stale | http, server, location | 1+
  uwsgi_cache_methods | http, server, location | 1+
  uwsgi_cache_lock | http, server, location | flag
  uwsgi_cache_lock_timeout | http, server, location | 1
  uwsgi_cache_lock_age | http, server, location | 1
  uwsgi_cache_revalidate | http, server, location | flag
  uwsgi_cache_background_update | http, server, location | 1
  uwsgi_temp_path | http, server, location | 1,2,3,4
  uwsgi_max_temp_file_size | http, server, location | 1
  uwsgi_temp_file_write_size | http, server, location | 1
  uwsgi_next_upstream | http, server, location | 1+
  uwsgi_next_upstream_tries | http, server, location | 1
  uwsgi_next_upstream_timeout | http, server, location | 1
  uwsgi_param | http, server, location | 2,3
  uwsgi_string | http, server, location | 1
  uwsgi_pass_header | http, server, location | 1
  uwsgi_hide_header | http, server, location | 1
  uwsgi_ignore_headers | http, server, location | 1+
  uwsgi_ssl_session_reuse | http, server, location | flag
  uwsgi_ssl_protocols | http, server, location | 1+
  uwsgi_ssl_ciphers | http, server, location | 1
  uwsgi_ssl_name | http, server, location | 1
  uwsgi_ssl_server_name | http, server, location | flag
  uwsgi_ssl_verify | http, server, location | flag
  uwsgi_ssl_verify_depth | http, server, location | 1
  uwsgi_ssl_trusted_certificate | http, server, location | 1
  uwsgi_ssl_crl | http, server, location | 1
  uwsgi_ssl_certificate | http, server, location | 1
  uwsgi_ssl_certificate_key | http, server, location | 1
  uwsgi_ssl_certificate_cache | http, server, location | 1,2,3
  uwsgi_ssl_password_file | http, server, location | 1
  uwsgi_ssl_conf_command | http, server, location | 2
ngx_http_xslt_filter_module
  xml_entities | http, server, location | 1
  xml_external_entities | http, server, location | flag
  xslt_stylesheet | location | 1+
  xslt_param | http, server, location | 2
  xslt_string_param | http, server, location | 2
  xslt_types | http, server, location | 1+
  xslt_last_modified | http, server, location | flag
ngx_http_perl_module
  perl_modules | http | 1
  perl_require | http | 1
  perl | location, limit_except | 1
  perl_set | http | 2
ngx_http
  http | main | 0 | block
ngx_http_copy_filter_module
  output_buffers | http, server, location | 2
ngx_http_core_module
  variables_hash_max_size | http | 1
  variables_hash_bucket_size | http | 1
  server_names_hash_max_size | http | 1
  server_names_hash_bucket_size | http | 1
  server | http | 0 | block
  connection_pool_size | http, server | 1
  request_pool_size | http, server | 1
  client_header_timeout | http, server | 1
  client_header_buffer_size | http, server | 1
  large_client_header_buffers | http, server | 2
  max_headers | http, server | 1
  ignore_invalid_headers | http, server | flag
  merge_slashes | http, server | flag
  underscores_in_headers | http, server | flag
  location | server, location | 1,2 | block
  listen | server | 1+
  server_name | server | 1+
  types_hash_max_size | http, server, location | 1
  types_hash_bucket_size | http, server, location | 1
  types | http, server, location | 0 | block
  default_type | http, server, location | 1
  root | http, server, location, if in location | 1
  alias | location | 1
  limit_except | location | 1+ | block
  client_max_body_size | http, server, location | 1
  client_body_buffer_size | http, server, location | 1
  client_body_timeout | http, server, location | 1
  client_body_temp_path | http, server, location | 1,2,3,4
  client_body_in_file_only | http, server, location | 1
  client_body_in_single_buffer | http, server, location | flag
  client_body_early_read | http, server | 1+
  sendfile | http, server, location, if in location | flag
  sendfile_max_chunk | http, server, location | 1
  subrequest_output_buffer_size | http, server, location | 1
  aio | http, server, location | 1
  aio_write | http, server, location | flag
  read_ahead | http, server, location | 1
  directio | http, server, location | 1
  directio_alignment | http, server, location | 1
  tcp_nopush | http, server, location | flag
  tcp_nodelay | http, server, location | flag
  send_timeout | http, server, location | 1
  send_lowat | http, server, location | 1
  postpone_output | http, server, location | 1
  limit_rate | http, server, location, if in location | 1
  limit_rate_after | http, server, location, if in location | 1
  keepalive_time | http, server, location | 1
  keepalive_timeout | http, server, location | 1,2
  keepalive_min_timeout | http, server, location | 1
  keepalive_requests | http, server, location | 1
  keepalive_disable | http, server, location | 1,2
  satisfy | http, server, location | 1
  auth_delay | http, server, location | 1
  internal | location | 0
  lingering_close | http, server, location | 1
  lingering_time | http, server, location | 1
  lingering_timeout | http, server, location | 1
  reset_timedout_connection | http, server, location | flag
  absolute_redirect | http, server, location | flag
  server_name_in_redirect | http, server, location | flag
  port_in_redirect | http, server, location | flag
  msie_padding | http, server, location | flag
  msie_refresh | http, server, location | flag
  log_not_found | http, server, location | flag
  log_subrequest | http, server, location | flag
  recursive_error_pages | http, server, location | flag
  server_tokens | http, server, location | 1
  if_modified_since | http, server, location | 1
  max_ranges | http, server, location | 1
  chunked_transfer_encoding | http, server, location | flag
  etag | http, server, location | flag
  early_hints | http, server, location | 1+
  error_page | http, server, location, if in location | 2+
  post_action | http, server, location, if in location | 1
  error_log | http, server, location | 1+
  open_file_cache | http, server, location | 1,2
  open_file_cache_valid | http, server, location | 1
  open_file_cache_min_uses | http, server, location | 1
  open_file_cache_errors | http, server, location | flag
  open_file_cache_events | http, server, location | flag
  resolver | http, server, location | 1+
  resolver_timeout | http, server, location | 1
  gzip_vary | http, server, location | flag
  gzip_http_version | http, server, location | 1
  gzip_proxied | http, server, location | 1+
  gzip_disable | http, server, location | 1+
  disable_symlinks | http, server, location | 1,2
ngx_http_upstream
  upstream | http | 1 | block
  server | upstream | 1+
  resolver | upstream | 1+
  resolver_timeout | upstream | 1
ngx_http_v2_module
  http2 | http, server | flag
  http2_recv_buffer_size | http | 1
  http2_pool_size | http, server | 1
  http2_max_concurrent_streams | http, server | 1
  http2_max_concurrent_pushes | http, server | 1
  http2_max_requests | http, server | 1
  http2_max_field_size | http, server | 1
  http2_max_header_size | http, server | 1
  http2_body_preread_size | http, server | 1
  http2_streams_index_size | http, server | 1
  http2_recv_timeout | http, server | 1
  http2_idle_timeout | http, server | 1
  http2_chunk_size | http, server, location | 1
  http2_push_preload | http, server, location | flag
  http2_push | http, server, location | 1
ngx_http_v3_module
  http3 | http, server | flag
  http3_hq | http, server | flag
  http3_max_concurrent_streams | http, server | 1
  http3_stream_buffer_size | http, server | 1
  quic_retry | http, server | flag
  quic_gso | http, server | flag
  quic_host_key | http, server | 1
  quic_active_connection_id_limit | http, server | 1
ngx_mail
  mail | main | 0 | block
ngx_mail_auth_http_module
  auth_http | mail, mail server | 1
  auth_http_timeout | mail, mail server | 1
  auth_http_header | mail, mail server | 2
  auth_http_pass_client_cert | mail, mail server | flag
ngx_mail_core_module
  server | mail | 0 | block
  listen | mail server | 1+
  protocol | mail server | 1
  timeout | mail, mail server | 1
  server_name | mail, mail server | 1
  error_log | mail, mail server | 1+
  resolver | mail, mail server | 1+
  resolver_timeout | mail, mail server | 1
  max_errors | mail, mail server | 1
ngx_mail_imap_module
  imap_client_buffer | mail, mail server | 1
  imap_capabilities | mail, mail server | 1+
  imap_auth | mail, mail server | 1+
ngx_mail_pop3_module
  pop3_capabilities | mail, mail server | 1+
  pop3_auth | mail, mail server | 1+
ngx_mail_proxy_module
  proxy | mail, mail server | flag
  proxy_buffer | mail, mail server | 1
  proxy_timeout | mail, mail server | 1
  proxy_pass_error_message | mail, mail server | flag
  xclient | mail, mail server | flag
  proxy_smtp_auth | mail, mail server | flag
  proxy_protocol | mail, mail server | 1
ngx_mail_realip_module
  set_real_ip_from | mail, mail server | 1
ngx_mail_smtp_module
  smtp_client_buffer | mail, mail server | 1
  smtp_greeting_delay | mail, mail server | 1
  smtp_capabilities | mail, mail server | 1+
  smtp_auth | mail, mail server | 1+
ngx_mail_ssl_module
  starttls | mail, mail server | 1
  ssl_certificate | mail, mail server | 1
  ssl_certificate_key | mail, mail server | 1
  ssl_password_file | mail, mail server | 1
  ssl_certificate_compression | mail, mail server | flag
  ssl_dhparam | mail, mail server | 1
  ssl_ecdh_curve | mail, mail server | 1
  ssl_protocols | mail, mail server | 1+
  ssl_ciphers | mail, mail server | 1
  ssl_prefer_server_ciphers | mail, mail server | flag
  ssl_session_cache | mail, mail server | 1,2
  ssl_session_tickets | mail, mail server | flag
  ssl_session_ticket_key | mail, mail server | 1
  ssl_session_timeout | mail, mail server | 1
  ssl_verify_client | mail, mail server | 1
  ssl_verify_depth | mail, mail server | 1
  ssl_client_certificate | mail, mail server | 1
  ssl_trusted_certificate | mail, mail server | 1
  ssl_crl | mail, mail server | 1
  ssl_conf_command | mail, mail server | 2
ngx_google_perftools_module
  google_perftools_profiles | main | 1
ngx_stream
  stream | main | 0 | block
ngx_stream_access_module
  allow | stream, stream server | 1
  deny | stream, stream server | 1
ngx_stream_core_module
  variables_hash_max_size | stream | 1
  variables_hash_bucket_size | stream | 1
  server_names_hash_max_size | stream | 1
  server_names_hash_bucket_size | stream | 1
  server | stream | 0 | block
  listen | stream server | 1+
  server_name | stream server | 1+
  error_log | stream, stream server | 1+
  resolver | stream, stream server | 1+
  resolver_timeout | stream, stream server | 1
  proxy_protocol_timeout | stream, stream server | 1
  tcp_nodelay | stream, stream server | flag
  preread_buffer_size | stream, stream server | 1
  preread_timeout | stream, stream server | 1
ngx_stream_geo_module
  geo | stream | 1,2 | block
ngx_stream_geoip_module
  geoip_country | stream | 1,2
  geoip_org | stream | 1,2
  geoip_city | stream | 1,2
ngx_stream_limit_conn_module
  limit_conn_zone | stream | 2
  limit_conn | stream, stream server | 2
  limit_conn_log_level | stream, stream server | 1
  limit_conn_dry_run | stream, stream server | flag
ngx_stream_log_module
  log_format | stream | 2+
  access_log | stream, stream server | 1+
  open_log_file_cache | stream, stream server | 1,2,3,4
ngx_stream_map_module
  map | stream | 2 | block
  map_hash_max_size | stream | 1
  map_hash_bucket_size | stream | 1
ngx_stream_pass_module
  pass | stream server | 1
ngx_stream_proxy_module
  proxy_pass | stream server | 1
  proxy_bind | stream, stream server | 1,2
  proxy_socket_keepalive | stream, stream server | flag
  proxy_socket_rcvbuf | stream, stream server | 1
  proxy_socket_sndbuf | stream, stream server | 1
  proxy_connect_timeout | stream, stream server | 1
  proxy_timeout | stream, stream server | 1
  proxy_buffer_size | stream, stream server | 1
  proxy_downstream_buffer | stream, stream server | 1
  proxy_upstream_buffer | stream, stream server | 1
  proxy_upload_rate | stream, stream server | 1
  proxy_download_rate | stream, stream server | 1
  proxy_requests | stream, stream server | 1
  proxy_responses | stream, stream server | 1
  proxy_next_upstream | stream, stream server | flag
  proxy_next_upstream_tries | stream, stream server | 1
  proxy_next_upstream_timeout | stream, stream server | 1
  proxy_protocol | stream, stream server | 1
  proxy_half_close | stream, stream server | flag
  proxy_ssl | stream, stream server | flag
  proxy_ssl_session_reuse | stream, stream server | flag
  proxy_ssl_protocols | stream, stream server | 1+
  proxy_ssl_ciphers | stream, stream server | 1
  proxy_ssl_name | stream, stream server | 1
  proxy_ssl_server_name | stream, stream server | flag
  proxy_ssl_alpn | stream, stream server | 1+
  proxy_ssl_verify | stream, stream server | flag
  proxy_ssl_verify_depth | stream, stream server | 1
  proxy_ssl_trusted_certificate | stream, stream server | 1
  proxy_ssl_crl | stream, stream server | 1
  proxy_ssl_certificate | stream, stream server | 1
  proxy_ssl_certificate_key | stream, stream server | 1
  proxy_ssl_certificate_cache | stream, stream server | 1,2,3
  proxy_ssl_password_file | stream, stream server | 1
  proxy_ssl_conf_command | stream, stream server | 2
ngx_stream_realip_module
  set_real_ip_from | stream, stream server | 1
ngx_stream_return_module
  return | stream server | 1
ngx_stream_set_module
  set | stream server | 2
ngx_stream_split_clients_module
  split_clients | stream | 2 | block
ngx_stream_ssl_module
  ssl_handshake_timeout | stream, stream server | 1
  ssl_certificate | stream, stream server | 1
  ssl_certificate_key | stream, stream server | 1
  ssl_certificate_cache | stream, stream server | 1,2,3
  ssl_ech_file | stream, stream server | 1
  ssl_password_file | stream, stream server | 1
  ssl_certificate_compression | stream, stream server | flag
  ssl_dhparam | stream, stream server | 1
  ssl_ecdh_curve | stream, stream server | 1
  ssl_protocols | stream, stream server | 1+
  ssl_ciphers | stream, stream server | 1
  ssl_verify_client | stream, stream server | 1
  ssl_verify_depth | stream, stream server | 1
  ssl_client_certificate | stream, stream server | 1
  ssl_trusted_certificate | stream, stream server | 1
  ssl_prefer_server_ciphers | stream, stream server | flag
  ssl_session_cache | stream, stream server | 1,2
  ssl_session_tickets | stream, stream server | flag
  ssl_session_ticket_key | stream, stream server | 1
  ssl_session_timeout | stream, stream server | 1
  ssl_crl | stream, stream server | 1
  ssl_ocsp | stream, stream server | 1
  ssl_ocsp_responder | stream, stream server | 1
  ssl_ocsp_cache | stream, stream server | 1
  ssl_stapling | stream, stream server | flag
  ssl_stapling_file | stream, stream server | 1
  ssl_stapling_responder | stream, stream server | 1
  ssl_stapling_verify | stream, stream server | flag
  ssl_conf_command | stream, stream server | 2
  ssl_reject_handshake | stream, stream server | flag
  ssl_alpn | stream, stream server | 1+
ngx_stream_ssl_preread_module
  ssl_preread | stream, stream server | flag
ngx_stream_upstream
  upstream | stream | 1 | block
  server | stream upstream | 1+
  resolver | stream upstream | 1+
  resolver_timeout | stream upstream | 1
ngx_stream_upstream_hash_module
  hash | stream upstream | 1,2
ngx_stream_upstream_least_conn_module
  least_conn | stream upstream | 0
ngx_stream_upstream_least_time_module
  least_time | stream upstream | 1,2
ngx_stream_upstream_random_module
  random | stream upstream | 0,1,2
ngx_stream_upstream_zone_module
  zone | stream upstream | 1,2
`;
