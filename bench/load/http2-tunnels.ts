import type { Job } from "../job.ts";
import { paths, StampedFrame } from "../wire.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { dialAll, LoadConnection, type Opening } from "./connection.ts";
import { type Control, runStretches } from "./control.ts";
import {
  clientOpening,
  fieldBlock,
  flags,
  frame,
  frameHeaderBytes,
  frameTypes,
  settingsAck,
  windowFirst,
  windowOpened,
  windowStep,
  writeHeader,
} from "./http2-frames.ts";

/** The largest DATA frame that everyone takes. */
const dataBytesMax = 16_384;
/** Identifier of SETTINGS_INITIAL_WINDOW_SIZE. */
const initialWindowSetting = 4;

/** What all tunnels of a job share. */
class Messages {
  readonly request: StampedFrame;
  readonly reply: StampedFrame;
  /** A whole message in DATA frames; filled anew for each. */
  readonly framed: Buffer;

  constructor(payloadBytes: number) {
    this.request = new StampedFrame(payloadBytes, true);
    this.reply = new StampedFrame(payloadBytes, false);
    const { length } = this.request.bytes;
    this.framed = Buffer.alloc(length + frameHeaderBytes * Math.ceil(length / dataBytesMax));
  }

  /** The next message of a tunnel in the frames of its stream. */
  frame(tunnel: number, sequence: number, streamId: number): Buffer {
    const bytes = this.request.stamp(tunnel, sequence);
    let to = 0;
    for (let from = 0; from < bytes.length; from += dataBytesMax) {
      const size = Math.min(dataBytesMax, bytes.length - from);
      writeHeader(this.framed, to, size, frameTypes.data, streamId);
      bytes.copy(this.framed, to + frameHeaderBytes, from, from + size);
      to += frameHeaderBytes + size;
    }
    return this.framed;
  }
}

/** One WebSocket: a stream with one message under way. */
class StreamTunnel {
  readonly id: number;
  readonly streamId: number;
  sent = 0;
  received = 0;
  /** Bytes of the awaited reply that have come. */
  position = 0;
  /** Bytes that the proxy still allows; and that we have taken since its window was opened. */
  sendWindow: number;
  taken = 0;
  open = false;

  constructor(id: number, streamId: number, sendWindow: number) {
    this.id = id;
    this.streamId = streamId;
    this.sendWindow = sendWindow;
  }
}

/** A connection with so many tunnels. It keeps to the proxy's windows: a message waits until it fits whole. */
class TunnelConnection extends LoadConnection implements Opening {
  readonly whenOpen: Promise<void>;
  #resolveOpen!: () => void;
  readonly #messages: Messages;
  readonly #loop: ClosedLoop;
  readonly #firstId: number;
  readonly #count: number;
  readonly #scheme: string;
  readonly #tunnels = new Map<number, StreamTunnel>();
  #opened = 0;
  #sendWindow = windowFirst;
  #initialWindow = windowFirst;
  #taken = 0;
  #waiting: StreamTunnel[] = [];
  #outbox: Buffer[] = [];
  #rest: Buffer | null = null;
  #begun = false;

  constructor(messages: Messages, loop: ClosedLoop, firstId: number, job: Job) {
    super();
    this.#messages = messages;
    this.#loop = loop;
    this.#firstId = firstId;
    this.#count = job.streams;
    this.#scheme = job.tls ? "https" : "http";
    this.whenOpen = new Promise((resolve) => {
      this.#resolveOpen = resolve;
    });
  }

  opened(): void {
    this.send(clientOpening);
  }

  /** One message on every tunnel. */
  start(): void {
    for (const tunnel of this.#tunnels.values()) this.#ask(tunnel);
    this.#leave();
  }

  receive(bytes: Buffer): void {
    const all = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (all.length >= at + frameHeaderBytes) {
      const end = at + frameHeaderBytes + all.readUIntBE(at, 3);
      if (all.length < end) break;
      this.#frame(all[at + 3]!, all[at + 4]!, all.readUInt32BE(at + 5), all, at + frameHeaderBytes, end);
      at = end;
    }
    this.#rest = at < all.length ? Buffer.from(all.subarray(at)) : null;
    this.#leave();
  }

  #frame(type: number, flagBits: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    switch (type) {
      case frameTypes.data:
        return this.#data(streamId, bytes, start, end);
      case frameTypes.headers:
        return this.#head(streamId, bytes, start);
      case frameTypes.settings:
        return (flagBits & flags.ack) === 0 ? this.#settings(bytes, start, end) : undefined;
      case frameTypes.windowUpdate:
        return this.#window(streamId, bytes.readUInt32BE(start));
      default:
        return this.fail(`frame of type ${type}`);
    }
  }

  #settings(bytes: Buffer, start: number, end: number): void {
    this.#outbox.push(settingsAck);
    for (let at = start; at < end; at += 6) {
      if (bytes.readUInt16BE(at) === initialWindowSetting) this.#initialWindow = bytes.readUInt32BE(at + 2);
    }
    if (!this.#begun) this.#connect();
  }

  /** Opens all streams, once the proxy has said that it takes extended CONNECT. */
  #connect(): void {
    this.#begun = true;
    const block = fieldBlock({
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": this.#scheme,
      ":path": paths.echo,
      ":authority": "localhost",
      "sec-websocket-version": "13",
    });
    for (let index = 0; index < this.#count; index += 1) {
      const streamId = 2 * index + 1;
      this.#tunnels.set(streamId, new StreamTunnel(this.#firstId + index, streamId, this.#initialWindow));
      this.#outbox.push(frame(frameTypes.headers, flags.endHeaders, streamId, block));
    }
  }

  /** Index 8 of the static table is `:status: 200`; everyone writes it so. */
  #head(streamId: number, bytes: Buffer, start: number): void {
    const tunnel = this.#tunnels.get(streamId);
    if (bytes[start] !== 0x88 || tunnel === undefined) this.fail("answered otherwise than with 200");
    tunnel.open = true;
    this.#opened += 1;
    if (this.#opened === this.#count) this.#resolveOpen();
  }

  #data(streamId: number, bytes: Buffer, start: number, end: number): void {
    const tunnel = this.#tunnels.get(streamId);
    if (tunnel?.open !== true) this.fail("data on a stream that is not open");
    let at = start;
    while (at < end) {
      if (tunnel.received === tunnel.sent) this.fail("bytes beyond the last echo");
      const expected = this.#messages.reply.stamp(tunnel.id, tunnel.received);
      const take = Math.min(expected.length - tunnel.position, end - at);
      if (bytes.compare(expected, tunnel.position, tunnel.position + take, at, at + take) !== 0)
        this.fail("echo differs");
      at += take;
      tunnel.position += take;
      if (tunnel.position < expected.length) continue;
      tunnel.position = 0;
      tunnel.received += 1;
      if (this.#loop.done()) this.#ask(tunnel);
    }
    this.#took(tunnel, end - start);
  }

  #took(tunnel: StreamTunnel, bytes: number): void {
    this.#taken += bytes;
    tunnel.taken += bytes;
    if (tunnel.taken >= windowStep) {
      tunnel.taken -= windowStep;
      this.#outbox.push(windowOpened(tunnel.streamId));
    }
    if (this.#taken < windowStep) return;
    this.#taken -= windowStep;
    this.#outbox.push(windowOpened(0));
  }

  #window(streamId: number, increment: number): void {
    const tunnel = this.#tunnels.get(streamId);
    if (tunnel === undefined) this.#sendWindow += increment;
    else tunnel.sendWindow += increment;
    if (this.#waiting.length === 0) return;
    for (const waiting of this.#waiting.splice(0)) this.#ask(waiting);
  }

  #ask(tunnel: StreamTunnel): void {
    const size = this.#messages.request.bytes.length;
    if (tunnel.sendWindow < size || this.#sendWindow < size) {
      this.#waiting.push(tunnel);
      return;
    }
    tunnel.sendWindow -= size;
    this.#sendWindow -= size;
    const bytes = this.#messages.frame(tunnel.id, tunnel.sent, tunnel.streamId);
    tunnel.sent += 1;
    this.#outbox.push(Buffer.from(bytes));
  }

  /** What has come together goes out together. */
  #leave(): void {
    if (this.#outbox.length === 0) return;
    this.send(this.#outbox.length === 1 ? this.#outbox[0]! : Buffer.concat(this.#outbox));
    this.#outbox = [];
  }
}

function makeConnections(job: Job, count: number, loop: ClosedLoop): TunnelConnection[] {
  const messages = new Messages(job.size);
  return Array.from(
    { length: count },
    (_, index) => new TunnelConnection(messages, loop, index * job.streams, job),
  );
}

/** Every tunnel has one message under way, always. Unit: one echo. */
export async function runHttp2Echo(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const connections = makeConnections(job, job.connections, loop);
  await dialAll(job, connections);
  const stretch = (seconds: number): Promise<number> =>
    loop.run(seconds, connections.length * job.streams, () => {
      for (const connection of connections) connection.start();
    });
  await runStretches(control, { warmup: job.warmupSeconds, measured: job.seconds }, stretch);
}

/** A connection so that what the first ones cost once is paid before the runner weighs the proxy. */
const idleWarmup = 1;

/** Opens connections full of tunnels, sends one message on each, and holds them until "stop". Unit: one tunnel. */
export async function runHttp2IdleTunnels(job: Job, control: Control): Promise<void> {
  const loop = new ClosedLoop();
  const open = async (count: number): Promise<void> => {
    const connections = makeConnections(job, count, loop);
    // One page after the other: what two thousand handshakes at once take for a moment is not the tunnels'.
    for (const connection of connections) await dialAll(job, [connection]);
    await loop.run(0, count * job.streams, () => {
      for (const connection of connections) connection.start();
    });
  };
  await open(idleWarmup);
  control.report({ event: "ready" });
  await control.hear("go");
  await open(job.connections);
  control.report({ event: "done", units: job.connections * job.streams });
  await control.hear("stop");
}
