import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Fields } from "../http/fields.ts";
import { AnswerOwner, EchoServer, Sender } from "./echo.fixture.ts";
import { cancel } from "./error-code.ts";
import { http2Options } from "./options.ts";
import { Http2Session } from "./session.ts";
import type { Http2Stream } from "./stream.ts";

/** What one session has written and the other has not got yet. */
class Wire {
  bytes: Buffer = Buffer.alloc(0);
  takes = true;

  write(bytes: Buffer): boolean {
    this.bytes = Buffer.concat([this.bytes, bytes]);
    return this.takes;
  }

  /** Moves some bytes, from memory that is overwritten afterwards. */
  move(count: number, to: Http2Session): void {
    const piece = Buffer.from(this.bytes.subarray(0, count));
    this.bytes = this.bytes.subarray(piece.length);
    to.feed(piece);
    piece.fill(0xaa);
  }
}

interface Plan {
  readonly serverWindow: number;
  readonly clientWindow: number;
  readonly connectionWindow: number;
  readonly streams: number;
  /** Bytes of each request's body; -1: it is reset on the way. */
  readonly bodies: readonly number[];
  /** Which way, and how much at most, in turn. */
  readonly moves: readonly (readonly [towards: number, bytes: number])[];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  serverWindow: fc.integer({ min: 1, max: 70_000 }),
  clientWindow: fc.integer({ min: 1, max: 70_000 }),
  connectionWindow: fc.integer({ min: 65_535, max: 200_000 }),
  streams: fc.integer({ min: 1, max: 8 }),
  bodies: fc.array(fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: -1, max: 50_000 })), {
    minLength: 1,
    maxLength: 10,
  }),
  moves: fc.array(
    fc.tuple(fc.nat(3), fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 40_000 }))),
    {
      minLength: 1,
      maxLength: 40,
    },
  ),
});

/** A generous allowance: the windows of a plan may be of one byte. */
const limits = { ...http2Options.limits, windowUpdates: { burst: 1e9, perSecond: 0 } };

class Run {
  readonly toServer = new Wire();
  readonly toClient = new Wire();
  readonly server: Http2Session;
  readonly client: Http2Session;
  readonly owners: AnswerOwner[] = [];
  readonly events = new EchoServer();
  private readonly bodies: string[] = [];
  private readonly left: number[];
  private readonly resets: Http2Stream[] = [];

  constructor(how: Plan) {
    const clock = { now: () => 0 };
    const shared = { ...http2Options, connectionWindowSize: how.connectionWindow, limits };
    const ours = { ...shared, initialWindowSize: how.serverWindow, maxConcurrentStreams: how.streams };
    this.server = new Http2Session("server", this.events, this.toClient, ours, clock);
    const theirs = { ...shared, initialWindowSize: how.clientWindow };
    this.client = new Http2Session("client", new EchoServer(), this.toServer, theirs, clock);
    this.left = [...how.bodies];
    this.server.start();
    this.client.start();
    this.flush();
    // Both know each other's settings before they begin.
    this.deliver();
  }

  flush(): void {
    this.server.flush();
    this.client.flush();
  }

  deliver(): void {
    while (this.toServer.bytes.length + this.toClient.bytes.length > 0) {
      this.toServer.move(65_536, this.server);
      this.toClient.move(65_536, this.client);
      this.flush();
    }
  }

  /** Opens what can be opened. */
  open(): void {
    while (this.left.length > 0 && this.client.canOpen) {
      const size = this.left.shift()!;
      const owner = new AnswerOwner();
      const number = this.owners.length;
      const body = String.fromCharCode(0x61 + number).repeat(Math.abs(size === -1 ? 5000 : size));
      const start = {
        method: "POST",
        scheme: "http",
        authority: "a",
        path: `/${number}`,
        connectProtocol: null,
      };
      const stream = this.client.open(start, new Fields(), false, owner);
      assert.ok(stream);
      owner.sender = new Sender(stream);
      owner.sender.push(Buffer.from(body));
      owner.sender.end(null);
      this.owners.push(owner);
      this.bodies.push(size === -1 ? "" : body);
      if (size === -1) this.resets.push(stream);
    }
  }

  step(towards: number, bytes: number): void {
    this.open();
    const [wire, to] = towards % 2 === 0 ? [this.toServer, this.server] : [this.toClient, this.client];
    if (towards > 1) wire.takes = !wire.takes;
    if (wire.takes) (towards % 2 === 0 ? this.client : this.server).onDrain();
    wire.move(bytes, to);
    if (towards === 3) this.resets.pop()?.reset(cancel);
    this.flush();
  }

  finish(): void {
    for (const wire of [this.toServer, this.toClient]) wire.takes = true;
    do {
      this.open();
      for (const stream of this.resets.splice(0)) stream.reset(cancel);
      this.client.onDrain();
      this.server.onDrain();
      this.flush();
      this.deliver();
    } while (this.left.length > 0);
  }

  check(): void {
    assert.equal(this.events.failure, null);
    assert.equal(this.client.failure, null);
    this.owners.forEach(({ answer }, index) => {
      const body = this.bodies[index]!;
      if (body === "" && answer.status === 0) return;
      if (body !== "") {
        assert.equal(answer.body, body);
        assert.equal(answer.trailers?.get("x-bytes"), String(body.length));
      }
    });
    assert.deepEqual([this.client.streams.size, this.server.streams.size], [0, 0]);
    // Both sides reckon alike what is allowed on the connection.
    assert.equal(this.client.sendWindow, this.server.receiveWindow);
    assert.equal(this.server.sendWindow, this.client.receiveWindow);
    assert.ok(this.client.sendWindow > 0 && this.server.sendWindow > 0);
  }
}

describe("a server session and a client session", () => {
  it("carry every body through, whatever the windows, cuts, stops and resets", () => {
    fc.assert(
      fc.property(plan, (how) => {
        const run = new Run(how);
        for (const [towards, bytes] of how.moves) run.step(towards, bytes);
        run.finish();
        run.check();
      }),
      { numRuns: 60 },
    );
  });

  it("come to an end, and do not throw, when bytes are damaged on the way", () => {
    fc.assert(
      fc.property(plan, fc.nat(), fc.nat(255), (how, at, value) => {
        const run = new Run(how);
        run.open();
        run.flush();
        const { bytes } = run.toServer;
        bytes[at % bytes.length] = value;
        run.deliver();
      }),
      { numRuns: 100 },
    );
  });
});
