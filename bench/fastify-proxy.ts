/** The usual way of writing a proxy on fastify: `@fastify/http-proxy` with WebSockets. Takes a `Setting` as JSON. */
import { readFileSync } from "node:fs";
import httpProxy from "@fastify/http-proxy";
import fastify from "fastify";
import type { Setting } from "./configurations.ts";

const setting = JSON.parse(process.argv[2] ?? "{}") as Setting;
const options = { upstream: `http://127.0.0.1:${setting.backendPort}`, websocket: true } as const;
const tls = { cert: readFileSync(setting.certificate), key: readFileSync(setting.key) };
const plain = fastify();
const secure = fastify({ https: tls });
await plain.register(httpProxy, options);
await secure.register(httpProxy, options);
await plain.listen({ host: "127.0.0.1", port: setting.plainPort });
await secure.listen({ host: "127.0.0.1", port: setting.tlsPort });
