/** A server that answers requests by HTTP/2 with frames as a test writes them, right ones and wrong ones. */
import { once } from "node:events";
import net from "node:net";
import type { AddressInfo } from "node:net";
import { HTTP2_PREFACE } from "../../src/http/preface.ts";
import { HpackDecoder } from "../../src/http2/hpack-decoder.ts";

export type FieldList = readonly (readonly [name: string, value: string])[];

/** A frame of the answer. "END" as last word ends the stream. */
export type AnswerStep =
  | readonly ["headers", FieldList, "END"?]
  | readonly ["data", string, "END"?]
  | readonly ["reset", code: number]
  | readonly ["goaway", lastStreamId: number, code: number]
  | readonly ["frame", type: number, flags: number, payload: string, streamId?: number]
  | readonly ["bytes", string]
  | readonly ["close"];

/** What the server got. */
export interface ServedRequest {
  /** "name: value", pseudo-headers too, in their order. */
  readonly fields: readonly string[];
  body: string;
  /** Fields behind the body. */
  trailers: readonly string[];
}

const frame = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goAway: 7 } as const;
const flag = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export class ScriptedHttp2Server {
  readonly port: number;
  private readonly server: net.Server;
  private readonly sockets: ReadonlySet<net.Socket>;

  private constructor(server: net.Server, sockets: ReadonlySet<net.Socket>) {
    this.server = server;
    this.sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  /** `answer` says what is sent once a request has come whole. */
  static async start(
    answer: (request: ServedRequest) => readonly AnswerStep[],
  ): Promise<ScriptedHttp2Server> {
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
      new ServerSide(socket, answer);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new ScriptedHttp2Server(server, sockets);
  }

  stop(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

class ServerSide {
  private readonly socket: net.Socket;
  private readonly answer: (request: ServedRequest) => readonly AnswerStep[];
  private readonly decoder = new HpackDecoder(4096);
  private readonly requests = new Map<number, ServedRequest>();
  private bytes = Buffer.alloc(0);
  private greeted = false;
  /** Frames that leave together. */
  private readonly pending: Buffer[] = [];

  constructor(socket: net.Socket, answer: (request: ServedRequest) => readonly AnswerStep[]) {
    this.socket = socket;
    this.answer = answer;
    this.send(frame.settings, 0, 0, Buffer.alloc(0));
    socket.write(Buffer.concat(this.pending.splice(0)));
    socket.on("data", (chunk: Buffer) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.read();
      if (this.pending.length > 0) this.socket.write(Buffer.concat(this.pending.splice(0)));
    });
  }

  private read(): void {
    if (!this.greeted) {
      if (this.bytes.length < HTTP2_PREFACE.length) return;
      this.greeted = true;
      this.bytes = this.bytes.subarray(HTTP2_PREFACE.length);
    }
    while (this.bytes.length >= 9) {
      const length = this.bytes.readUIntBE(0, 3);
      if (this.bytes.length < 9 + length) return;
      const [type, flags] = [this.bytes[3]!, this.bytes[4]!];
      const id = this.bytes.readUInt32BE(5);
      const payload = this.bytes.subarray(9, 9 + length);
      this.bytes = this.bytes.subarray(9 + length);
      this.take(type, flags, id, payload);
    }
  }

  private take(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === frame.settings && (flags & flag.ack) === 0)
      this.send(frame.settings, flag.ack, 0, Buffer.alloc(0));
    if (type === frame.ping && (flags & flag.ack) === 0) this.send(frame.ping, flag.ack, 0, payload);
    if (type === frame.headers) this.takeFields(id, flags, payload);
    const request = this.requests.get(id);
    if (request === undefined || (type !== frame.data && type !== frame.headers)) return;
    if (type === frame.data) request.body += payload.toString("latin1");
    if ((flags & flag.endStream) === 0) return;
    this.requests.delete(id);
    const steps = this.answer(request);
    for (const step of steps) this.act(id, step);
    // What was read together is told of by some products, and what was not by others.
    this.socket.write(Buffer.concat(this.pending.splice(0)));
    if (steps.some(([what]) => what === "close")) this.socket.end();
  }

  private takeFields(id: number, flags: number, payload: Buffer): void {
    if ((flags & (flag.padded | flag.priority)) !== 0) throw new Error("not looked at here");
    const fields: string[] = [];
    this.decoder.decode(payload, 0, payload.length, {
      onField: (name, value) => void fields.push(`${name}: ${value}`),
    });
    const request = this.requests.get(id);
    if (request === undefined) this.requests.set(id, { fields, body: "", trailers: [] });
    else request.trailers = fields;
  }

  private act(id: number, step: AnswerStep): void {
    switch (step[0]) {
      case "headers": {
        const flags = flag.endHeaders | (step[2] === undefined ? 0 : flag.endStream);
        return this.send(frame.headers, flags, id, plainBlock(step[1]));
      }
      case "data":
        return this.send(
          frame.data,
          step[2] === undefined ? 0 : flag.endStream,
          id,
          Buffer.from(step[1], "latin1"),
        );
      case "reset":
        return this.send(frame.rstStream, 0, id, numbers(step[1]));
      case "goaway":
        return this.send(frame.goAway, 0, 0, numbers(step[1], step[2]));
      case "frame":
        return this.send(step[1], step[2], step[4] ?? id, Buffer.from(step[3], "hex"));
      case "bytes":
        return void this.pending.push(Buffer.from(step[1], "latin1"));
      case "close":
        return;
    }
  }

  private send(type: number, flags: number, id: number, payload: Buffer): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(id, 5);
    this.pending.push(head, payload);
  }
}

/** Literals without indexing and without Huffman (RFC 7541, section 6.2.2): whatever the names are. */
function plainBlock(fields: FieldList): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")]);
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}
