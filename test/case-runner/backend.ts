import { createServer, type Server } from "node:net";
import type { Action, Behaviour } from "./backend-script.ts";
import { ByteStream } from "./byte-stream.ts";
import { fieldValues, type Message } from "./message.ts";
import type { Placeholders } from "./text.ts";
import type { Wire } from "./wires.ts";

/** Backends wait as long as a group may live. */
const IDLE_MS = 600_000;

/** An upstream server that does what the case file says and remembers what it was asked. */
export class Backend {
  readonly name: string;
  readonly #wire: Wire;
  readonly #standing: Behaviour;
  readonly #placeholders: Placeholders;
  readonly #server: Server;
  readonly #streams = new Set<ByteStream>();
  #scripted: Behaviour[] = [];
  #current: Behaviour;
  /** Requests of the running case that no step has looked at yet. */
  unseen: Message[] = [];
  /** The connection that was busy last. */
  latest: ByteStream | null = null;
  /** Connections accepted since the case began. */
  accepted = 0;
  /** Bytes that came after a switch to streaming. */
  streamed = "";

  constructor(name: string, wire: Wire, standing: Behaviour, placeholders: Placeholders) {
    this.name = name;
    this.#wire = wire;
    this.#standing = standing;
    this.#current = standing;
    this.#placeholders = placeholders;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const stream = new ByteStream(socket);
      this.#streams.add(stream);
      this.accepted++;
      socket.on("close", () => this.#streams.delete(stream));
      void this.#serve(stream);
    });
  }

  /** Listens on a free port of 127.0.0.1 or on a unix socket; resolves with the port (0 for a unix socket). */
  listen(path: string | null): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.once("listening", () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
      if (path === null) this.#server.listen(0, "127.0.0.1");
      else this.#server.listen(path);
    });
  }

  close(): void {
    this.#server.close();
    for (const stream of this.#streams) stream.destroy();
  }

  /** Forgets the last case's script and records. */
  reset(): void {
    this.#scripted = [];
    this.#current = this.#standing;
    this.unseen = [];
    this.streamed = "";
    this.accepted = 0;
    this.latest = null;
  }

  /** What to do with the coming requests, one after the other; the last stays until there is another. */
  script(behaviour: Behaviour): void {
    this.#scripted.push(behaviour);
  }

  #nextBehaviour(): Behaviour {
    this.#current = this.#scripted.shift() ?? this.#current;
    return this.#current;
  }

  async #serve(stream: ByteStream): Promise<void> {
    for (;;) {
      const request = await this.#wire.readHead(stream, IDLE_MS);
      if (request === null) {
        if (stream.ended) stream.end();
        return;
      }
      this.latest = stream;
      const behaviour = this.#nextBehaviour();
      if (!behaviour.early) await this.#wire.readBody(stream, request);
      this.unseen.push(request);
      const goesOn = await this.#perform(stream, request, behaviour.actions);
      if (!goesOn) return;
    }
  }

  /** Resolves with true when the connection stays open for another request. */
  async #perform(stream: ByteStream, request: Message, actions: readonly Action[]): Promise<boolean> {
    for (const action of actions) {
      switch (action.act) {
        case "send":
          stream.send(this.#placeholders.fill(action.bytes));
          break;
        case "answer":
          stream.send(this.#wire.frame(this.#placeholders.fill(action.text)));
          break;
        case "echo":
          stream.send(this.#response(`${request.lines.join("\n")}\n\n${request.body}`));
          break;
        case "name":
          stream.send(this.#response(`${this.name}\n`));
          break;
        case "pause":
          await stream.until(() => (stream.ended ? true : undefined), action.ms);
          break;
        case "upgrade":
          stream.send(switching(request));
          break;
        case "end":
          stream.end();
          break;
        case "stream":
          await this.#stream(stream, action.echo, action.stays ?? false);
          return false;
        case "silent":
          await stream.until(() => (stream.ended ? true : undefined), IDLE_MS);
          stream.destroy();
          return false;
        case "close":
          stream.end();
          return false;
        case "reset":
          stream.reset();
          return false;
        case "done":
          if (action.framed && this.#wire.keeps(request)) return true;
          stream.end();
          return false;
      }
    }
    return false;
  }

  #response(body: string): string {
    const fields = `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
    return this.#wire.frame(this.#wire.statusLine + fields + body);
  }

  async #stream(stream: ByteStream, echo: boolean, stays: boolean): Promise<void> {
    for (;;) {
      const bytes = stream.take(stream.buffered.length);
      this.streamed += bytes;
      if (echo && bytes !== "") stream.send(bytes);
      if (stream.ended) break;
      await stream.until(() => (stream.buffered !== "" || stream.ended ? true : undefined), IDLE_MS);
    }
    if (!stays) stream.end();
  }
}

function switching(request: Message): string {
  const protocol = fieldValues(request, "Upgrade")[0] ?? "websocket";
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${protocol}\r\nConnection: Upgrade\r\n\r\n`;
}
