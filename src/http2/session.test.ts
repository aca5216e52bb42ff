import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Fields } from "../http/fields.ts";
import type { ResponseHead } from "../http/response-head.ts";
import { framesBytes } from "./cases/frame-text.ts";
import { SessionPeer } from "./cases/peer.ts";
import { cancel, enhanceYourCalm, internalError, noError } from "./error-code.ts";
import { http2Limits } from "./limits.ts";
import { http2Options } from "./options.ts";
import type { Http2Stream } from "./stream.ts";

const get = (id: number): string => `HEADERS END_HEADERS|END_STREAM ${id} @get`;
const post = (id: number): string => `HEADERS END_HEADERS ${id} @post`;
const start = { method: "GET", scheme: "http", authority: "a", path: "/", connectProtocol: null };

function fieldsOf(...list: readonly (readonly [string, string])[]): Fields {
  const fields = new Fields();
  for (const [name, value] of list) fields.add(name, value);
  return fields;
}

/** A server with a request on stream 1, whose head has been answered. */
function answering(...frames: readonly string[]): { peer: SessionPeer; stream: Http2Stream } {
  const peer = SessionPeer.server();
  peer.frames(...frames, get(1));
  const stream = peer.log.streams.get(1)!;
  stream.sendHead(200, new Fields(), false);
  peer.take();
  peer.log.events.length = 0;
  return { peer, stream };
}

/** The lengths of DATA frames. */
function dataLengths(texts: readonly string[]): number[] {
  return texts.filter((text) => text.startsWith("DATA")).map((text) => (text.split(" ")[3]?.length ?? 0) / 2);
}

describe("the beginning", () => {
  it("of a server: settings, and a connection's window for all streams", () => {
    const peer = new SessionPeer("server", {
      ...http2Options,
      requestHead: { ...http2Options.requestHead, extendedConnect: true },
    });
    assert.deepEqual(peer.taken(), [
      "SETTINGS - 0 00040001000000050000400000030000008000060000800000080000" + "0001",
      "WINDOW_UPDATE - 0 007f0001",
    ]);
    assert.equal(peer.writes, 1);
  });

  it("of a client: the preface, and no push", () => {
    const peer = new SessionPeer("client", http2Options);
    const bytes = peer.take();
    assert.equal(bytes.toString("latin1", 0, 24), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert.equal(bytes.toString("hex", 24, 33), "000018040000000000");
    assert.match(bytes.toString("hex", 33), /000200000000/);
  });

  it("refuses what is no preface at the first byte that differs", () => {
    const peer = new SessionPeer("server", http2Options);
    peer.take();
    peer.session.feed(Buffer.from("PRI * HTTP/1"));
    assert.deepEqual(peer.log.events, ["failure PROTOCOL_ERROR"]);
    assert.deepEqual(peer.taken(), ["GOAWAY - 0 0000000000000001"]);
  });

  it("tells when the settings are known", () => {
    const peer = new SessionPeer("server", http2Options);
    peer.session.feed(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    peer.frames("SETTINGS - 0");
    assert.equal(peer.session.settingsAcked, false);
    peer.frames("SETTINGS ACK 0");
    assert.equal(peer.session.settingsAcked, true);
    assert.deepEqual(peer.log.events, ["settings", "acked"]);
  });

  it("lets a peer that does not know our smaller window yet send by the default", () => {
    const peer = new SessionPeer("server", { ...http2Options, initialWindowSize: 10 });
    peer.session.feed(Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    peer.log.consumes = false;
    peer.frames("SETTINGS - 0", post(1), "DATA - 1 00*100", "SETTINGS ACK 0", "DATA - 1 00");
    assert.equal(peer.log.events.at(-2), "reset 1 FLOW_CONTROL_ERROR by rule");
  });
});

describe("heads that are sent", () => {
  it("leave out what HTTP/2 does not have", () => {
    const peer = SessionPeer.server();
    peer.frames(get(1));
    const fields = fieldsOf(
      ["Connection", "close"],
      ["Transfer-Encoding", "chunked"],
      ["Keep-Alive", "1"],
      ["Upgrade", "x"],
      ["X-Kept", " a\r\nb "],
      ["bad name", "1"],
    );
    peer.log.streams.get(1)!.sendHead(200, fields, true);
    const client = SessionPeer.client();
    client.session.open(start, new Fields(), true, client.log);
    const bytes = peer.take();
    client.feed(bytes, [bytes.length]);
    assert.deepEqual(client.log.events, ["head 1 200 x-kept=a b end", "closed 1"]);
  });

  it("name the authority once", () => {
    const client = SessionPeer.client();
    client.session.open(start, fieldsOf(["Host", "other"], ["te", "gzip"], ["x", "y"]), true, client.log);
    const server = SessionPeer.server();
    const bytes = client.take();
    server.feed(bytes, [bytes.length]);
    assert.deepEqual(server.heads[0]?.fields.values, ["a", "y"]);
  });

  it("go in as many frames as they need", () => {
    const { peer, stream } = answering();
    stream.sendTrailers(fieldsOf(["x-large", "\x01".repeat(40_000)]));
    assert.deepEqual(
      peer.taken().map((text) => text.split(" ").slice(0, 3).join(" ")),
      ["HEADERS END_STREAM 1", "CONTINUATION - 1", "CONTINUATION END_HEADERS 1"],
    );
  });

  it("may be interim ones first", () => {
    const peer = SessionPeer.server();
    peer.frames(get(1));
    const stream = peer.log.streams.get(1)!;
    stream.sendHead(103, fieldsOf(["link", "a"]), false);
    stream.sendHead(200, new Fields(), false);
    stream.sendEnd();
    assert.deepEqual(peer.taken().at(-1), "DATA END_STREAM 1");
    assert.equal(stream.closed, true);
  });
});

describe("data that are sent", () => {
  it("go in frames of the usual size, all in one write with their head", () => {
    const peer = SessionPeer.server();
    peer.frames(get(1));
    const stream = peer.log.streams.get(1)!;
    const before = peer.writes;
    stream.sendHead(200, new Fields(), false);
    assert.equal(stream.sendData(Buffer.alloc(40_000), 0, 40_000, true), 40_000);
    assert.equal(peer.writes, before);
    const texts = peer.taken();
    assert.deepEqual(dataLengths(texts), [16_384, 16_384, 7232]);
    assert.match(texts.at(-1)!, /^DATA END_STREAM 1/);
    assert.equal(peer.writes, before + 1);
  });

  it("go at the end of the bytes that caused them, without a flush of the owner", () => {
    const peer = SessionPeer.server();
    peer.log.acts = (event, stream) => {
      if (event.startsWith("request")) stream!.sendHead(200, new Fields(), true);
      assert.notEqual(event, "output");
    };
    const before = peer.writes;
    peer.frames(get(1), get(3), get(5), "PING - 0 00*8");
    assert.equal(peer.writes, before + 1);
  });

  it("ask once for a flush", () => {
    const { peer, stream } = answering();
    let asked = 0;
    peer.log.acts = (event) => {
      if (event === "output") asked++;
    };
    stream.sendData(Buffer.from("a"), 0, 1, false);
    stream.sendData(Buffer.from("b"), 0, 1, false);
    assert.equal(asked, 1);
    peer.session.flush();
    stream.sendData(Buffer.from("c"), 0, 1, false);
    assert.equal(asked, 2);
  });

  it("stop at the stream's window and go on when it grows", () => {
    const { peer, stream } = answering("SETTINGS - 0 000400000005");
    peer.nowMs = 1000;
    assert.equal(stream.sendData(Buffer.from("abcdefgh"), 0, 8, true), 5);
    assert.deepEqual([stream.localEnded, stream.blockedSinceMs], [false, 1000]);
    assert.deepEqual(peer.taken(), ["DATA - 1 6162636465"]);
    assert.equal(stream.sendData(Buffer.from("fgh"), 0, 3, true), 0);
    peer.frames("WINDOW_UPDATE - 1 00000002");
    assert.deepEqual(peer.log.events, ["writable 1"]);
    assert.equal(stream.sendData(Buffer.from("fgh"), 0, 3, true), 2);
    peer.frames("SETTINGS - 0 000400000006");
    assert.deepEqual(peer.log.events, ["writable 1", "settings", "writable 1"]);
    assert.equal(stream.sendData(Buffer.from("h"), 0, 1, true), 1);
    assert.equal(stream.closed, true);
  });

  it("hold still while SETTINGS made a window negative", () => {
    const { peer, stream } = answering("SETTINGS - 0 00040000000a");
    assert.equal(stream.sendData(Buffer.alloc(8), 0, 8, false), 8);
    peer.frames("SETTINGS - 0 000400000000");
    assert.equal(stream.sendWindow, -8);
    assert.equal(stream.sendData(Buffer.alloc(1), 0, 1, false), 0);
    peer.frames("WINDOW_UPDATE - 1 00000008");
    assert.deepEqual(peer.log.events, ["settings"]);
    peer.frames("WINDOW_UPDATE - 1 00000001");
    assert.deepEqual(peer.log.events, ["settings", "writable 1"]);
  });

  it("share the connection's window in turn", () => {
    const peer = SessionPeer.server();
    peer.frames("SETTINGS - 0 00047fffffff", get(1), get(3), get(5));
    const bytes = Buffer.alloc(70_000);
    const taken: [id: number, bytes: number][] = [];
    const send = (stream: Http2Stream): void => {
      taken.push([stream.id, stream.sendData(bytes, 0, bytes.length, false)]);
    };
    for (const id of [1, 3, 5]) send(peer.log.streams.get(id)!);
    peer.log.acts = (event, stream) => {
      if (event.startsWith("writable")) send(stream!);
    };
    for (let i = 0; i < 4; i++) peer.frames("WINDOW_UPDATE - 0 0000000a");
    assert.deepEqual(taken, [
      [1, 65_535],
      [3, 0],
      [5, 0],
      [1, 10],
      [3, 10],
      [5, 10],
      [1, 10],
    ]);
  });

  it("stop when the connection takes no more, and nothing is held for it", () => {
    const { peer, stream } = answering();
    peer.takes = false;
    assert.equal(stream.sendData(Buffer.alloc(10), 0, 10, false), 10);
    peer.session.flush();
    assert.equal(stream.sendData(Buffer.alloc(10), 0, 10, false), 0);
    assert.equal(peer.session.writer.pending, 0);
    peer.takes = true;
    peer.session.onDrain();
    assert.deepEqual(peer.log.events, ["writable 1"]);
    assert.equal(stream.sendData(Buffer.alloc(10), 0, 10, false), 10);
  });

  it("queue nothing for a thousand stalled streams", () => {
    const peer = SessionPeer.server({ ...http2Options, maxConcurrentStreams: 1000 });
    peer.frames("SETTINGS - 0 000400000000", ...Array.from({ length: 1000 }, (_, i) => get(2 * i + 1)));
    peer.take();
    for (const stream of peer.log.streams.values()) {
      stream.sendHead(200, new Fields(), false);
      assert.equal(stream.sendData(Buffer.alloc(65_536), 0, 65_536, true), 0);
    }
    assert.ok(peer.take().length < 20_000);
    peer.nowMs = 60_000;
    assert.ok(
      [...peer.log.streams.values()].every((stream) => stream.blockedSinceMs === 0 && stream.blocked),
    );
  });

  it("are refused once the stream is over", () => {
    const { peer, stream } = answering();
    stream.reset(internalError);
    assert.deepEqual(peer.taken(), ["RST_STREAM - 1 00000002"]);
    assert.equal(stream.sendData(Buffer.alloc(1), 0, 1, true), 0);
    stream.sendTrailers(new Fields());
    stream.reset(cancel);
    assert.deepEqual(peer.taken(), []);
    assert.deepEqual(peer.log.events, ["closed 1"]);
  });
});

describe("windows that are given back", () => {
  it("follow what the owner consumes, in halves", () => {
    const options = { ...http2Options, initialWindowSize: 65_536, connectionWindowSize: 131_072 };
    const peer = SessionPeer.server(options);
    peer.log.consumes = false;
    peer.frames(post(1), ...Array<string>(4).fill("DATA - 1 00*16384"));
    const stream = peer.log.streams.get(1)!;
    assert.deepEqual(peer.taken(), []);
    stream.consume(32_767);
    assert.deepEqual(peer.taken(), []);
    stream.consume(1);
    assert.deepEqual(peer.taken(), ["WINDOW_UPDATE - 1 00008000"]);
    stream.consume(100_000);
    assert.deepEqual(peer.taken(), ["WINDOW_UPDATE - 0 00010000", "WINDOW_UPDATE - 1 00008000"]);
    stream.consume(100_000);
    assert.deepEqual(peer.taken(), []);
  });

  it("come back for what nobody consumed when a stream is over", () => {
    const peer = SessionPeer.server({ ...http2Options, connectionWindowSize: 65_535 });
    peer.log.consumes = false;
    peer.frames(post(1), "DATA - 1 00*16384", "DATA - 1 00*16384");
    const stream = peer.log.streams.get(1)!;
    stream.reset(noError);
    assert.deepEqual(peer.taken(), ["RST_STREAM - 1 00000000", "WINDOW_UPDATE - 0 00008000"]);
    // What was on its way comes back as well.
    peer.frames("DATA - 1 00*16384", "DATA - 1 00*16384");
    assert.deepEqual(peer.taken(), ["WINDOW_UPDATE - 0 00008000"]);
  });

  it("come back for the rest of a frame whose stream is reset in its midst", () => {
    const peer = SessionPeer.server({ ...http2Options, connectionWindowSize: 65_535 });
    peer.frames(post(1));
    const frames = framesBytes(["DATA - 1 00*16384", "DATA - 1 00*16384"]);
    peer.session.feed(frames, 0, 100);
    peer.log.streams.get(1)!.reset(noError);
    assert.deepEqual(peer.taken(), ["RST_STREAM - 1 00000000"]);
    peer.session.feed(frames, 100);
    assert.deepEqual(peer.taken(), ["WINDOW_UPDATE - 0 00008000"]);
  });

  it("end the connection when they are ignored", () => {
    const peer = SessionPeer.server({ ...http2Options, connectionWindowSize: 65_535 });
    peer.log.consumes = false;
    peer.frames(post(1), post(3), ...Array<string>(2).fill("DATA - 1 00*16384"));
    peer.frames(...Array<string>(2).fill("DATA - 3 00*16384"));
    assert.equal(peer.log.events.at(-1), "failure FLOW_CONTROL_ERROR");
  });
});

describe("taking leave", () => {
  it("is done in two steps, and what came between them is served", () => {
    const peer = SessionPeer.server();
    peer.frames(get(1));
    peer.session.drain();
    peer.session.drain();
    assert.deepEqual(peer.taken(), ["GOAWAY - 0 7fffffff00000000", "PING - 0 4c6f6e67ffffffff"]);
    peer.frames(get(3), "PING ACK 0 4c6f6e67ffffffff", get(5), "DATA - 5 61", "WINDOW_UPDATE - 5 00000001");
    assert.deepEqual(peer.taken(), ["GOAWAY - 0 0000000300000000"]);
    assert.deepEqual(peer.log.events, ["request 1 GET / end", "request 3 GET / end"]);
    peer.log.streams.get(1)!.sendHead(200, new Fields(), true);
    peer.log.streams.get(3)!.sendHead(200, new Fields(), true);
    assert.deepEqual(peer.log.events.slice(2), ["closed 1", "closed 3", "drained"]);
  });

  it("of an idle connection is over with the second step", () => {
    const peer = SessionPeer.server();
    peer.session.drain();
    peer.frames("PING ACK 0 4c6f6e67ffffffff");
    assert.deepEqual(peer.log.events, ["drained"]);
  });

  it("can be done at once", () => {
    const peer = SessionPeer.server();
    peer.frames(get(1));
    peer.session.goAway(enhanceYourCalm);
    assert.deepEqual(peer.taken(), ["GOAWAY - 0 000000010000000b"]);
  });

  it("tells every stream when the connection is lost, and nothing after that", () => {
    const peer = SessionPeer.server();
    peer.frames(get(1), post(3));
    peer.session.close();
    peer.frames(get(5));
    assert.deepEqual(peer.log.events.slice(2), [
      "reset 1 CANCEL by connection",
      "reset 3 CANCEL by connection",
    ]);
    assert.deepEqual(peer.taken(), []);
  });

  it("can be forced by the owner, also within an event", () => {
    const peer = SessionPeer.server();
    peer.log.acts = (event) => {
      if (event.startsWith("request 1")) peer.session.fail(internalError, "enough");
    };
    peer.frames(get(1), get(3));
    assert.deepEqual(peer.log.events, [
      "request 1 GET / end",
      "reset 1 INTERNAL_ERROR by connection",
      "failure INTERNAL_ERROR",
    ]);
    assert.deepEqual(peer.taken(), ["GOAWAY - 0 0000000100000002"]);
  });
});

describe("a client", () => {
  it("opens no more streams than the server takes", () => {
    const peer = SessionPeer.client();
    peer.frames("SETTINGS - 0 000300000001");
    let capacity = 0;
    peer.log.acts = (event) => {
      if (event === "capacity") capacity++;
    };
    assert.ok(peer.session.open(start, new Fields(), true, peer.log));
    assert.equal(peer.session.open(start, new Fields(), true, peer.log), null);
    peer.frames("HEADERS END_HEADERS|END_STREAM 1 88");
    assert.equal(capacity, 1);
    assert.equal(peer.session.open(start, new Fields(), true, peer.log)?.id, 3);
  });

  it("opens none after GOAWAY", () => {
    const peer = SessionPeer.client();
    peer.frames("GOAWAY - 0 7fffffff 00000000");
    assert.equal(peer.session.canOpen, false);
    assert.equal(peer.session.open(start, new Fields(), true, peer.log), null);
  });

  it("knows whether the server speaks extended CONNECT", () => {
    const peer = SessionPeer.client();
    assert.equal(peer.session.peer.enableConnectProtocol, false);
    peer.frames("SETTINGS - 0 000800000001");
    assert.equal(peer.session.peer.enableConnectProtocol, true);
  });

  it("gets heads as HTTP/1 has them, and a repeated field that may stand once as nginx takes it", () => {
    const peer = SessionPeer.client();
    const heads: ResponseHead[] = [];
    const stream = peer.session.open(start, new Fields(), true, peer.log)!;
    peer.log.onHead = (_stream, head) => heads.push(head);
    peer.frames(`HEADERS END_HEADERS ${stream.id} @200 {server=a} {server=b} {x=1} {x=2}`);
    const [head] = heads;
    assert.deepEqual([head?.statusLine, head?.versionMajor, head?.chunked], ["200 OK", 2, false]);
    assert.deepEqual(head?.fields.values, ["a", "1", "2"]);
    assert.deepEqual(head?.warnings, [
      'upstream sent duplicate header line: "server: b", previous value: "server: a", ignored',
    ]);
  });

  it("gets its number back from a PING", () => {
    const peer = SessionPeer.client();
    peer.session.ping(7);
    assert.deepEqual(peer.taken(), ["PING - 0 4c6f6e6700000007"]);
    peer.frames("PING ACK 0 4c6f6e6700000007");
    assert.deepEqual(peer.log.events, ["pong 7"]);
  });
});

describe("limits against abuse", () => {
  it("forget what is long ago", () => {
    const limits = { ...http2Limits, pings: { burst: 2, perSecond: 1 } };
    const peer = SessionPeer.server({ ...http2Options, limits });
    for (let i = 0; i < 20; i++) {
      peer.frames("PING - 0 00*8");
      peer.nowMs += 1000;
    }
    assert.deepEqual(peer.log.events, []);
    peer.frames("PING - 0 00*8", "PING - 0 00*8", "PING - 0 00*8");
    assert.deepEqual(peer.log.events, ["failure ENHANCE_YOUR_CALM"]);
  });

  it("end a connection whose peer makes us answer and does not read", () => {
    const peer = SessionPeer.server({ ...http2Options, limits: { ...http2Limits, unreadAnswersMax: 10 } });
    peer.takes = false;
    for (let i = 0; i < 11; i++) peer.frames("PING - 0 00*8");
    assert.deepEqual(peer.log.events, []);
    peer.frames("PING - 0 00*8");
    assert.deepEqual(peer.log.events, ["failure ENHANCE_YOUR_CALM"]);
  });

  it("let windows be opened as often as data explain it", () => {
    const limits = { ...http2Limits, windowUpdates: { burst: 4, perSecond: 0 } };
    const peer = SessionPeer.server({ ...http2Options, limits });
    peer.frames(get(1));
    const stream = peer.log.streams.get(1)!;
    for (let i = 0; i < 50; i++) {
      assert.equal(stream.sendData(Buffer.alloc(1024), 0, 1024, false), 1024);
      peer.frames("WINDOW_UPDATE - 0 00000400", "WINDOW_UPDATE - 1 00000400");
    }
    assert.equal(peer.session.closed, false);
  });

  it("end a connection of tiny windows", () => {
    const limits = { ...http2Limits, windowUpdates: { burst: 100, perSecond: 0 } };
    const peer = SessionPeer.server({ ...http2Options, limits });
    peer.frames("SETTINGS - 0 000400000001", get(1));
    const stream = peer.log.streams.get(1)!;
    const bytes = Buffer.alloc(10_000);
    let sent = 0;
    peer.log.acts = (event) => {
      if (event === "writable 1") sent += stream.sendData(bytes, sent, bytes.length, true);
    };
    sent += stream.sendData(bytes, 0, bytes.length, true);
    for (let i = 0; i < 1000 && !peer.session.closed; i++) peer.frames("WINDOW_UPDATE - 1 00000001");
    assert.equal(peer.log.events.at(-1), "failure ENHANCE_YOUR_CALM");
    assert.ok(sent < 110);
  });

  it("let both windows be opened after every small message", () => {
    const limits = { ...http2Limits, windowUpdates: { burst: 4, perSecond: 0 } };
    const peer = SessionPeer.server({ ...http2Options, limits });
    peer.frames(get(1));
    const stream = peer.log.streams.get(1)!;
    for (let i = 0; i < 50; i++) {
      assert.equal(stream.sendData(Buffer.from("abcdef"), 0, 6, false), 6);
      peer.frames("WINDOW_UPDATE - 0 00000006", "WINDOW_UPDATE - 1 00000006");
    }
    assert.equal(peer.session.closed, false);
  });

  it("refuse what comes at once beyond what a turn should serve", () => {
    const peer = SessionPeer.server({ ...http2Options, maxConcurrentStreams: 5 });
    peer.log.acts = (event, stream) => {
      if (event.startsWith("request")) stream!.sendHead(200, new Fields(), true);
    };
    peer.frames(...Array.from({ length: 12 }, (_, i) => get(2 * i + 1)));
    assert.equal(peer.heads.length, 10);
    assert.deepEqual(peer.taken().slice(-2), ["RST_STREAM - 21 00000007", "RST_STREAM - 23 00000007"]);
    peer.frames(get(25));
    assert.equal(peer.heads.length, 11);
  });

  it("leave a head that does not come whole to the owner, which can see it", () => {
    const peer = SessionPeer.server();
    assert.equal(peer.session.midFrame, false);
    peer.frames("HEADERS - 1 82");
    assert.equal(peer.session.midFrame, true);
    peer.frames("CONTINUATION END_HEADERS 1 8684410161");
    assert.deepEqual([peer.session.midFrame, peer.heads.length], [false, 1]);
  });

  it("let a browser leave a page of a hundred streams", () => {
    const peer = SessionPeer.server();
    const ids = Array.from({ length: 100 }, (_, i) => 2 * i + 1);
    peer.frames(...ids.map(get));
    peer.frames(...ids.map((id) => `RST_STREAM - ${id} 00000008`));
    assert.equal(peer.session.closed, false);
    assert.equal(peer.session.streams.size, 0);
  });

  it("do not hold a header bomb in memory", () => {
    const peer = SessionPeer.server();
    // A large field once, and then by its index, again and again.
    const bomb = `HEADERS END_HEADERS|END_STREAM 1 @get 400161 7fa11e ${"76".repeat(4000)} be*9000`;
    peer.frames(bomb);
    assert.deepEqual(peer.log.events, [
      "refused 1 494 client sent too large request while reading client request headers",
    ]);
  });
});
