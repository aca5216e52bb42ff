/** The same job, written in each proxy's own language: no access log, kept-alive upstream connections. */
import { expressionsLocation } from "./expressions.ts";
import { paths } from "./wire.ts";

export interface Setting {
  /** Directory for files and sockets of this proxy alone. */
  readonly directory: string;
  readonly plainPort: number;
  readonly tlsPort: number;
  /** Where HTTP/2 is spoken by those who can: with prior knowledge, and over TLS. */
  readonly h2cPort: number;
  readonly h2Port: number;
  readonly backendPort: number;
  /** PEM files: chain, key, both in one. */
  readonly certificate: string;
  readonly key: string;
  readonly combined: string;
  /** Told at /generation by those who can be reloaded: which version of the file is in force. */
  readonly generation: number;
  readonly workers: number;
  /** Directory below which the files of `paths.smallFile` and `paths.largeFile` are. */
  readonly root: string;
}

/** What nginx gets, and the lines that let WebSockets come over HTTP/2, which nginx does not know. */
export function longhaulConfiguration(setting: Setting): string {
  const own = "http2_extended_connect on; accept_extended_connect on; http2_max_concurrent_streams 1000;";
  return nginxConfiguration(setting).replace(
    "server_name localhost;",
    `server_name localhost;\n        ${own}`,
  );
}

/** nginx and Longhaul get the same text, but for what only one of them can do. */
export function nginxConfiguration(setting: Setting): string {
  const { directory } = setting;
  // Without it two workers of nginx accept very unequal shares of a few connections.
  const reuseport = setting.workers > 1 ? " reuseport" : "";
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user}
daemon off;
worker_processes ${setting.workers};
worker_rlimit_nofile 20000;
error_log ${directory}/error.log warn;
pid ${directory}/nginx.pid;
events { worker_connections 19000; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path ${directory}/body;
    proxy_temp_path ${directory}/proxy;
    fastcgi_temp_path ${directory}/fastcgi;
    uwsgi_temp_path ${directory}/uwsgi;
    scgi_temp_path ${directory}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    upstream backend {
        server 127.0.0.1:${setting.backendPort};
        keepalive 128;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }
    map $http_upgrade $connection_upgrade {
        default upgrade;
        "" "";
    }
    server {
        listen 127.0.0.1:${setting.plainPort}${reuseport};
        listen 127.0.0.1:${setting.tlsPort} ssl${reuseport};
        listen 127.0.0.1:${setting.h2cPort} http2${reuseport};
        listen 127.0.0.1:${setting.h2Port} ssl http2${reuseport};
        server_name localhost;
        ssl_certificate ${setting.certificate};
        ssl_certificate_key ${setting.key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_cache shared:SSL:10m;
        ssl_session_timeout 1h;
        location = /generation { return 200 "${setting.generation}"; }
        location ${paths.files} { root ${setting.root}; }
        ${expressionsLocation()}
        location / {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 1h;
            proxy_send_timeout 1h;
            proxy_max_temp_file_size 0;
        }
    }
}
`;
}

export function haproxyConfiguration(setting: Setting): string {
  return `global
    nbthread ${setting.workers}
    maxconn 9900
defaults
    mode http
    http-reuse always
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
frontend clients
    bind 127.0.0.1:${setting.plainPort}
    bind 127.0.0.1:${setting.tlsPort} ssl crt ${setting.combined} alpn http/1.1
    bind 127.0.0.1:${setting.h2cPort} proto h2
    bind 127.0.0.1:${setting.h2Port} ssl crt ${setting.combined} alpn h2
    default_backend backends
backend backends
    server backend 127.0.0.1:${setting.backendPort}
`;
}

export function caddyConfiguration(setting: Setting): string {
  const site = `handle ${paths.files}* {
        root * ${setting.root}
        file_server
    }
    handle {
        reverse_proxy 127.0.0.1:${setting.backendPort}
    }`;
  return `{
    admin off
    auto_https off
    storage file_system ${setting.directory}/storage
    default_bind 127.0.0.1
    servers {
        protocols h1
    }
}
http://localhost:${setting.plainPort} {
    ${site}
}
https://localhost:${setting.tlsPort} {
    tls ${setting.certificate} ${setting.key}
    ${site}
}
`;
}
