import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { certificateFiles } from "./support/certificate.ts";
import { isOnPath, longhaul, startGateway } from "./support/gateway.ts";
import type { Gateway } from "./support/gateway.ts";
import { freePorts } from "./support/ports.ts";

/** Servers that speak HTTP/2: node's own, and nginx. */
const servers = isOnPath("nginx") ? (["node", "nginx"] as const) : (["node"] as const);
const mebibyte = Buffer.alloc(1024 * 1024, "0123456789abcdef");

interface Answer {
  readonly status: number;
  readonly body: Buffer;
  readonly fields: http.IncomingHttpHeaders;
}

async function ask(port: number, path: string, body?: Buffer): Promise<Answer> {
  const request = http.request({
    port,
    path,
    host: "127.0.0.1",
    method: body === undefined ? "GET" : "POST",
  });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode!, body: Buffer.concat(chunks), fields: response.headers };
}

/** The server: `/echo` sends the body back, `/large` a mebibyte, everything else its protocol. */
function serveNode(server: http2.Http2Server, sessions: Set<http2.ServerHttp2Session>): void {
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream: http2.ServerHttp2Stream, fields) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200, "x-alpn": String(stream.session?.alpnProtocol) });
    if (fields[":path"] === "/echo") stream.pipe(stream);
    else if (fields[":path"] === "/large") stream.end(mebibyte);
    else stream.end("HTTP/2.0");
  });
}

const nginxConfig = (plain: number, tls: number, echo: number): string => `
  events {}
  http {
    access_log off;
    client_max_body_size 0;
    ssl_certificate PREFIX/certificate.pem;
    ssl_certificate_key PREFIX/certificate.key;
    server {
      listen 127.0.0.1:${plain} http2;
      listen 127.0.0.1:${tls} ssl http2;
      http2_max_concurrent_streams 8;
      location / { add_header x-alpn $http2; return 200 $server_protocol; }
      location /echo { proxy_pass http://127.0.0.1:${echo}; }
      location /large { proxy_pass http://127.0.0.1:${echo}; }
    }
  }`;

for (const kind of servers) {
  describe(`HTTP/2 to ${kind}`, () => {
    const stops: (() => unknown)[] = [];
    const sessions = new Set<http2.ServerHttp2Session>();
    let gateway: Gateway;
    let port = 0;

    before(async () => {
      const files = await certificateFiles();
      const [gatewayPort, plain, tls] = await freePorts(3);
      port = gatewayPort!;
      if (kind === "node") {
        const pair = { key: files["certificate.key"]!, cert: files["certificate.pem"]! };
        const clear = http2.createServer();
        const secure = http2.createSecureServer(pair);
        for (const [server, at] of [
          [clear, plain],
          [secure, tls],
        ] as const) {
          serveNode(server, sessions);
          server.listen(at, "127.0.0.1");
          await once(server, "listening");
        }
        stops.push(() => {
          for (const session of sessions) session.destroy();
          clear.close();
          secure.close();
        });
      } else {
        const echo = http.createServer((request, response) => {
          if (request.url === "/large") response.end(mebibyte);
          else request.pipe(response);
        });
        echo.listen(0, "127.0.0.1");
        await once(echo, "listening");
        const echoPort = (echo.address() as AddressInfo).port;
        const nginx = await startGateway(
          { name: "nginx", command: ["nginx"] },
          { config: nginxConfig(plain!, tls!, echoPort), port: plain!, files },
        );
        stops.push(
          () => nginx.stop(),
          () => echo.close(),
        );
      }
      const config = `
        events {}
        http {
          access_log off;
          client_max_body_size 0;
          proxy_http_version 2;
          upstream plain { server 127.0.0.1:${plain}; }
          upstream secure { server 127.0.0.1:${tls}; }
          server {
            listen 127.0.0.1:${port};
            location / { proxy_pass http://plain; }
            location /tls/ { proxy_pass https://secure/; }
            location /streamed/ { proxy_pass http://plain/; proxy_request_buffering off; }
          }
        }`;
      gateway = await startGateway(longhaul, { config, port });
    });

    after(async () => {
      await gateway.stop();
      for (const stop of stops) await stop();
    });

    for (const way of ["/", "/tls/"]) {
      test(`${way}: a request, and a body each way`, async () => {
        const { status, body, fields } = await ask(port, `${way}x`);
        assert.equal(status, 200, gateway.log());
        assert.equal(body.toString(), "HTTP/2.0");
        assert.equal(fields["x-alpn"], way === "/" ? "h2c" : "h2");
        assert.ok((await ask(port, `${way}echo`, mebibyte)).body.equals(mebibyte));
        assert.ok((await ask(port, `${way}large`)).body.equals(mebibyte));
      });
    }

    test("a body that is passed on as it comes", async () => {
      assert.ok((await ask(port, "/streamed/echo", mebibyte)).body.equals(mebibyte));
    });

    test("many requests at a time, large ones among them", async () => {
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, index) => ask(port, index % 6 === 0 ? "/large" : `/${index}`)),
      );
      for (const [index, { status, body }] of answers.entries()) {
        assert.equal(status, 200, gateway.log());
        if (index % 6 === 0) assert.ok(body.equals(mebibyte));
        else assert.equal(body.toString(), "HTTP/2.0");
      }
      // node's server tells no limit.
      if (kind === "node") assert.ok([...sessions].filter(({ closed }) => !closed).length <= 4);
    });
  });
}
