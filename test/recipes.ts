/** What each file of examples/recipes does, told as requests and what comes of them. */
import type http from "node:http";

/** A plain request and its answer. */
export interface Ask {
  readonly ask: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly body?: string | RegExp;
  /** Fields of the answer; null: it must not be there. */
  readonly fields?: Readonly<Record<string, string | null>>;
  /** Fields that the server behind saw. */
  readonly seen?: Readonly<Record<string, string>>;
}

/** A WebSocket, over which a message goes there and back. */
export interface Open {
  readonly open: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The server that it leads to, and the path there. */
  readonly at: string;
  readonly path: string;
  readonly seen?: Readonly<Record<string, string>>;
}

export interface Recipe {
  /** Servers behind the gateway, by the port that the file names. */
  readonly servers: Readonly<Record<number, string>>;
  /** What a load balancer in front puts ahead of each connection. */
  readonly balancer?: string;
  /** Those of them that speak TLS. */
  readonly tls?: readonly string[];
  readonly answer?: (request: http.IncomingMessage, response: http.ServerResponse) => boolean;
  /** Files beside the configuration. */
  readonly files?: Readonly<Record<string, string>>;
  readonly steps: readonly (Ask | Open)[];
}

const page = "<!doctype html><title>page</title>";
const longText = "body { color: black }\n".repeat(40);

export const recipes: Readonly<Record<string, Recipe>> = {
  "home-assistant": {
    servers: { 8123: "home" },
    steps: [
      {
        ask: "http://home.example.com/lovelace?a=1",
        status: 301,
        fields: { location: "https://home.example.com/lovelace?a=1" },
      },
      {
        ask: "https://home.example.com/lovelace",
        status: 200,
        body: "GET /lovelace from home",
        fields: { "strict-transport-security": "max-age=31536000; includeSubDomains" },
        seen: { host: "home.example.com", "x-forwarded-for": "127.0.0.1", connection: "close" },
      },
      { open: "wss://home.example.com/api/websocket", at: "home", path: "/api/websocket" },
    ],
  },
  grafana: {
    servers: { 3000: "grafana" },
    steps: [
      {
        ask: "http://metrics.example.com/",
        status: 302,
        fields: { location: "http://metrics.example.com/grafana/" },
      },
      {
        ask: "http://metrics.example.com/grafana/d/1?from=now",
        status: 200,
        body: "GET /d/1?from=now from grafana",
      },
      { open: "ws://metrics.example.com/grafana/api/live/ws", at: "grafana", path: "/api/live/ws" },
    ],
  },
  nextcloud: {
    servers: { 7867: "push", 11000: "nextcloud" },
    steps: [
      {
        ask: "https://cloud.example.com/.well-known/caldav",
        status: 301,
        fields: { location: "https://cloud.example.com/remote.php/dav" },
      },
      { ask: "https://cloud.example.com/robots.txt", status: 200, body: "User-agent: *\nDisallow: /\n" },
      { ask: "https://cloud.example.com/config/config.php", status: 404 },
      {
        ask: "https://cloud.example.com/apps/files?dir=/a%20b",
        headers: { "X-Forwarded-For": "203.0.113.7" },
        status: 200,
        body: "GET /apps/files?dir=/a%20b from nextcloud",
        fields: { "x-content-type-options": "nosniff" },
        seen: { "x-real-ip": "203.0.113.7", "x-forwarded-proto": "https" },
      },
      {
        open: "wss://cloud.example.com/push/ws",
        at: "push",
        path: "/ws",
        seen: { host: "cloud.example.com" },
      },
    ],
  },
  jenkins: {
    servers: { 8090: "jenkins" },
    files: { "files/userContent/readme.txt": "hello" },
    steps: [
      {
        ask: "http://jenkins.example.com/static/0123abcd/css/a.css",
        status: 200,
        body: "GET /css/a.css from jenkins",
      },
      { ask: "http://jenkins.example.com/userContent/readme.txt", status: 200, body: "hello" },
      {
        ask: "http://jenkins.example.com/job/a/",
        headers: { "X.Jenkins": "1" },
        status: 200,
        body: "GET /job/a/ from jenkins",
        seen: { "x.jenkins": "1", "x-forwarded-proto": "http" },
      },
      { open: "ws://jenkins.example.com/wsagents/", at: "jenkins", path: "/wsagents/" },
    ],
  },
  gitlab: {
    servers: { 8181: "workhorse" },
    files: { "pages/502.html": "GitLab is not responding" },
    steps: [
      { ask: "https://git.example.com/a/b?private_token=s3cret", status: 200, body: /from workhorse$/ },
      {
        ask: "https://git.example.com/api/v4/jobs/1/artifacts",
        method: "POST",
        status: 200,
        body: "POST /api/v4/jobs/1/artifacts from workhorse",
      },
      { ask: "https://git.example.com/502.html", status: 404 },
      {
        open: "wss://git.example.com/-/cable",
        at: "workhorse",
        path: "/-/cable",
        seen: { "x-forwarded-ssl": "on" },
      },
    ],
  },
  jupyter: {
    servers: { 8888: "jupyter" },
    steps: [
      { ask: "http://lab.example.com/lab/tree", status: 200, body: "GET /lab/tree from jupyter" },
      {
        open: "ws://lab.example.com/api/kernels/4d1a/channels?session_id=7",
        at: "jupyter",
        path: "/api/kernels/4d1a/channels?session_id=7",
      },
      { open: "ws://lab.example.com/terminals/websocket/1", at: "jupyter", path: "/terminals/websocket/1" },
    ],
  },
  novnc: {
    servers: { 6080: "websockify" },
    files: { "novnc/vnc.html": page, "novnc/app/ui.js": "ui()" },
    steps: [
      {
        ask: "http://desk.example.com/",
        status: 200,
        body: page,
        fields: { "content-type": "text/html", "cache-control": "max-age=3600" },
      },
      {
        ask: "http://desk.example.com/app/ui.js",
        status: 200,
        fields: { "content-type": "application/javascript" },
      },
      { ask: "http://desk.example.com/app/none.js", status: 404 },
      { open: "ws://desk.example.com/websockify", at: "websockify", path: "/" },
    ],
  },
  "socketio-cluster": {
    servers: { 3001: "node 1", 3002: "node 2" },
    steps: [
      {
        ask: "http://io.example.com/socket.io/?EIO=4&transport=polling",
        status: 200,
        body: "GET /socket.io/?EIO=4&transport=polling from node 2",
      },
      {
        open: "ws://io.example.com/socket.io/?EIO=4&transport=websocket",
        at: "node 2",
        path: "/socket.io/?EIO=4&transport=websocket",
      },
    ],
  },
  phoenix: {
    servers: { 4000: "phoenix" },
    files: { [`static/assets/app-${"0".repeat(32)}.js`]: "app()" },
    steps: [
      {
        ask: `https://app.example.com/assets/app-${"0".repeat(32)}.js`,
        status: 200,
        body: "app()",
        fields: { expires: "Thu, 31 Dec 2037 23:55:55 GMT" },
      },
      { ask: "https://app.example.com/users", status: 200, seen: { "x-cluster-client-ip": "127.0.0.1" } },
      {
        open: "wss://app.example.com/live/websocket?vsn=2.0.0",
        at: "phoenix",
        path: "/live/websocket?vsn=2.0.0",
      },
    ],
  },
  signalr: {
    servers: { 5000: "hub", 5001: "hub" },
    steps: [
      {
        ask: "http://hub.example.com/chathub/negotiate",
        method: "POST",
        status: 200,
        body: "POST /chathub/negotiate from hub",
        seen: { connection: "keep-alive" },
      },
      {
        open: "ws://hub.example.com/chathub?id=7",
        at: "hub",
        path: "/chathub?id=7",
        seen: { connection: "Upgrade" },
      },
    ],
  },
  "graphql-subscriptions": {
    servers: { 4001: "queries", 4002: "queries", 4010: "subscriptions" },
    steps: [
      {
        ask: "http://api.example.com/graphql",
        method: "OPTIONS",
        headers: { Origin: "https://example.com" },
        status: 204,
        fields: { "access-control-allow-origin": "https://example.com", "access-control-max-age": "86400" },
      },
      {
        ask: "http://api.example.com/graphql?query={a}",
        status: 200,
        body: "GET /graphql?query={a} from queries",
      },
      { ask: "http://api.example.com/other", status: 404 },
      { open: "ws://api.example.com/graphql", at: "subscriptions", path: "/graphql" },
    ],
  },
  vite: {
    servers: { 3000: "api", 5173: "vite" },
    answer(request, response) {
      if (request.url !== "/login") return false;
      response.writeHead(200, { "Set-Cookie": "session=1; Path=/" }).end();
      return true;
    },
    steps: [
      { ask: "http://localhost/src/main.ts", status: 200, body: "GET /src/main.ts from vite" },
      { ask: "http://localhost/api/users?page=2", status: 200, body: "GET /users?page=2 from api" },
      { ask: "http://localhost/api/login", status: 200, fields: { "set-cookie": "session=1; Path=/api/" } },
      { open: "ws://localhost/?token=abc", at: "vite", path: "/?token=abc" },
    ],
  },
  mqtt: {
    servers: { 9001: "broker", 9002: "broker" },
    steps: [
      { open: "wss://mqtt.example.com/mqtt?client_id=42", at: "broker", path: "/mqtt?client_id=42" },
      { ask: "https://mqtt.example.com/other", status: 404 },
    ],
  },
  matrix: {
    servers: { 8008: "synapse" },
    steps: [
      {
        ask: "https://matrix.example.com/_matrix/client/v3/rooms/%21a%3Ab/send",
        status: 200,
        body: "GET /_matrix/client/v3/rooms/%21a%3Ab/send from synapse",
      },
      {
        ask: "https://matrix.example.com/.well-known/matrix/client",
        status: 200,
        body: '{"m.homeserver": {"base_url": "https://matrix.example.com"}}',
        fields: { "content-type": "application/json", "access-control-allow-origin": "*" },
      },
    ],
  },
  mattermost: {
    servers: { 8065: "mattermost" },
    steps: [
      {
        ask: "http://chat.example.com/team/channels/town-square",
        status: 200,
        body: "GET /team/channels/town-square from mattermost",
      },
      {
        open: "ws://chat.example.com/api/v4/websocket",
        at: "mattermost",
        path: "/api/v4/websocket",
        seen: { "x-frame-options": "SAMEORIGIN" },
      },
    ],
  },
  "code-server": {
    servers: { 4180: "oauth2-proxy", 8081: "code" },
    answer(request, response) {
      if (request.url !== "/oauth2/auth") return false;
      const known = request.headers.cookie === "session=1";
      response.writeHead(known ? 202 : 401, known ? { "X-Auth-Request-User": "ann" } : {}).end();
      return true;
    },
    steps: [
      { ask: "https://code.example.com/", status: 200, body: "GET /oauth2/sign_in from oauth2-proxy" },
      { ask: "https://code.example.com/oauth2/auth", status: 404 },
      {
        ask: "https://code.example.com/folder",
        headers: { Cookie: "session=1" },
        status: 200,
        body: "GET /folder from code",
        seen: { "x-user": "ann", "accept-encoding": "gzip" },
      },
      {
        open: "wss://code.example.com/stable",
        headers: { Cookie: "session=1" },
        at: "code",
        path: "/stable",
        seen: { "x-user": "ann" },
      },
    ],
  },
  portainer: {
    servers: { 9000: "portainer" },
    files: { users: "ann:{PLAIN}secret\nbob:$apr1$7Xy0r1lJ$uuGg/1vhIgBHvPmBbC8bJ/\n" },
    steps: [
      {
        ask: "http://docker.example.com/portainer/",
        status: 401,
        fields: { "www-authenticate": 'Basic realm="Containers"' },
      },
      {
        ask: "http://docker.example.com/portainer/api/status",
        headers: { Authorization: `Basic ${btoa("ann:secret")}` },
        status: 200,
        body: "GET /api/status from portainer",
      },
      {
        ask: "http://docker.example.com/portainer/",
        headers: { Authorization: `Basic ${btoa("ann:wrong")}` },
        status: 401,
      },
      {
        open: "ws://docker.example.com/portainer/api/websocket/exec?id=1",
        headers: { Authorization: `Basic ${btoa("ann:secret")}` },
        at: "portainer",
        path: "/api/websocket/exec?id=1",
      },
    ],
  },
  proxmox: {
    servers: { 8006: "pve" },
    tls: ["pve"],
    steps: [
      { ask: "http://pve.example.com/", status: 301, fields: { location: "https://pve.example.com/" } },
      {
        ask: "https://pve.example.com/api2/json/version",
        status: 200,
        body: "GET /api2/json/version from pve",
      },
      {
        open: "wss://pve.example.com/api2/json/nodes/a/vncwebsocket?port=5900",
        at: "pve",
        path: "/api2/json/nodes/a/vncwebsocket?port=5900",
      },
    ],
  },
  "spa-api": {
    servers: { 3000: "api" },
    files: { "site/index.html": page, "site/app.css": longText, "site/50x.html": "sorry" },
    steps: [
      {
        ask: "http://www.example.com/deep/link",
        status: 200,
        body: page,
        fields: { "cache-control": "no-cache" },
      },
      {
        ask: "http://www.example.com/app.css",
        headers: { "Accept-Encoding": "gzip" },
        status: 200,
        fields: { "content-encoding": "gzip", "content-length": null },
      },
      {
        ask: "http://www.example.com/app.css",
        status: 200,
        body: longText,
        fields: { "content-type": "text/css" },
      },
      { ask: "http://www.example.com/api/users", status: 200, body: "GET /users from api" },
      { ask: "http://www.example.com/50x.html", status: 404 },
      { open: "ws://www.example.com/ws", at: "api", path: "/ws" },
    ],
  },
  "blue-green": {
    servers: { 7001: "blue", 7002: "green" },
    steps: [
      {
        ask: "http://shop.example.com/",
        headers: { Cookie: "release=green" },
        status: 200,
        body: "GET / from green",
        fields: { "x-release": "green" },
      },
      {
        ask: "http://shop.example.com/",
        headers: { "X-Release": "blue" },
        status: 200,
        body: "GET / from blue",
      },
      { open: "ws://shop.example.com/ws", headers: { Cookie: "release=green" }, at: "green", path: "/ws" },
    ],
  },
  "tcp-load-balancer": {
    servers: { 3000: "app" },
    balancer: "PROXY TCP4 203.0.113.7 198.51.100.2 51234 443\r\n",
    steps: [
      {
        ask: "http://app.example.com/a?b=1",
        status: 301,
        fields: { location: "https://app.example.com/a?b=1" },
      },
      {
        ask: "https://app.example.com/a",
        headers: { "X-Forwarded-For": "192.0.2.66" },
        status: 200,
        body: "GET /a from app",
        seen: {
          "x-real-ip": "203.0.113.7",
          "x-forwarded-for": "203.0.113.7",
          "x-forwarded-port": "443",
          "x-forwarded-proto": "https",
        },
      },
      { ask: "https://app.example.com/health", status: 204 },
      {
        open: "wss://app.example.com/socket",
        at: "app",
        path: "/socket",
        seen: { "x-real-ip": "203.0.113.7", host: "app.example.com" },
      },
    ],
  },
};
