import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import path from "node:path";
import { describe, test } from "node:test";
import { recipes, type Ask, type Open, type Recipe } from "./recipes.ts";
import { startEchoBackend, type EchoBackend } from "./support/backend.ts";
import { certificateFiles } from "./support/certificate.ts";
import { decodeFrame, textFrame } from "./support/frames.ts";
import {
  longhaul,
  products,
  repository,
  startGateway,
  type Gateway,
  type Product,
} from "./support/gateway.ts";
import { freePorts } from "./support/ports.ts";
import { WebSocket } from "./support/ws.ts";

const folder = path.join(repository, "examples/recipes");

/** A recipe that runs: its gateway, the servers behind it, and where it listens. */
interface Scene {
  readonly gateway: Gateway;
  readonly servers: ReadonlyMap<string, readonly EchoBackend[]>;
  readonly ports: Readonly<Record<string, number>>;
}

test("every recipe is exercised", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".conf"));
  assert.deepEqual(
    files.map((name) => path.basename(name, ".conf")).toSorted(),
    Object.keys(recipes).toSorted(),
  );
  assert.ok(files.length >= 20);
});

for (const product of products()) {
  describe(`recipes on ${product.name}`, () => {
    for (const [name, recipe] of Object.entries(recipes)) {
      test(name, async (t) => {
        const scene = await start(product, name, recipe, (stop) => t.after(stop));
        for (const step of recipe.steps) {
          if ("ask" in step) await ask(scene, step);
          else await open(scene, step);
        }
      });
    }
  });
}

/** What is added to each file for the clients that speak HTTP/2. */
const withHttp2 = "http {\n  http2 on;\n  http2_extended_connect on;\n  accept_extended_connect on;\n";

describe("recipes with http2 on", () => {
  for (const [name, recipe] of Object.entries(recipes)) {
    test(name, async (t) => {
      const scene = await start(longhaul, name, recipe, (stop) => t.after(stop), withHttp2);
      for (const step of recipe.steps) {
        if ("ask" in step) await ask(scene, step, answerByHttp2);
        else {
          await openByHttp2(scene, step);
          await open(scene, step);
        }
      }
    });
  }
});

async function start(
  product: Product,
  name: string,
  recipe: Recipe,
  after: (stop: () => Promise<void>) => void,
  frame = "http {\n",
): Promise<Scene> {
  const certificate = await certificateFiles();
  const tls = { cert: certificate["certificate.pem"]!, key: certificate["certificate.key"]! };
  const servers = new Map<string, EchoBackend[]>();
  let config = readFileSync(path.join(folder, `${name}.conf`), "latin1").replace("http {\n", frame);
  assert.ok(config.includes(frame));
  for (const [port, server] of Object.entries(recipe.servers)) {
    const backend = await startEchoBackend(server, 0, {
      ...(recipe.tls?.includes(server) === true ? { tls } : {}),
      ...(recipe.answer === undefined ? {} : { answer: recipe.answer }),
    });
    after(() => backend.stop());
    servers.set(server, [...(servers.get(server) ?? []), backend]);
    config = config.replaceAll(`127.0.0.1:${port}`, `127.0.0.1:${backend.port}`);
  }
  const { balancer } = recipe;
  const [plain, secure] = (await freePorts(2)) as [number, number];
  config = config.replaceAll("127.0.0.1:8080", `127.0.0.1:${plain}`);
  config = config.replaceAll("127.0.0.1:8443", `127.0.0.1:${secure}`);
  const files = { ...certificate, ...recipe.files, "mime.types": mimeTypes };
  const port = config.includes(`:${secure} ssl`) ? secure : plain;
  const gateway = await startGateway(product, { config, port, files });
  after(() => gateway.stop());
  const reach = async (own: number): Promise<number> => {
    return balancer === undefined ? own : await startBalancer(own, balancer, after);
  };
  const [open, sealed] = [await reach(plain), await reach(secure)];
  return { gateway, servers, ports: { "http:": open, "ws:": open, "https:": sealed, "wss:": sealed } };
}

/** Passes connections on to a port of the gateway, with `first` ahead of what comes. Resolves with its own port. */
async function startBalancer(
  port: number,
  first: string,
  after: (stop: () => Promise<void>) => void,
): Promise<number> {
  const server = net.createServer((client) => {
    const gateway = net.connect({ port, host: "127.0.0.1" });
    gateway.write(first);
    client.pipe(gateway).pipe(client);
    client.on("error", () => gateway.destroy());
    gateway.on("error", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(async () => void server.close());
  return (server.address() as net.AddressInfo).port;
}

interface Answer {
  readonly status: number | undefined;
  readonly fields: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(scene: Scene, step: Ask, answered = answerByHttp1): Promise<void> {
  const { servers, gateway } = scene;
  const { status, fields, body } = await answered(scene, step);
  const told = `${step.ask}\n${body}\n${gateway.log()}`;
  assert.equal(status, step.status, told);
  if (typeof step.body === "string") assert.equal(body, step.body);
  else if (step.body !== undefined) assert.match(body, step.body);
  for (const [field, value] of Object.entries(step.fields ?? {})) {
    // The files name ports 80 and 443 by their schemes; here it is another.
    const actual = String(fields[field] ?? null).replace(/:\d{5}\//, "/");
    assert.equal(actual, String(value), `${field} of ${told}`);
  }
  holds(step.seen, lastRequest(servers, / from (.*)$/.exec(body)?.[1]));
}

async function answerByHttp1({ ports }: Scene, step: Ask): Promise<Answer> {
  const url = new URL(step.ask);
  const options: https.RequestOptions = {
    host: "127.0.0.1",
    port: ports[url.protocol],
    servername: url.hostname,
    rejectUnauthorized: false,
    method: step.method ?? "GET",
    path: step.ask.slice(step.ask.indexOf("/", 8)),
    headers: { Host: url.hostname, Connection: "close", ...step.headers },
  };
  const request = url.protocol === "https:" ? https.request(options) : http.request(options);
  request.end();
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const body = Buffer.concat(await response.toArray()).toString("latin1");
  return { status: response.statusCode, fields: response.headers, body };
}

/** A connection by HTTP/2 to where a URL leads: by ALPN with TLS, else with prior knowledge. */
function connectHttp2({ ports }: Scene, url: URL): http2.ClientHttp2Session {
  const secure = url.protocol === "https:" || url.protocol === "wss:";
  const origin = `${secure ? "https" : "http"}://127.0.0.1:${ports[url.protocol]}`;
  return http2.connect(origin, { servername: url.hostname, rejectUnauthorized: false });
}

async function answerByHttp2(scene: Scene, step: Ask): Promise<Answer> {
  const url = new URL(step.ask);
  const session = connectHttp2(scene, url);
  const request = session.request({
    ":method": step.method ?? "GET",
    ":path": step.ask.slice(step.ask.indexOf("/", 8)),
    ":authority": url.hostname,
    ...lowered(step.headers),
  });
  const response = once(request, "response") as Promise<[http2.IncomingHttpHeaders]>;
  request.end();
  const [head] = await response;
  const body = Buffer.concat((await request.toArray()) as Buffer[]).toString("latin1");
  session.close();
  return { status: Number(head[":status"]), fields: head, body };
}

/** Names as HTTP/2 wants them. */
function lowered(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** A WebSocket by extended CONNECT (RFC 8441), over which a message goes there and back. */
async function openByHttp2(scene: Scene, step: Open): Promise<void> {
  const url = new URL(step.open);
  const session = connectHttp2(scene, url);
  const [settings] = (await once(session, "remoteSettings")) as [http2.Settings];
  assert.equal(settings.enableConnectProtocol, true);
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": url.protocol === "wss:" ? "https" : "http",
      ":path": url.pathname + url.search,
      ":authority": url.hostname,
      "sec-websocket-version": "13",
      ...lowered(step.headers),
    },
    { endStream: false },
  );
  const [head] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
  assert.equal(Number(head[":status"]), 200, scene.gateway.log());
  assert.equal(head["x-backend"], step.at);
  const echoed = once(stream, "data") as Promise<[Buffer]>;
  stream.write(textFrame("hello", true));
  assert.equal(decodeFrame((await echoed)[0])?.frame.payload.toString(), "hello");
  const seen = lastRequest(scene.servers, step.at);
  assert.equal(seen?.url, step.path);
  holds(step.seen, seen);
  stream.close();
  session.destroy();
}

async function open({ ports, servers }: Scene, step: Open): Promise<void> {
  const url = new URL(step.open);
  const socket = new WebSocket(
    `${url.protocol}//127.0.0.1:${ports[url.protocol]}${url.pathname}${url.search}`,
    {
      headers: { Host: url.hostname, ...step.headers },
      rejectUnauthorized: false,
    },
  );
  const upgraded = once(socket, "upgrade") as Promise<[http.IncomingMessage]>;
  await once(socket, "open");
  const [answer] = await upgraded;
  assert.equal(answer.headers["x-backend"], step.at);
  const echoed = once(socket, "message") as Promise<[Buffer]>;
  socket.send("hello");
  assert.equal((await echoed)[0].toString(), "hello");
  const seen = lastRequest(servers, step.at);
  assert.equal(seen?.url, step.path);
  holds(step.seen, seen);
  const closed = once(socket, "close") as Promise<[number]>;
  socket.close(4000, "bye");
  assert.equal((await closed)[0], 4000);
}

/** The request that came last to a server of this name. */
function lastRequest(servers: Scene["servers"], name: string | undefined): http.IncomingMessage | undefined {
  return servers
    .get(name ?? "")
    ?.flatMap(({ requests }) => requests)
    .at(-1);
}

function holds(
  expected: Readonly<Record<string, string>> | undefined,
  seen: http.IncomingMessage | undefined,
): void {
  for (const [field, value] of Object.entries(expected ?? {}))
    assert.equal(seen?.headers[field], value, field);
}

const mimeTypes = `types {
  text/html html;
  text/css css;
  application/javascript js;
  image/svg+xml svg;
}
`;
