import assert from "node:assert/strict";
import { scene, type MakeSubject } from "./contract-scene.ts";
import type { DatagramEvents, DatagramPeer } from "./network.ts";

/** Collects what a peer tells. */
class Heard implements DatagramEvents {
  readonly texts: string[] = [];
  readonly codes: string[] = [];
  private wake: (() => void) | null = null;

  onDatagram(bytes: Buffer): void {
    this.texts.push(bytes.toString());
    this.wake?.();
  }

  onFailed(code: string): void {
    this.codes.push(code);
    this.wake?.();
  }

  async until(isThere: () => boolean): Promise<void> {
    while (!isThere()) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

/**
 * Registers what the contract asks of `Network.datagrams`: answers, order of events, failures, the count of
 * sockets.
 */
export function testDatagrams(make: MakeSubject): void {
  scene(
    "datagrams go to a peer and come back, also those sent before there is a socket",
    make,
    async (stage) => {
      const echo = await stage.subject.echoDatagrams();
      const heard = new Heard();
      const before = stage.network.openSockets;
      const peer: DatagramPeer = stage.network.datagrams(echo, heard);
      assert.equal(stage.network.openSockets, before + 1);
      peer.send(Buffer.from("one"));
      assert.deepEqual(heard.texts, [], "events are asynchronous");
      await heard.until(() => heard.texts.length === 1);
      peer.send(Buffer.from("two"));
      await heard.until(() => heard.texts.length === 2);
      assert.deepEqual(heard.texts, ["one", "two"]);
      peer.close();
      peer.close();
      peer.send(Buffer.from("three"));
      assert.equal(stage.network.openSockets, before);
    },
  );

  scene("nobody hears of datagrams after close", make, async (stage) => {
    const echo = await stage.subject.echoDatagrams();
    const closed = new Heard();
    const first = stage.network.datagrams(echo, closed);
    first.send(Buffer.from("lost"));
    first.close();
    const heard = new Heard();
    const second = stage.network.datagrams(echo, heard);
    second.send(Buffer.from("found"));
    await heard.until(() => heard.texts.length === 1);
    assert.deepEqual(closed.texts, []);
    second.close();
  });

  scene("a peer that is not there is told of", make, async (stage) => {
    const echo = await stage.subject.echoDatagrams();
    const heard = new Heard();
    const peer = stage.network.datagrams({ ...echo, port: 1 }, heard);
    peer.send(Buffer.from("hello"));
    await heard.until(() => heard.codes.length === 1);
    assert.deepEqual(heard.codes, ["ECONNREFUSED"]);
    peer.close();
  });

  scene("an exception of who hears datagrams is an internal error", make, async (stage) => {
    const echo = await stage.subject.echoDatagrams();
    const { internalErrors } = stage.subject;
    let wake = (): void => undefined;
    const peer = stage.network.datagrams(echo, {
      onDatagram() {
        setImmediate(() => wake());
        throw new Error("on purpose");
      },
      onFailed() {},
    });
    peer.send(Buffer.from("hello"));
    await new Promise<void>((resolve) => (wake = resolve));
    assert.equal(internalErrors.length, 1);
    peer.close();
  });

  scene("a peer to which there is no way is told of, each time", make, async (stage) => {
    const { nowhere } = stage.subject;
    if (nowhere === null) return;
    const heard = new Heard();
    const peer = stage.network.datagrams(nowhere, heard);
    peer.send(Buffer.from("one"));
    await heard.until(() => heard.codes.length > 0);
    const before = heard.codes.length;
    peer.send(Buffer.from("two"));
    assert.equal(heard.codes.length, before, "events are asynchronous");
    await heard.until(() => heard.codes.length > before);
    peer.close();
    assert.deepEqual(stage.subject.internalErrors, []);
  });
}
