import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { http2Options } from "../../http2/options.ts";
import type { Http2Options } from "../../http2/options.ts";
import { acceptFor } from "../../websocket/accept.ts";
import { writeFrame } from "../../websocket/frame-writer.ts";
import { StreamClient } from "../client/stream-wire.fixture.ts";
import { Http2Origin } from "../http2-origin.fixture.ts";
import type { OriginRequest } from "../http2-origin.fixture.ts";
import { Fields } from "../../http/fields.ts";
import { Simulation, steadyWeather } from "../simulation.fixture.ts";
import { answering, incomplete } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";

const httpFor = (more = "", options = ""): string => `
  proxy_http_version 2; http2 on; websocket on;
  upstream origin { server 10.0.0.9:9000 ${options}; keepalive 4; ${more} }
  server {
    listen 10.0.0.1:80;
    location / { proxy_pass http://origin; }
    location /alone { proxy_pass http://10.0.0.9:9000; }
    location /brief { proxy_pass http://origin; proxy_read_timeout 2s; }
  }`;

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const handshake = (more = "", path = "/chat"): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
  `Sec-WebSocket-Key: ${key}\r\n${more}\r\n`;
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const connects: Partial<Http2Options> = {
  requestHead: { ...http2Options.requestHead, extendedConnect: true },
};
const frame = (text: string): Buffer => writeFrame(1, Buffer.from(text));
const masked = (text: string): Buffer => writeFrame(1, Buffer.from(text), { mask: 7 });

interface Scene {
  readonly simulation: Simulation;
  readonly origins: Http2Origin[];
  readonly wires: Wire[];
  /** Heads that came by HTTP/1.1. */
  readonly plain: Message[];
}

const isConnect = ({ head }: OriginRequest): boolean => head.connectProtocol === "websocket";

/** Opens every tunnel, and says hello to all else. */
function open(request: OriginRequest): void {
  if (!isConnect(request)) return request.answer(200, {}, "hello");
  const fields = new Fields();
  const offered = request.head.fields.get("sec-websocket-protocol");
  if (offered !== null) fields.add("sec-websocket-protocol", offered.split(",")[0]!);
  fields.add("x-own", "1");
  // Wrong, and without meaning (RFC 9110, section 9.3.6).
  fields.add("content-length", "0");
  request.stream.sendHead(200, fields, false);
  request.origin.session.flush();
}

function say(request: OriginRequest, bytes: Buffer): void {
  request.stream.sendData(bytes, 0, bytes.length, false);
  request.origin.session.flush();
}

interface SceneOptions {
  readonly http?: string;
  readonly act?: (request: OriginRequest, connection: number) => void;
  readonly http2?: Partial<Http2Options>;
  /** Does not know HTTP/2 at all. */
  readonly http1Only?: boolean;
}

const switching = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n\r\n`;

/** A server by HTTP/2, and by HTTP/1.1 for whoever begins so. */
async function begin(options: SceneOptions = {}): Promise<Scene> {
  const { http = httpFor(), act = open, http2 = connects, http1Only = false } = options;
  const simulation = await Simulation.start({ http, weather: steadyWeather });
  const origins: Http2Origin[] = [];
  const plain: Message[] = [];
  const wires: Wire[] = [];
  const serve = (wire: Wire): void => {
    wires.push(wire);
    const connection = wires.length;
    wire.onBytes = () => {
      if (wire.text.length < 4) return;
      if (!wire.text.startsWith("PRI ")) {
        answering(wire, (message) => {
          plain.push(message);
          wire.onBytes = null;
          return switching;
        });
        return poke(wire);
      }
      if (http1Only) {
        wire.send("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        return wire.end();
      }
      const origin = new Http2Origin(wire, simulation.network.clock, http2);
      origin.onAsked = (request) => act(request, connection);
      origins.push(origin);
      poke(wire);
    };
  };
  for (const port of [9000, 9001]) await simulation.origin(port, serve);
  return { simulation, origins, wires, plain };
}

/** What has come is for another one from now on. */
function poke(wire: Wire): void {
  wire.onBytes?.();
}

async function headOf(simulation: Simulation, client: Wire): Promise<Message> {
  let message: Message | typeof incomplete = incomplete;
  await simulation.until(() => (message = client.take()) !== incomplete);
  return message as unknown as Message;
}

async function shake({ simulation }: Scene, request = handshake()): Promise<Message & { client: Wire }> {
  const client = simulation.client();
  client.send(request);
  return { ...(await headOf(simulation, client)), client };
}

/** Echo both ways. */
async function speak({ simulation }: Scene, client: Wire, request: OriginRequest): Promise<void> {
  const before = request.body.length;
  client.send(masked("up"));
  await simulation.until(() => request.body.length === before + masked("up").length);
  client.takeBytes();
  say(request, frame("down"));
  await simulation.until(() => client.inbox.equals(frame("down")));
  client.takeBytes();
}

describe("a WebSocket to a server that speaks HTTP/2", () => {
  test("is opened by an extended CONNECT, and the client gets 101", async () => {
    const scene = await begin();
    const { simulation, origins, wires } = scene;
    const offer = "Sec-WebSocket-Protocol: chat, other\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";
    const { client, startLine, fields } = await shake(
      scene,
      handshake(`${offer}Origin: http://a\r\nContent-Length: 0\r\n`),
    );
    assert.equal(startLine, "HTTP/1.1 101 Switching Protocols");
    assert.equal(fields.get("upgrade"), "websocket");
    assert.equal(fields.get("connection"), "upgrade");
    assert.equal(fields.get("sec-websocket-accept"), acceptFor(key));
    assert.equal(fields.get("sec-websocket-protocol"), "chat");
    assert.equal(fields.get("x-own"), "1");
    assert.equal(fields.has("content-length"), false);
    const [request] = origins[0]!.requests;
    const { head } = request!;
    assert.equal(head.method, "CONNECT");
    assert.equal(head.connectProtocol, "websocket");
    assert.equal(head.requestUri, "/chat");
    assert.deepEqual(head.fields.names.filter((name) => name !== "host").toSorted(), [
      "origin",
      "sec-websocket-extensions",
      "sec-websocket-protocol",
      "sec-websocket-version",
    ]);
    await speak(scene, client, request!);
    client.end();
    await simulation.until(() => request!.ended || request!.resetCode !== null);
    await simulation.advance(1000);
    // The connection goes on, for whatever comes.
    assert.match((await simulation.ask(get)).startLine, / 200 /);
    assert.equal(wires.length, 1);
    await simulation.finish();
    assert.equal(simulation.accessLines[0]!.slice(0, 14), "GET /chat 101 ");
  });

  test("gets 200 towards a client that speaks HTTP/2", async () => {
    const scene = await begin();
    const { simulation, origins } = scene;
    const opened = new StreamClient(simulation).open();
    await simulation.until(() => opened.answered);
    assert.equal(opened.answer.status, 200);
    assert.equal(opened.answer.fields!.has("sec-websocket-accept"), false);
    await simulation.advance(10);
    await speak(scene, opened.wire, origins[0]!.requests[0]!);
    await simulation.finish();
  });

  test("shares a connection with others and with requests", async () => {
    const scene = await begin();
    const { simulation, origins, wires } = scene;
    const clients = Array.from({ length: 20 }, (_, index) => {
      const client = simulation.client();
      client.send(handshake("", `/${index}`));
      return client;
    });
    for (const client of clients) assert.match((await headOf(simulation, client)).startLine, / 101 /);
    assert.match((await simulation.ask(get)).startLine, / 200 /);
    assert.equal(wires.length, 1);
    for (const [index, client] of clients.entries()) {
      const request = origins[0]!.requests.find(({ head }) => head.requestUri === `/${index}`);
      await speak(scene, client, request!);
    }
    await simulation.finish();
  });

  test("takes another connection where the streams of one are used up", async () => {
    const scene = await begin({ http2: { ...connects, maxConcurrentStreams: 2 } });
    for (let count = 0; count < 5; count++) assert.match((await shake(scene)).startLine, / 101 /);
    assert.equal(scene.wires.length, 3);
    await scene.simulation.finish();
  });

  test("has a connection of its own where there is no pool", async () => {
    const scene = await begin();
    const { client } = await shake(scene, handshake("", "/alone"));
    await speak(scene, client, scene.origins[0]!.requests[0]!);
    client.leave();
    await scene.simulation.until(() => scene.wires[0]!.over);
    await scene.simulation.finish();
  });

  test("carries much in both directions, as the windows allow", async () => {
    const scene = await begin();
    const { simulation, origins } = scene;
    const { client } = await shake(scene);
    const [request] = origins[0]!.requests;
    const large = writeFrame(2, Buffer.alloc(700_000, 1), { mask: 7 });
    client.send(large);
    await simulation.until(() => request!.body.length === large.length);
    assert.ok(request!.body.equals(large));
    const back = writeFrame(2, Buffer.alloc(700_000, 2));
    client.readSlowly(20_000, 10);
    request!.send(back);
    await simulation.until(() => client.inbox.length === back.length);
    assert.ok(client.inbox.equals(back));
    await simulation.finish();
  });

  for (const path of ["/chat", "/alone"]) {
    test(`goes by HTTP/1.1 where extended CONNECT is not announced, to ${path}`, async () => {
      const scene = await begin({ http2: {} });
      const { startLine } = await shake(scene, handshake("", path));
      assert.match(startLine, / 101 /);
      assert.equal(scene.plain[0]!.startLine, `GET ${path} HTTP/1.1`);
      assert.equal(scene.plain[0]!.fields.get("sec-websocket-key"), key);
      assert.deepEqual(scene.origins[0]!.requests, []);
      await scene.simulation.finish();
      assert.deepEqual(
        scene.simulation.errorLines.filter((line) => /upstream (broke|prem)/.test(line)),
        [],
      );
    });

    test(`goes by HTTP/1.1 to a server that knows nothing else, to ${path}`, async () => {
      const scene = await begin({ http1Only: true });
      const { simulation } = scene;
      const clients = [1, 2, 3].map(() => {
        const client = simulation.client();
        client.send(handshake("", path));
        return client;
      });
      for (const client of clients) assert.match((await headOf(simulation, client)).startLine, / 101 /);
      assert.equal(scene.plain.length, 3);
      await simulation.finish();
      assert.deepEqual(
        simulation.errorLines.filter((line) => /\[error\]/.test(line)),
        [],
      );
    });
  }

  const unfit: readonly (readonly [what: string, request: string])[] = [
    ["of another version", handshake().replace("Version: 13", "Version: 8")],
    ["without a key", handshake().replace(/Sec-WebSocket-Key.*\r\n/, "")],
    ["with a body", handshake("Content-Length: 1\r\n") + "x"],
  ];
  for (const [what, request] of unfit) {
    test(`is left to the server's HTTP/1.1 when the handshake is one ${what}`, async () => {
      const scene = await begin();
      const client = scene.simulation.client();
      client.send(request);
      await scene.simulation.until(() => scene.plain.length === 1);
      assert.deepEqual(scene.origins, []);
      await scene.simulation.finish();
    });
  }
});

describe("a server that opens no tunnel", () => {
  for (const status of [204, 302, 401, 403, 503]) {
    test(`but answers ${status} has that passed on, and its connection used again`, async () => {
      const scene = await begin({
        act(request) {
          if (isConnect(request)) request.answer(status, { "x-why": "b" }, status === 204 ? "" : "no");
          else open(request);
        },
      });
      const { startLine, fields, body } = await shake(scene);
      assert.equal(startLine.slice(0, 12), `HTTP/1.1 ${status}`);
      assert.equal(fields.get("x-why"), "b");
      assert.equal(body.toString(), status === 204 ? "" : "no");
      assert.match((await scene.simulation.ask(get)).startLine, / 200 /);
      assert.equal(scene.wires.length, 1);
      await scene.simulation.finish();
    });
  }

  test("with its 200 fails", async () => {
    const scene = await begin({ act: (request) => request.answer(200, {}) });
    assert.match((await shake(scene)).startLine, / 502 /);
    await scene.simulation.finish();
    assert.match(scene.simulation.errorLines[0]!, /upstream opened no tunnel with its 200 while reading/);
  });

  test("and refuses the stream leaves it for the next server, whatever may be repeated", async () => {
    const scene = await begin({
      http: httpFor("server 10.0.0.9:9001 backup;"),
      act(request, connection) {
        if (connection > 1) return open(request);
        request.stream.reset(7);
        request.origin.session.flush();
      },
    });
    assert.match((await shake(scene)).startLine, / 101 /);
    assert.equal(scene.wires.length, 2);
    await scene.simulation.finish();
    assert.match(scene.simulation.errorLines[0]!, /upstream refused the stream/);
  });

  test("but resets the stream is left for the next server", async () => {
    const scene = await begin({
      http: httpFor("server 10.0.0.9:9000 backup;").replace(
        "websocket on;",
        "websocket on; proxy_next_upstream error invalid_header;",
      ),
      act(request) {
        seen += 1;
        if (seen > 1) return open(request);
        request.stream.reset(2);
        request.origin.session.flush();
      },
    });
    let seen = 0;
    assert.match((await shake(scene)).startLine, / 101 /);
    assert.equal(seen, 2);
    await scene.simulation.finish();
    assert.match(scene.simulation.errorLines[0]!, /upstream rejected request with error 2/);
  });

  test("and tells no settings is given up after proxy_read_timeout", async () => {
    const simulation = await Simulation.start({ http: httpFor(), weather: steadyWeather });
    await simulation.origin(9000, () => {});
    const client = simulation.client();
    client.send(handshake("", "/brief"));
    const began = simulation.now;
    assert.match((await headOf(simulation, client)).startLine, / 504 /);
    assert.ok(simulation.now - began < 2100);
    await simulation.finish();
  });
});

describe("a tunnel on a stream of a server", () => {
  test("outlives the server's GOAWAY; who comes then has another connection", async () => {
    const scene = await begin();
    const { simulation, origins, wires } = scene;
    const { client } = await shake(scene);
    origins[0]!.session.drain();
    await simulation.advance(100);
    const { client: second } = await shake(scene);
    assert.equal(wires.length, 2);
    for (let count = 0; count < 3; count++) {
      await speak(scene, client, origins[0]!.requests[0]!);
      await speak(scene, second, origins[1]!.requests[0]!);
      await simulation.advance(5000);
    }
    client.leave();
    await simulation.until(() => wires[0]!.over);
    assert.equal(wires[1]!.over, false);
    await simulation.finish();
  });

  test("ends with its stream, and no other does", async () => {
    const scene = await begin();
    const { simulation, origins } = scene;
    const { client } = await shake(scene);
    const { client: other } = await shake(scene);
    origins[0]!.requests[0]!.stream.reset(8);
    origins[0]!.session.flush();
    await simulation.until(() => client.over || client.finished);
    await speak(scene, other, origins[0]!.requests[1]!);
    other.connection!.reset();
    await simulation.until(() => origins[0]!.requests[1]!.resetCode !== null);
    await simulation.finish();
  });

  test("ends with its connection, as all do on it", async () => {
    for (const how of ["reset", "end"] as const) {
      const scene = await begin();
      const { client } = await shake(scene);
      const { client: other } = await shake(scene);
      if (how === "reset") scene.wires[0]!.connection!.reset();
      else scene.wires[0]!.end();
      await scene.simulation.until(() => client.finished && other.finished);
      await scene.simulation.finish();
    }
  });

  test("counts for max_conns as long as it lives", async () => {
    const scene = await begin({ http: httpFor("", "max_conns=1") });
    const { client } = await shake(scene);
    assert.match((await scene.simulation.ask(get)).startLine, / 502 /);
    client.leave();
    await scene.simulation.advance(1000);
    assert.match((await scene.simulation.ask(get)).startLine, / 200 /);
    await scene.simulation.finish();
  });

  test("is never begun for a client that leaves before the settings, which others still wait for", async () => {
    const simulation = await Simulation.start({ http: httpFor(), weather: steadyWeather });
    const wires: Wire[] = [];
    const origins: Http2Origin[] = [];
    await simulation.origin(9000, (wire) => wires.push(wire));
    const client = simulation.client();
    client.send(handshake());
    await simulation.until(() => wires.length === 1 && wires[0]!.receivedBytes > 0);
    const other = simulation.client();
    other.send(get);
    await simulation.advance(100);
    client.leave();
    await simulation.advance(100);
    const origin = new Http2Origin(wires[0]!, simulation.network.clock, connects);
    origins.push(origin);
    origin.onAsked = open;
    wires[0]!.onBytes!();
    assert.match((await headOf(simulation, other)).startLine, / 200 /);
    assert.equal(wires.length, 1);
    assert.deepEqual(
      origin.requests.map(({ head }) => head.method),
      ["GET"],
    );
    await simulation.finish();
  });

  test("moves to another server when its own is lost", async () => {
    const scene = await begin({
      http: httpFor("server 10.0.0.9:9001 backup;").replace(
        "websocket on;",
        "websocket on; websocket_failover on;",
      ),
    });
    const { simulation, origins, wires } = scene;
    const { client } = await shake(scene);
    await speak(scene, client, origins[0]!.requests[0]!);
    wires[0]!.connection!.reset();
    await simulation.until(() => origins.length === 2 && origins[1]!.requests.length === 1);
    const [again] = origins[1]!.requests;
    assert.equal(again!.head.fields.get("longhaul-resumed"), "1");
    await speak(scene, client, again!);
    await simulation.finish();
    assert.match(simulation.errorLines.join("\n"), /WebSocket moved/);
  });
});
