import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { describe } from "node:test";
import { endpointOf, scene, type MakeSubject, type Scene } from "./contract-scene.ts";
import { contextOptions, fixture, serverTls } from "./contract-tls.ts";
import type { TlsContext, TlsContextOptions } from "./network.ts";

/** What only adapters of the real system can show: real cryptography, files, foreign peers. */
export function testSystemNetwork(name: string, make: MakeSubject): void {
  describe(`system network: ${name}`, () => {
    testCertificates(make);
    testForeignPeers(make);

    scene("anybody may connect to a unix socket", make, async (stage) => {
      const path = stage.subject.unixPath();
      await stage.listen({ endpoint: { kind: "unix", path } });
      assert.equal(statSync(path).mode & 0o777, 0o666);
    });

    scene("the path of a unix socket is bytes", make, async (stage) => {
      const path = Buffer.from(`${stage.subject.unixPath()}-é`).toString("latin1");
      await stage.listen({ endpoint: { kind: "unix", path } });
      assert.ok(existsSync(Buffer.from(path, "latin1")));
      await stage.connect({ kind: "unix", path });
    });

    scene("connections have no delay and keep-alive only when asked", make, async (stage) => {
      const { client, server } = await stage.pair();
      client.connection.setKeepAlive(true, 30);
      client.connection.setKeepAlive(false);
      server.connection.setKeepAlive(true);
      client.connection.send(Buffer.from("alive"));
      await server.until(() => server.text === "alive");
    });
  });
}

function testCertificates(make: MakeSubject): void {
  scene("of two certificates the one that fits the cipher is shown", make, async (stage) => {
    const server = serving(stage, contextOptions(["a.test", "a.test.rsa"]));
    for (const [ciphers, file] of [
      ["ECDHE-RSA-AES128-GCM-SHA256", "a.test.rsa.crt"],
      ["ECDHE-ECDSA-AES128-GCM-SHA256", "a.test.crt"],
    ] as const) {
      const { client } = await stage.pair({
        server,
        client: dialing(stage, { ciphers, protocols: ["TLSv1.2"] }),
      });
      assert.equal(client.connection.tls?.cipher, ciphers);
      assert.ok(fixture(file).includes(pemBody(client.connection.tls?.peerCertificates()[0])), ciphers);
    }
  });

  scene("the server's order of ciphers counts when it is preferred", make, async (stage) => {
    const ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
    const reversed = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384";
    const options = contextOptions(["a.test"], {
      ciphers,
      preferServerCiphers: true,
      protocols: ["TLSv1.2"],
    });
    const client = dialing(stage, { ciphers: reversed, protocols: ["TLSv1.2"] });
    const pair = await stage.pair({ server: serving(stage, options), client });
    assert.equal(pair.server.connection.tls?.cipher, "ECDHE-ECDSA-AES256-GCM-SHA384");
  });

  scene("curves, DH parameters and encrypted keys are accepted", make, async (stage) => {
    const key = createPrivateKey(fixture("a.test.key")).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "secret",
    });
    const certificate = { chain: fixture("a.test.crt"), key: Buffer.from(key), passphrase: "secret" };
    const certificates = [certificate];
    const options = contextOptions([], {
      certificates,
      curves: "prime256v1",
      dhparam: fixture("dhparam.pem"),
    });
    await stage.pair({ server: serving(stage, options), client: dialing(stage, {}) });
    const plain = contextOptions([], { certificates, curves: "auto" });
    await stage.pair({ server: serving(stage, plain), client: dialing(stage, {}) });
  });

  scene("a session is resumed where tickets are on, and not where they are off", make, async (stage) => {
    for (const sessionTickets of [true, false]) {
      const options = contextOptions(["a.test"], { sessionTickets, protocols: ["TLSv1.2"] });
      const acceptor = await stage.listen({ tls: serving(stage, options) });
      const { port } = acceptor.listener.address;
      const first = await foreignClient(port);
      const session = first.getSession();
      const server = (await acceptor.peers.take()).connection.tls;
      first.destroy();
      assert.equal(server?.sessionReused, false);
      assert.match(server?.sessionId ?? "", /^[0-9a-f]*$/);
      const second = await foreignClient(port, session === undefined ? {} : { session });
      assert.equal((await acceptor.peers.take()).connection.tls?.sessionReused, sessionTickets);
      second.destroy();
    }
  });
}

function testForeignPeers(make: MakeSubject): void {
  scene("a TLS client of another make is served", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) });
    const client = await foreignClient(acceptor.listener.address.port);
    const server = await acceptor.peers.take();
    client.write("hello");
    await server.until(() => server.text === "hello");
    server.connection.send(Buffer.from("welcome"));
    server.connection.shutdown();
    const chunks: Buffer[] = [];
    for await (const chunk of client) chunks.push(chunk as Buffer);
    assert.equal(Buffer.concat(chunks).toString(), "welcome");
    client.destroy();
    await server.until(() => server.ends + server.closes.length > 0);
    server.connection.close();
  });

  scene(
    "a TLS client that breaks the protocol loses its connection, and nothing else",
    make,
    async (stage) => {
      const acceptor = await stage.listen({ tls: serverTls(stage.network) });
      const toServer = net.connect(acceptor.listener.address.port, "127.0.0.1");
      const relay = net.createServer((socket) => {
        socket
          .on("error", () => {})
          .pipe(toServer)
          .on("error", () => {})
          .pipe(socket);
      });
      await once(relay.listen(0, "127.0.0.1"), "listening");
      const client = await foreignClient((relay.address() as net.AddressInfo).port);
      const server = await acceptor.peers.take();
      client.on("error", () => {});
      // A record that is not encrypted as agreed.
      toServer.write(Buffer.from([0x17, 3, 3, 0, 40, ...Buffer.alloc(40, 0x78)]));
      await server.closed();
      assert.equal(server.closes.length, 1);
      assert.notEqual(server.closes[0], null);
      assert.deepEqual(stage.subject.internalErrors, []);
      client.destroy();
      relay.close();
    },
  );

  scene("a client hello that comes byte by byte is a handshake all the same", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) });
    const relay = await slowRelay(acceptor.listener.address.port);
    const client = await foreignClient((relay.address() as net.AddressInfo).port);
    const server = await acceptor.peers.take();
    assert.equal(server.connection.tls?.serverName, "a.test");
    client.destroy();
    await server.until(() => server.ends + server.closes.length > 0);
    server.connection.close();
    relay.close();
  });

  scene("a server that closes during the handshake fails the dial", make, async (stage) => {
    const acceptor = await stage.listen();
    const dialed = stage.connect(endpointOf(acceptor.listener.address), dialing(stage, {}));
    const server = await acceptor.peers.take();
    await server.until(() => server.byteCount > 0);
    server.connection.close();
    await assert.rejects(dialed);
  });

  scene("a client that leaves in the middle of its handshake is noticed at once", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) }, true);
    const hello = await clientHello();
    // The last one is no hello, but a record that only the TLS library can judge, once it is whole.
    const unfinished = Buffer.from([0x16, 3, 1, 0x20, 0, ...Buffer.alloc(40, 0x78)]);
    const starts = [1, 5, 40, hello.length].map((cut) => hello.subarray(0, cut));
    for (const start of [...starts, unfinished]) {
      const client = await stage.connect(endpointOf(acceptor.listener.address));
      client.connection.send(start);
      client.connection.shutdown();
      assert.notEqual((await acceptor.errors.take()).code, "HANDSHAKE_TIMEOUT");
    }
    assert.equal(stage.subject.internalErrors.length, 0);
  });
  scene(
    "random bytes behind a TLS record's first byte fail the handshake and nothing else",
    make,
    async (stage) => {
      const acceptor = await stage.listen({ tls: serverTls(stage.network) }, true);
      const client = await stage.connect(endpointOf(acceptor.listener.address));
      client.connection.send(Buffer.from([0x16, 3, 1, 0, 16, ...Buffer.alloc(16, 0xff)]));
      await acceptor.errors.take();
      await client.until(() => client.ends + client.closes.length > 0);
      const next = await foreignClient(acceptor.listener.address.port);
      (await acceptor.peers.take()).connection.close();
      next.destroy();
      assert.equal(stage.subject.internalErrors.length, 0);
    },
  );
}

function serving(stage: Scene, options: TlsContextOptions): ReturnType<typeof serverTls> {
  const context: TlsContext = stage.network.tlsContext(options);
  return serverTls(stage.network, { contextFor: () => context });
}

function dialing(
  stage: Scene,
  overrides: Partial<TlsContextOptions>,
): NonNullable<Parameters<Scene["connect"]>[1]> {
  const context = stage.network.tlsContext(contextOptions([], overrides));
  return { context, serverName: "a.test", verifyName: "a.test", alpn: [] };
}

/** What a TLS client says first. */
async function clientHello(): Promise<Buffer> {
  const listening = net.createServer();
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const client = tls.connect({ port: (listening.address() as net.AddressInfo).port, host: "127.0.0.1" });
  client.on("error", () => undefined);
  const [socket] = (await once(listening, "connection")) as [net.Socket];
  const [bytes] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  listening.close();
  return bytes;
}

/** A client of the runtime's own making. */
function foreignClient(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect(
      { port, host: "127.0.0.1", servername: "a.test", ca: fixture("ca.crt"), ...options },
      () => resolve(socket),
    );
    socket.on("error", reject);
  });
}

/** Forwards the first bytes of each client one by one. */
function slowRelay(port: number): Promise<net.Server> {
  const server = net.createServer({ noDelay: true }, (client) => {
    const upstream = net.connect({ port, host: "127.0.0.1", noDelay: true });
    upstream.on("data", (bytes) => client.write(bytes));
    upstream.on("error", () => client.destroy());
    upstream.on("close", () => client.destroy());
    client.on("error", () => upstream.destroy());
    client.on("close", () => upstream.destroy());
    client.once("data", (bytes: Buffer) => {
      const sendByte = (at: number): void => {
        upstream.write(bytes.subarray(at, at < 32 ? at + 1 : undefined));
        if (at < 32) setImmediate(sendByte, at + 1);
        else client.on("data", (more) => upstream.write(more));
      };
      sendByte(0);
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** A part of the PEM text that these DER bytes have. */
function pemBody(der: Buffer | undefined): string {
  return (der ?? Buffer.alloc(0)).toString("base64").slice(64, 128);
}
