import assert from "node:assert/strict";
import { test } from "node:test";
import { patternBytes } from "../../net/contract-peer.ts";
import type { BodyConsumer } from "../request/request-body.ts";
import type { Request } from "../request/request.ts";
import { Payload } from "./payload.ts";

/** A request whose body the test delivers itself. */
function requestWithBody(): { request: Request; body: { kept: readonly Buffer[] | null } } {
  const body = {
    discarded: false,
    started: false,
    contentLength: -1,
    kept: null as readonly Buffer[] | null,
    gathered: null as readonly Buffer[] | null,
    start: (_consumer: BodyConsumer) => {},
    hold: (_bytes: number) => {},
    held: 0,
    heldByAll: 0,
    chunked: true,
    complete: false,
    arrivedWithHead: 0,
    wireBytes: 0,
  };
  const core = { clientBodyBufferSize: 0, clientBodyInFileOnly: "off", clientBodyMemory: 1_000_000 };
  const server = { headLimits: { headerBufferSize: 1024, largeBufferSize: 8192 }, readsBodies: false };
  return { request: { body, server, head: { bytes: 100 }, location: { core } } as unknown as Request, body };
}

test("a body that comes byte by byte is kept in few pieces, and sent as it came", () => {
  const { request, body } = requestWithBody();
  const sent: Buffer[] = [];
  const target = {
    onPayload: (pieces: readonly Buffer[]) => sent.push(...pieces) > 0,
    onPayloadEnd: () => undefined,
  };
  const payload = new Payload(request, true, {
    onPayloadReady: () => undefined,
    onPayloadFailed: () => assert.fail(),
    crash: (error) => assert.fail(String(error)),
  });
  payload.start();
  const whole = patternBytes(200_000, 1);
  const piece = Buffer.alloc(70_000);
  for (let at = 0; at < whole.length;) {
    // Now and then a large one, in memory that is used again.
    const length = at === 50_000 ? piece.length : 1;
    payload.onBody(piece.subarray(0, whole.copy(piece, 0, at, at + length)));
    at += length;
  }
  payload.onBodyEnd();
  assert.ok(body.kept!.length < 20, `${body.kept!.length} pieces`);
  assert.equal(payload.length, whole.length);
  payload.sendTo(target);
  assert.ok(Buffer.concat(sent).equals(whole));
});
