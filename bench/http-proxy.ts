/** The usual way of writing a proxy for Node: `http-proxy-3` behind node:http. Takes a `Setting` as JSON. */
import { readFileSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Duplex } from "node:stream";
import { createProxyServer } from "http-proxy-3";
import type { Setting } from "./configurations.ts";

const setting = JSON.parse(process.argv[2] ?? "{}") as Setting;
const target = `http://127.0.0.1:${setting.backendPort}`;
const web = createProxyServer({ target, agent: new Agent({ keepAlive: true }) });
const tunnels = createProxyServer({ target });
for (const proxy of [web, tunnels]) {
  proxy.on("error", (_error, _request, answer) => answer?.destroy());
}

const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
  web.web(request, response);
};
const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
  tunnels.ws(request, socket, head);
};
createServer(onRequest).on("upgrade", onUpgrade).listen(setting.plainPort, "127.0.0.1");
const tls = { cert: readFileSync(setting.certificate), key: readFileSync(setting.key) };
createTlsServer(tls, onRequest).on("upgrade", onUpgrade).listen(setting.tlsPort, "127.0.0.1");
