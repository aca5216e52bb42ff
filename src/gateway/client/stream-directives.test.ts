import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import { acceptFor } from "../../websocket/accept.ts";
import { OPCODE_PING, OPCODE_PONG } from "../../websocket/frames.ts";
import { writeFrame } from "../../websocket/frame-writer.ts";
import { Simulation } from "../simulation.fixture.ts";
import { answering } from "../wire.fixture.ts";
import type { Message, Wire } from "../wire.fixture.ts";
import { StreamClient } from "./stream-wire.fixture.ts";
import type { Opening } from "./stream-wire.fixture.ts";

const mask = 0x0a0b0c0d;
const text = (words: string): Buffer => writeFrame(1, Buffer.from(words), { mask });

interface Scene {
  readonly simulation: Simulation;
  readonly opening: Opening;
  readonly servers: { readonly wire: Wire; readonly handshake: Message }[];
}

/** A WebSocket over HTTP/2 through a location with these directives, to one of two servers. */
async function open(
  directives: string,
  inHttp = "",
  fields: Readonly<Record<string, string>> = {},
): Promise<Scene> {
  const http = `http2 on; ${inHttp}
    upstream origin { server 10.0.0.9:9000; server 10.0.0.9:9001; }
    server { listen 10.0.0.1:80; location / { websocket on; proxy_pass http://origin; ${directives} } }`;
  const simulation = await Simulation.start({ http });
  const servers: Scene["servers"] = [];
  for (const port of [9000, 9001]) {
    await simulation.origin(port, (wire) =>
      answering(wire, (handshake) => {
        servers.push({ wire, handshake });
        wire.onBytes = null;
        wire.endsAlong = false;
        const accept = acceptFor(handshake.fields.get("sec-websocket-key") ?? "");
        return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
      }),
    );
  }
  const opening = new StreamClient(simulation).open({ "sec-websocket-version": "13", ...fields });
  opening.wire.endsAlong = false;
  await simulation.until(() => opening.answered);
  return { simulation, opening, servers };
}

/** First byte and close code of what came last. */
function closeOf({ inbox }: Wire): readonly [number, number] {
  const at = inbox.lastIndexOf(0x88);
  return at < 0 ? [0, 0] : [inbox[at]!, inbox.readUInt16BE(at + 2)];
}

describe("directives for WebSockets hold for those over HTTP/2", () => {
  test("websocket_ping: the client is pinged, and ended when it does not answer", async () => {
    const { simulation, opening, servers } = await open("websocket_ping 5s jitter=0 timeout=2s;");
    await simulation.advance(5_000);
    const ping = opening.wire.takeBytes();
    assert.equal(ping[0], 0x80 | OPCODE_PING);
    opening.wire.send(writeFrame(OPCODE_PONG, ping.subarray(2), { mask }));
    await simulation.advance(5_000);
    assert.equal(opening.wire.finished, false);
    assert.equal(servers[0]!.wire.inbox.length, 0);
    await simulation.advance(3_000);
    assert.equal(simulation.gateway.tunnels.size, 0);
    await simulation.finish();
  });

  test("websocket_max_message_size: a message that is too large ends it with 1009", async () => {
    const { simulation, opening, servers } = await open("websocket_max_message_size 10;");
    opening.wire.send(text("short"));
    await simulation.until(() => servers[0]!.wire.inbox.length > 0);
    opening.wire.send(text("much too long"));
    await simulation.until(() => opening.wire.finished);
    assert.deepEqual(closeOf(opening.wire), [0x88, 1009]);
    await simulation.finish();
  });

  test("websocket_origin: pages of others are refused", async () => {
    const refused = await open("websocket_origin same;", "", { origin: "https://evil.test" });
    assert.equal(refused.opening.answer.status, 403);
    await refused.simulation.finish();
    const taken = await open("websocket_origin same;", "", { origin: "https://a" });
    assert.equal(taken.opening.answer.status, 200);
    await taken.simulation.finish();
  });

  test("websocket_failover: another server goes on, on the same stream", async () => {
    const { simulation, opening, servers } = await open("websocket_failover on=lost;");
    servers[0]!.wire.connection!.reset();
    await simulation.until(() => servers.length === 2);
    const [first, second] = servers as [Scene["servers"][number], Scene["servers"][number]];
    assert.equal(second.handshake.fields.get("longhaul-resumed"), "1");
    assert.equal(second.handshake.startLine, first.handshake.startLine);
    opening.wire.send(text("two"));
    await simulation.until(() => second.wire.inbox.length > 0);
    assert.ok(second.wire.inbox.equals(text("two")));
    second.wire.send(writeFrame(1, Buffer.from("back")));
    await simulation.until(() => opening.wire.text.endsWith("back"));
    assert.equal(opening.wire.finished, false);
    await simulation.finish();
  });

  test("websocket_log: its line tells of it", async () => {
    const { simulation, opening, servers } = await open("websocket_log ws.log websocket_json;");
    opening.wire.send(text("one"));
    await simulation.until(() => servers[0]!.wire.inbox.length > 0);
    opening.wire.end();
    await simulation.finish();
    const line = simulation.accessLines.find((one) => one.startsWith("{"));
    const record = JSON.parse(line!) as Record<string, unknown>;
    assert.equal(record["closed_by"], "client");
    assert.equal(Number(record["messages_received"]), 1);
  });

  test("http2_body_preread_size 0 does not keep messages back", async () => {
    const { simulation, opening, servers } = await open("", "http2_body_preread_size 0;");
    const message = writeFrame(2, patternBytes(200_000, 3), { mask });
    opening.wire.send(message);
    await simulation.until(() => servers[0]!.wire.inbox.length >= message.length);
    assert.ok(servers[0]!.wire.inbox.equals(message));
    await simulation.finish();
  });
});
