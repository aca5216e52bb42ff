import assert from "node:assert/strict";
import { ContractPeer } from "./contract-peer.ts";
import { endpointOf, loopback, scene, type MakeSubject, type Scene } from "./contract-scene.ts";
import { contextOptions, serverTls } from "./contract-tls.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import type { ClientTls, Endpoint, Prologue, ServerTls } from "./network.ts";

/** Ends at the first line feed; a line that begins with "!" is refused. */
class Line implements Prologue {
  text = "";
  readonly cuts: string[] = [];

  read(bytes: Buffer): number | "more" | "refused" {
    const end = bytes.indexOf("\n");
    this.text += bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
    if (this.text.startsWith("!")) return "refused";
    return end < 0 ? "more" : end + 1;
  }

  onCut(why: string): void {
    this.cuts.push(why);
  }
}

/** One half of a relay. */
class Half implements ConnectionOwner {
  other: Connection | null = null;
  private waiting: Buffer[];

  /** `first` goes ahead of what is passed on. */
  constructor(first: Buffer[]) {
    this.waiting = first;
  }

  join(other: Connection): void {
    this.other = other;
    for (const bytes of this.waiting) other.send(bytes);
    this.waiting = [];
  }

  onData(bytes: Buffer): void {
    if (this.other === null) this.waiting.push(Buffer.from(bytes));
    else this.other.send(bytes);
  }

  onEnd(): void {
    this.other?.shutdown();
  }

  onDrain(): void {}

  onClose(): void {
    this.other?.close();
  }
}

/** Listens, and sends what comes on to `target`, with `line` in the same piece as the client's first bytes. */
async function balancer(stage: Scene, target: Endpoint, line: string): Promise<Endpoint> {
  const acceptor = await stage.listen();
  const { listener } = acceptor;
  void acceptor.peers.take().then(async (near) => {
    await near.until(() => near.bytes.length > 0);
    const there = new Half([Buffer.concat([Buffer.from(line), ...near.bytes])]);
    const back = new Half([]);
    near.connection.owner = there;
    back.join(near.connection);
    stage.network.dial(
      { endpoint: target, tls: null },
      {
        onConnected(connection) {
          there.join(connection);
          return back;
        },
        onFailed: (code) => assert.fail(code),
      },
    );
  });
  return endpointOf(listener.address);
}

/** A TLS listener with prologues, and what it has told, in the order of the connections. */
interface Gate {
  readonly endpoint: Endpoint;
  readonly lines: Line[];
  readonly servers: { readonly peer: ContractPeer; readonly prologue: Prologue | null }[];
  readonly errors: string[];
}

async function atGate(
  stage: Scene,
  overrides: Partial<ServerTls>,
  run: (gate: Gate) => Promise<void>,
): Promise<void> {
  const lines: Line[] = [];
  const servers: { peer: ContractPeer; prologue: Prologue | null }[] = [];
  const errors: string[] = [];
  const enter = (connection: Connection, prologue: Prologue | null): ContractPeer => {
    const peer = new ContractPeer(connection);
    servers.push({ peer, prologue });
    return peer;
  };
  const prologueFor = (): Line => {
    const line = new Line();
    lines.push(line);
    return line;
  };
  const listener = await stage.network.listen(
    { endpoint: loopback, tls: serverTls(stage.network, { prologueFor, ...overrides }) },
    {
      onConnection: enter,
      onPlainOnTls: enter,
      onHandshakeError: (_remote, _local, code) => errors.push(code),
    },
  );
  try {
    await run({ endpoint: endpointOf(listener.address), lines, servers, errors });
  } finally {
    await listener.stop();
    for (const { peer } of servers) peer.connection.close();
  }
}

/** What `ask` gives once that is something. */
async function eventually<T>(stage: Scene, ask: () => T | undefined): Promise<T> {
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    await stage.pass(2);
  }
}

function clientTls(stage: Scene): ClientTls {
  const context = stage.network.tlsContext(contextOptions([]));
  return { context, serverName: "a.test", verifyName: "a.test", alpn: [] };
}

/** What comes ahead of a TLS handshake. */
export function testPrologue(make: MakeSubject): void {
  const gated = (
    name: string,
    run: (stage: Scene, gate: Gate) => Promise<void>,
    overrides: Partial<ServerTls> = {},
  ): void => scene(name, make, (stage) => atGate(stage, overrides, (gate) => run(stage, gate)));

  gated("a prologue is read ahead of the handshake, in one piece with it", async (stage, gate) => {
    const client = await stage.connect(await balancer(stage, gate.endpoint, "hello\n"), clientTls(stage));
    client.connection.send(Buffer.from("question"));
    const { peer, prologue } = await eventually(stage, () => gate.servers[0]);
    await peer.until(() => peer.text === "question");
    assert.equal(prologue, gate.lines[0]);
    assert.equal(gate.lines[0]?.text, "hello");
    assert.equal(peer.connection.tls?.serverName, "a.test");
    peer.connection.send(Buffer.from("answer"));
    await client.until(() => client.text === "answer");
    assert.deepEqual(gate.lines[0]?.cuts, []);
  });

  gated("a prologue may come byte by byte, with plain text behind it", async (stage, gate) => {
    const client = await stage.connect(gate.endpoint);
    for (const byte of "hello\n") {
      client.connection.send(Buffer.from(byte));
      await stage.pass(2);
    }
    client.connection.send(Buffer.from("GET /"));
    const { peer, prologue } = await eventually(stage, () => gate.servers[0]);
    await peer.until(() => peer.text === "GET /");
    assert.equal(peer.connection.tls, null);
    assert.equal(prologue, gate.lines[0]);
    assert.equal(gate.lines[0]?.text, "hello");
  });

  const none = { prologueFor: () => null };
  gated(
    "a connection without a prologue begins with the handshake",
    async (stage, gate) => {
      await stage.connect(gate.endpoint, clientTls(stage));
      assert.equal((await eventually(stage, () => gate.servers[0])).prologue, null);
    },
    none,
  );

  gated("a refused prologue closes the connection, and is no handshake error", async (stage, gate) => {
    const client = await stage.connect(gate.endpoint);
    client.connection.send(Buffer.from("!no\n"));
    await client.until(() => client.ends + client.closes.length > 0);
    await stage.pass(5);
    assert.deepEqual([gate.lines[0]?.cuts, gate.servers.length, gate.errors], [[], 0, []]);
  });

  gated(
    "a prologue that does not come is told",
    async (stage, gate) => {
      const silent = await stage.connect(gate.endpoint);
      assert.equal(await eventually(stage, () => gate.lines[0]?.cuts[0]), "timeout");
      await silent.until(() => silent.ends + silent.closes.length > 0);
      assert.deepEqual(gate.errors, []);
    },
    { handshakeTimeoutMs: 40 },
  );

  gated("a client that leaves inside its prologue is told", async (stage, gate) => {
    const leaving = await stage.connect(gate.endpoint);
    leaving.connection.send(Buffer.from("hel"));
    leaving.connection.shutdown();
    assert.equal(await eventually(stage, () => gate.lines[0]?.cuts[0]), "closed");
    assert.deepEqual(gate.errors, []);
  });

  gated("behind its prologue a client that leaves is a handshake error", async (stage, gate) => {
    const client = await stage.connect(gate.endpoint);
    client.connection.send(Buffer.from("hello\n"));
    client.connection.shutdown();
    assert.equal(await eventually(stage, () => gate.errors[0]), "ECONNRESET");
    assert.deepEqual([gate.lines[0]?.text, gate.lines[0]?.cuts], ["hello", []]);
  });
}
