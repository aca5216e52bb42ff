import assert from "node:assert/strict";
import type { Connection } from "./connection.ts";
import { DialFailure, patternBytes, ContractPeer } from "./contract-peer.ts";
import { endpointOf, loopback, scene, type MakeSubject, type Scene } from "./contract-scene.ts";
import { exchangeBothWays } from "./contract-streaming.ts";
import { contextOptions, fixture, serverTls } from "./contract-tls.ts";
import type { ClientTls, ServerTls, TlsContextOptions } from "./network.ts";

const mebibyte = 1024 * 1024;

/** nginx's own example lists, as configurations have them. */
const cipherLists = [
  "ECDHE-RSA-AES128-GCM-SHA256:ECDHE:ECDH:AES:HIGH:!NULL:!aNULL:!MD5:!ADH:!RC4",
  "HIGH:!aNULL:!MD5",
  "ALL:!aNULL:!EXPORT56:RC4+RSA:+HIGH:+MEDIUM:+LOW:+SSLv2:+EXP",
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305",
  "DEFAULT@SECLEVEL=1",
];

/** TLS: names, protocols, certificates, failures, and the promises of plain connections again. */
export function testSecurity(make: MakeSubject): void {
  testAgreement(make);
  testClientCertificates(make);
  testVerification(make);
  testHandshakeFailures(make);
  testTlsStreams(make);
  testMaterial(make);
}

function testAgreement(make: MakeSubject): void {
  scene("the SNI name chooses certificate and protocols", make, async (stage) => {
    const options = { server: serverTls(stage.network) };
    for (const [name, protocol] of [
      ["a.test", "http/1.1"],
      ["b.test", "h2"],
    ] as const) {
      const { client, server } = await stage.pair({
        ...options,
        client: clientTls(stage, name, { alpn: ["h2", "http/1.1"] }),
      });
      assert.equal(server.connection.tls?.serverName, name);
      assert.equal(server.connection.tls?.alpnProtocol, protocol);
      assert.equal(client.connection.tls?.alpnProtocol, protocol);
      assert.equal(client.connection.tls?.verifyError, null);
      assert.match(server.connection.tls?.protocol ?? "", /^TLSv1\.[23]$/);
      assert.notEqual(server.connection.tls?.cipher, "");
      assert.equal(server.connection.tls?.peerCertificates().length, 0);
      const presented = client.connection.tls?.peerCertificates()[0];
      assert.ok(presented?.equals(derOf(`${name}.crt`)));
    }
  });

  scene("a client without SNI and ALPN gets the default context and no protocol", make, async (stage) => {
    const names: (string | null)[] = [];
    const base = serverTls(stage.network);
    const server: ServerTls = {
      ...base,
      contextFor(name) {
        names.push(name);
        return base.contextFor(name, null);
      },
    };
    const pair = await stage.pair({ server, client: clientTls(stage, null) });
    assert.deepEqual([...new Set(names)], [null]);
    assert.equal(pair.server.connection.tls?.serverName, null);
    assert.equal(pair.server.connection.tls?.alpnProtocol, null);
    const nameless = await stage.pair({ server, client: clientTls(stage, null, { alpn: ["http/1.1"] }) });
    assert.equal(nameless.server.connection.tls?.alpnProtocol, "http/1.1");
  });

  scene("SNI names are told in lower case", make, async (stage) => {
    const { server } = await stage.pair({
      server: serverTls(stage.network),
      client: clientTls(stage, "B.Test", { verifyName: null }),
    });
    assert.equal(server.connection.tls?.serverName, "b.test");
  });

  scene("both ends agree on a version that both enable", make, async (stage) => {
    const only12 = stage.network.tlsContext(
      contextOptions(["a.test"], { protocols: ["TLSv1", "TLSv1.1", "TLSv1.2"] }),
    );
    const { server, client } = await stage.pair({
      server: serverTls(stage.network, { contextFor: () => only12 }),
      client: clientTls(stage, "a.test"),
    });
    assert.equal(server.connection.tls?.protocol, "TLSv1.2");
    assert.equal(client.connection.tls?.protocol, "TLSv1.2");
  });
}

function testClientCertificates(make: MakeSubject): void {
  const cases = [
    { name: "a trusted client certificate is shown", certificate: "client", trusted: true },
    {
      name: "an untrusted client certificate is shown with the reason",
      certificate: "stranger",
      trusted: false,
    },
    { name: "a missing client certificate is no error", certificate: null, trusted: true },
  ];
  for (const { name, certificate, trusted } of cases) {
    scene(name, make, async (stage) => {
      const names = certificate === null ? [] : [certificate];
      const { server, client } = await stage.pair({
        server: serverTls(stage.network, { requestCertificate: true }),
        client: clientTls(stage, "b.test", {}, names),
      });
      const { tls } = server.connection;
      const shown = tls?.peerCertificates()[0];
      if (certificate === null) assert.equal(shown, undefined);
      else assert.ok(shown?.equals(derOf(`${certificate}.crt`)));
      assert.equal(tls?.verifyError === null, trusted);
      client.connection.send(Buffer.from("either way"));
      await server.until(() => server.text === "either way");
    });
  }
}

function testVerification(make: MakeSubject): void {
  scene("a dial that verifies refuses a wrong name and an unknown authority", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) });
    const endpoint = endpointOf(acceptor.listener.address);
    await assert.rejects(
      stage.connect(endpoint, clientTls(stage, "a.test", { verifyName: "other.test" })),
      (error) => error instanceof DialFailure && error.code === "ERR_TLS_CERT_ALTNAME_INVALID",
    );
    const suspicious = { ...clientTls(stage, "a.test", {}, [], { ca: fixture("stranger.crt") }) };
    await assert.rejects(stage.connect(endpoint, suspicious), DialFailure);
  });

  scene("a dial that does not verify takes any certificate and tells what is wrong", make, async (stage) => {
    const stranger = stage.network.tlsContext(contextOptions(["stranger"]));
    const { client } = await stage.pair({
      server: serverTls(stage.network, { contextFor: () => stranger }),
      client: clientTls(stage, "a.test", { verifyName: null }),
    });
    assert.notEqual(client.connection.tls?.verifyError, null);
  });

  scene("the name to verify may differ from the name that is sent", make, async (stage) => {
    const { client } = await stage.pair({
      server: serverTls(stage.network),
      client: clientTls(stage, "x.test", { verifyName: "a.test" }),
    });
    assert.equal(client.connection.tls?.serverName, "x.test");
  });
}

function testHandshakeFailures(make: MakeSubject): void {
  scene("a refused name fails both sides' handshake", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) });
    const endpoint = endpointOf(acceptor.listener.address);
    await assert.rejects(stage.connect(endpoint, clientTls(stage, "c.test")), DialFailure);
    await acceptor.errors.take();
    assert.equal(acceptor.peers.length + acceptor.errors.length, 0);
  });

  scene("no common protocol fails the handshake", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) });
    const endpoint = endpointOf(acceptor.listener.address);
    await assert.rejects(
      stage.connect(endpoint, clientTls(stage, "a.test", { alpn: ["spdy/3"] })),
      DialFailure,
    );
    await acceptor.errors.take();
  });

  scene("plain text on a TLS port is handed over whole", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) }, true);
    const client = await stage.connect(endpointOf(acceptor.listener.address));
    client.connection.send(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
    const server = await acceptor.plain.take();
    assert.equal(server.connection.tls, null);
    await server.until(() => server.text === "GET / HTTP/1.0\r\n\r\n");
    server.connection.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    server.connection.shutdown();
    await client.until(() => client.ends === 1);
    assert.match(client.text, /400/);
    client.connection.close();
    await server.closed();
    assert.equal(acceptor.peers.length + acceptor.errors.length, 0);
  });

  scene("plain text on a TLS port is a handshake error where nobody takes it", make, async (stage) => {
    const acceptor = await stage.listen({ tls: serverTls(stage.network) });
    const client = await stage.connect(endpointOf(acceptor.listener.address));
    client.connection.send(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
    assert.equal((await acceptor.errors.take()).code, "ERR_SSL_HTTP_REQUEST");
    await client.until(() => client.ends + client.closes.length > 0);
  });

  scene("a silent client and a leaving one are handshake errors", make, async (stage) => {
    const tls = serverTls(stage.network, { handshakeTimeoutMs: 40 });
    const acceptor = await stage.listen({ tls });
    const endpoint = endpointOf(acceptor.listener.address);
    const silent = await stage.connect(endpoint);
    assert.equal((await acceptor.errors.take()).code, "HANDSHAKE_TIMEOUT");
    await silent.until(() => silent.ends + silent.closes.length > 0);
    const leaving = await stage.connect(endpoint);
    leaving.connection.shutdown();
    assert.equal((await acceptor.errors.take()).code, "ECONNRESET");
    assert.equal(acceptor.peers.length, 0);
  });

  scene("a dial with TLS to a plain server fails", make, async (stage) => {
    const acceptor = await stage.listen();
    const dialed = stage.connect(endpointOf(acceptor.listener.address), clientTls(stage, "a.test"));
    const server = await acceptor.peers.take();
    server.connection.send(Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await assert.rejects(dialed, DialFailure);
    server.connection.close();
  });

  scene("an exception while choosing a context fails that handshake only", make, async (stage) => {
    const base = serverTls(stage.network);
    const server: ServerTls = {
      ...base,
      contextFor(name) {
        if (name === "a.test") throw new Error("no context");
        return base.contextFor(name, null);
      },
    };
    const acceptor = await stage.listen({ tls: server });
    const endpoint = endpointOf(acceptor.listener.address);
    await assert.rejects(stage.connect(endpoint, clientTls(stage, "a.test")), DialFailure);
    await stage.connect(endpoint, clientTls(stage, "b.test"));
    assert.equal(stage.subject.internalErrors.length, 1);
  });
}

function testTlsStreams(make: MakeSubject): void {
  const pair = (stage: Scene): Promise<{ client: ContractPeer; server: ContractPeer }> =>
    stage.pair({ server: serverTls(stage.network), client: clientTls(stage, "a.test") });

  scene("TLS: carries megabytes both ways at once, unharmed", make, async (stage) => {
    const { client, server } = await pair(stage);
    await exchangeBothWays(stage, client, server);
  });

  scene("TLS: after a shutdown the other side may go on", make, async (stage) => {
    for (const first of ["client", "server"] as const) {
      const { client, server } = await pair(stage);
      const [early, late] = first === "client" ? [client, server] : [server, client];
      early.connection.send(Buffer.from("question"));
      early.connection.shutdown();
      await late.until(() => late.ends === 1);
      assert.equal(late.text, "question");
      late.connection.send(patternBytes(mebibyte, 21));
      late.connection.shutdown();
      await early.closed();
      await late.closed();
      assert.ok(Buffer.concat(early.bytes).equals(patternBytes(mebibyte, 21)));
      assert.deepEqual([early.ends, late.ends, ...early.closes, ...late.closes], [1, 1, null, null]);
    }
  });

  scene("TLS: a peer that never reads cannot keep a connection from being closed", make, async (stage) => {
    for (const end of ["close", "reset"] as const) {
      const { client, server } = await pair(stage);
      client.connection.pause();
      while (server.connection.send(patternBytes(mebibyte, 3)));
      server.connection[end]();
      await server.closed();
      assert.deepEqual(server.closes, [null]);
    }
  });

  scene(
    "TLS: a peer that does not read makes send return false, then one drain follows",
    make,
    async (stage) => {
      const { client, server } = await pair(stage);
      server.connection.pause();
      const piece = patternBytes(mebibyte, 2);
      let sent = 0;
      do sent += piece.length;
      while (client.connection.send(piece) && sent < 64 * mebibyte);
      assert.ok(sent < 64 * mebibyte);
      server.connection.resume();
      await server.until(() => server.byteCount === sent);
      await client.until(() => client.drains > 0);
      await stage.pass(20);
      assert.equal(client.drains, 1);
    },
  );

  scene("TLS: pausing inside onData is honoured at once", make, async (stage) => {
    const { client, server } = await pair(stage);
    server.onAny = () => server.connection.pause();
    client.connection.send(patternBytes(256 * 1024, 3));
    await server.until(() => server.bytes.length > 0);
    await stage.pass(20);
    assert.equal(server.bytes.length, 1);
    server.onAny = null;
    server.connection.resume();
    await server.until(() => server.byteCount === 256 * 1024);
  });

  scene("TLS: a reset reaches the peer as an error", make, async (stage) => {
    for (const who of ["client", "server"] as const) {
      const { client, server } = await pair(stage);
      const [near, far] = who === "client" ? [client, server] : [server, client];
      // Lets the session tickets arrive: a reset amid the handshake's last write may pass for an end.
      await stage.pass(5);
      near.connection.reset();
      await far.closed();
      await near.closed();
      assert.deepEqual(far.closes, ["ECONNRESET"]);
      assert.deepEqual(near.closes, [null]);
      assert.equal(far.ends, 0);
    }
  });

  scene("TLS: a reset inside a callback is safe", make, async (stage) => {
    const { client, server } = await pair(stage);
    server.onAny = () => {
      server.connection.reset();
      server.onAny = null;
    };
    client.connection.send(patternBytes(mebibyte, 2));
    await server.closed();
    await client.closed();
    assert.deepEqual(server.closes, [null]);
    const acceptor = await stage.network.listen(
      { endpoint: loopback, tls: serverTls(stage.network) },
      {
        onConnection(connection) {
          connection.reset();
          return new ContractPeer(connection);
        },
        onHandshakeError() {},
      },
    );
    const dialed = stage.connect(endpointOf(acceptor.address), clientTls(stage, "a.test"));
    await dialed.then(
      (peer) => peer.until(() => peer.ends + peer.closes.length > 0),
      () => {},
    );
    await acceptor.stop();
  });

  scene("TLS: close is told once and later; afterwards all is harmless", make, async (stage) => {
    const { client, server } = await pair(stage);
    client.connection.close();
    assert.equal(client.closes.length, 0);
    await client.closed();
    assert.equal(client.connection.send(Buffer.from("late")), false);
    client.connection.reset();
    await server.until(() => server.ends + server.closes.length > 0);
    assert.deepEqual(client.closes, [null]);
  });
}

function testMaterial(make: MakeSubject): void {
  scene("nginx's cipher strings are accepted and lead to a connection", make, async (stage) => {
    for (const ciphers of cipherLists) {
      const options = contextOptions(["a.test", "a.test.rsa"], {
        ciphers,
        protocols: ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
        preferServerCiphers: true,
      });
      const context = stage.network.tlsContext(options);
      const { server } = await stage.pair({
        server: serverTls(stage.network, { contextFor: () => context }),
        client: clientTls(stage, "a.test"),
      });
      assert.equal(server.connection.tls?.protocol, "TLSv1.3", ciphers);
    }
  });

  scene("unusable key material is refused with words", make, async (stage) => {
    const bad = { chain: Buffer.from("no certificate"), key: fixture("a.test.key") };
    assert.throws(() => stage.network.tlsContext(contextOptions([], { certificates: [bad] })), Error);
  });

  scene("a context may change from one handshake to the next", make, async (stage) => {
    const contexts = ["a.test", "b.test"].map((name) => stage.network.tlsContext(contextOptions([name])));
    let turn = 0;
    const acceptor = await stage.listen({
      tls: serverTls(stage.network, { contextFor: () => contexts[turn] ?? null }),
    });
    const endpoint = endpointOf(acceptor.listener.address);
    const presented: (Connection | undefined)[] = [];
    for (turn = 0; turn < 2; turn++) {
      presented.push(
        (await stage.connect(endpoint, clientTls(stage, null, { verifyName: null }))).connection,
      );
    }
    assert.ok(presented[0]?.tls?.peerCertificates()[0]?.equals(derOf("a.test.crt")));
    assert.ok(presented[1]?.tls?.peerCertificates()[0]?.equals(derOf("b.test.crt")));
  });
}

function clientTls(
  stage: Scene,
  serverName: string | null,
  overrides: Partial<ClientTls> = {},
  certificates: readonly string[] = [],
  contextOverrides: Partial<TlsContextOptions> = {},
): ClientTls {
  return {
    context: stage.network.tlsContext(contextOptions(certificates, contextOverrides)),
    serverName,
    verifyName: serverName,
    alpn: [],
    ...overrides,
  };
}

/** The DER bytes of a PEM certificate among the fixtures. */
function derOf(name: string): Buffer {
  const pem = fixture(name).toString("latin1");
  return Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
}
