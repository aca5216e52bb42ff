import assert from "node:assert/strict";
import { serverTls } from "./contract-tls.ts";
import type { DialEvents, Endpoint } from "./network.ts";
import { DialFailure, type ContractPeer } from "./contract-peer.ts";
import { endpointOf, loopback, scene, type MakeSubject } from "./contract-scene.ts";

/** Listening, dialing, addresses, names. */
export function testDialing(make: MakeSubject): void {
  scene("a refused connect is told later, by its code", make, async (stage) => {
    const acceptor = await stage.listen();
    const endpoint = endpointOf(acceptor.listener.address);
    await acceptor.listener.stop();
    await assert.rejects(stage.connect(endpoint), failsWith("ECONNREFUSED"));
    await assert.rejects(
      stage.connect({ kind: "unix", path: stage.subject.unixPath() }),
      failsWith("ENOENT"),
    );
  });

  scene("an aborted dial tells nothing", make, async (stage) => {
    const acceptor = await stage.listen();
    const told: string[] = [];
    const events: DialEvents = {
      onConnected(connection) {
        told.push("connected");
        connection.close();
        return { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
      },
      onFailed: (code) => told.push(code),
    };
    const endpoints: Endpoint[] = [
      endpointOf(acceptor.listener.address),
      { kind: "unix", path: stage.subject.unixPath() },
    ];
    if (stage.subject.blackHole !== null) endpoints.push(stage.subject.blackHole);
    for (const endpoint of endpoints) {
      const dial = stage.network.dial({ endpoint, tls: null }, events);
      dial.abort();
      dial.abort();
    }
    await stage.pass(50);
    assert.deepEqual(told, []);
  });

  scene("a connect without an answer waits for the caller's abort", make, async (stage) => {
    const { blackHole } = stage.subject;
    if (blackHole === null) return;
    const told: string[] = [];
    const dial = stage.network.dial(
      { endpoint: blackHole, tls: null },
      {
        onConnected() {
          throw new Error("connected to a black hole");
        },
        onFailed: (code) => told.push(code),
      },
    );
    await stage.pass(5_000);
    assert.deepEqual(told, []);
    dial.abort();
    await stage.pass(200_000);
    assert.deepEqual(told, []);
  });

  testAddresses(make);
  testListeners(make);
  testCounting(make);
}

function testCounting(make: MakeSubject): void {
  scene("each open socket is counted, whichever way it ends", make, async (stage) => {
    const acceptor = await stage.listen();
    const ends: ContractPeer[] = [];
    for (let index = 0; index < 3; index++) {
      const client = await stage.connect(endpointOf(acceptor.listener.address));
      ends.push(client, await acceptor.peers.take());
    }
    assert.equal(stage.network.openSockets, 6);
    const [first, firstFar, second, secondFar, third, thirdFar] = ends;
    first!.connection.close();
    second!.connection.reset();
    third!.connection.shutdown();
    thirdFar!.connection.shutdown();
    await Promise.all(
      [firstFar, secondFar, third, thirdFar].map((end) =>
        end!.until(() => end!.ends + end!.closes.length > 0),
      ),
    );
    firstFar!.connection.close();
    secondFar!.connection.close();
    await Promise.all(ends.map((end) => end.closed()));
    assert.equal(stage.network.openSockets, 0);
  });

  scene("a connection that is not admitted is closed, and never heard of", make, async (stage) => {
    for (const tls of [null, serverTls(stage.network)]) {
      let admits = false;
      const { listener, peers } = await stage.listen({ tls }, false, () => admits);
      const endpoint = endpointOf(listener.address);
      const refused = await stage.connect(endpoint);
      refused.connection.send(Buffer.from("x"));
      await refused.until(() => refused.ends + refused.closes.length > 0);
      refused.connection.close();
      admits = true;
      if (tls !== null) continue;
      const admitted = await stage.connect(endpoint);
      const far = await peers.take();
      admitted.connection.close();
      await far.until(() => far.ends > 0);
      far.connection.close();
    }
  });
}

function testAddresses(make: MakeSubject): void {
  scene("unix sockets carry bytes; the listener removes its file", make, async (stage) => {
    const path = stage.subject.unixPath();
    const acceptor = await stage.listen({ endpoint: { kind: "unix", path } });
    assert.deepEqual(acceptor.listener.address, { family: "unix", address: path, port: 0 });
    assert.equal(stage.subject.exists(path), true);
    const client = await stage.connect({ kind: "unix", path });
    const server = await acceptor.peers.take();
    client.connection.send(Buffer.from("local"));
    await server.until(() => server.text === "local");
    server.connection.shutdown();
    await client.until(() => client.ends === 1);
    client.connection.shutdown();
    await server.closed();
    assert.deepEqual(server.connection.remote, { family: "unix", address: "", port: 0 });
    assert.equal(client.connection.remote.address, path);
    await acceptor.listener.stop();
    assert.equal(stage.subject.exists(path), false);
  });

  scene("a reset or close of a unix socket ends it on both sides", make, async (stage) => {
    const path = stage.subject.unixPath();
    const acceptor = await stage.listen({ endpoint: { kind: "unix", path } });
    const client = await stage.connect({ kind: "unix", path });
    const server = await acceptor.peers.take();
    server.connection.reset();
    await server.closed();
    await client.until(() => client.ends + client.closes.length > 0);
    assert.deepEqual(server.closes, [null]);
  });

  scene("IPv6 addresses carry bytes", make, async (stage) => {
    const acceptor = await stage.listen({
      endpoint: { kind: "tcp", address: "::1", port: 0 },
      ipv6Only: true,
    });
    assert.equal(acceptor.listener.address.family, "ipv6");
    const client = await stage.connect(endpointOf(acceptor.listener.address));
    const server = await acceptor.peers.take();
    client.connection.send(Buffer.from("six"));
    await server.until(() => server.text === "six");
    assert.equal(server.connection.remote.family, "ipv6");
    assert.equal(server.connection.remote.address, "::1");
  });

  scene("a dual-stack listener tells IPv4 clients as mapped addresses", make, async (stage) => {
    const acceptor = await stage.listen({
      endpoint: { kind: "tcp", address: "::", port: 0 },
      ipv6Only: false,
    });
    const { port } = acceptor.listener.address;
    await stage.connect({ kind: "tcp", address: "127.0.0.1", port });
    const server = await acceptor.peers.take();
    assert.equal(server.connection.remote.address, "::ffff:127.0.0.1");
    assert.equal(server.connection.remote.family, "ipv6");
    assert.equal(server.connection.local.address, "::ffff:127.0.0.1");
  });

  scene("a listener on all addresses tells the one that was reached", make, async (stage) => {
    const acceptor = await stage.listen({ endpoint: { kind: "tcp", address: "0.0.0.0", port: 0 } });
    const { port } = acceptor.listener.address;
    await stage.connect({ kind: "tcp", address: "127.0.0.2", port });
    const server = await acceptor.peers.take();
    assert.deepEqual(server.connection.local, { family: "ipv4", address: "127.0.0.2", port });
  });

  scene("a dial leaves from the local address and port that it was given", make, async (stage) => {
    const acceptor = await stage.listen();
    // Free a moment ago on another address of the loopback, and so here as well.
    const { listener } = await stage.listen();
    const localPort = listener.address.port;
    const endpoint = endpointOf(acceptor.listener.address);
    const done = new Promise<void>((resolve, reject) => {
      stage.network.dial(
        { endpoint, localAddress: "127.0.0.3", localPort, tls: null },
        {
          onConnected(connection) {
            assert.deepEqual(connection.local, { family: "ipv4", address: "127.0.0.3", port: localPort });
            resolve();
            connection.close();
            return { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };
          },
          onFailed: (code, message) => reject(new DialFailure(code, message)),
        },
      );
    });
    await done;
    const server = await acceptor.peers.take();
    assert.equal(server.connection.remote.address, "127.0.0.3");
    assert.equal(server.connection.remote.port, localPort);
    await server.until(() => server.ends + server.closes.length > 0);
    server.connection.close();
  });

  scene("names resolve to addresses, unknown ones to a code", make, async (stage) => {
    assert.ok(
      (await stage.network.resolve("localhost")).some(
        (address) => address === "127.0.0.1" || address === "::1",
      ),
    );
    await assert.rejects(stage.network.resolve("no-such-name.invalid"), (error: NodeJS.ErrnoException) => {
      return error.code === "ENOTFOUND" || error.code === "EAI_AGAIN";
    });
  });
}

function testListeners(make: MakeSubject): void {
  scene("a taken address is refused with its code", make, async (stage) => {
    const acceptor = await stage.listen();
    const endpoint = endpointOf(acceptor.listener.address);
    await assert.rejects(
      stage.listen({ endpoint }),
      (error: NodeJS.ErrnoException) => error.code === "EADDRINUSE",
    );
  });

  scene("after stop the port is free and accepted connections live on", make, async (stage) => {
    const acceptor = await stage.listen();
    const endpoint = endpointOf(acceptor.listener.address);
    const client = await stage.connect(endpoint);
    const server = await acceptor.peers.take();
    await acceptor.listener.stop();
    await acceptor.listener.stop();
    const successor = await stage.listen({ endpoint });
    client.connection.send(Buffer.from("still here"));
    await server.until(() => server.text === "still here");
    await stage.connect(endpoint);
    await successor.peers.take();
    assert.equal(acceptor.peers.length, 0);
  });

  scene("two listeners share a port when both ask for it", make, async (stage) => {
    const first = await stage.listen({ reusePort: true });
    const endpoint = endpointOf(first.listener.address);
    const second = await stage.listen({ endpoint, reusePort: true });
    await first.listener.stop();
    const client = await stage.connect(endpoint);
    const server = await second.peers.take();
    client.connection.send(Buffer.from("shared"));
    await server.until(() => server.text === "shared");
    assert.equal(loopback.kind, "tcp");
  });
}

function failsWith(code: string): (error: unknown) => boolean {
  return (error) => error instanceof DialFailure && error.code === code;
}
