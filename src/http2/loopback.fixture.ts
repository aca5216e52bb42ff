import net from "node:net";
import type { AddressInfo } from "node:net";
import { Fields } from "../http/fields.ts";
import { AnswerOwner, EchoServer, Sender } from "./echo.fixture.ts";
import type { Answer } from "./echo.fixture.ts";
import type { Http2Options } from "./options.ts";
import { Http2Session } from "./session.ts";
import type { Http2Stream } from "./stream.ts";

const clock = { now: () => performance.now() };

/** Puts a session on a socket. */
function attach(
  role: "server" | "client",
  events: EchoServer,
  socket: net.Socket,
  options: Http2Options,
): Http2Session {
  const sink = {
    write: (bytes: Buffer): boolean => !socket.destroyed && socket.write(Buffer.from(bytes)),
  };
  const session = new Http2Session(role, events, sink, options, clock);
  events.onOutput = () => queueMicrotask(() => session.flush());
  events.onEnded = () => socket.end();
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => session.feed(bytes));
  socket.on("drain", () => {
    session.onDrain();
    session.flush();
  });
  socket.on("error", () => {});
  socket.on("close", () => session.close());
  return session;
}

/** Our sessions as a server on loopback. */
export class LoopbackServer {
  readonly sessions: Http2Session[] = [];
  readonly events: EchoServer[] = [];
  readonly server: net.Server;

  constructor(options: Http2Options) {
    this.server = net.createServer({ allowHalfOpen: false }, (socket) => {
      const events = new EchoServer();
      this.events.push(events);
      const session = attach("server", events, socket, options);
      this.sessions.push(session);
      session.start();
      session.flush();
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) => {
      this.server.listen(0, "127.0.0.1", () => resolve((this.server.address() as AddressInfo).port));
    });
  }

  close(): void {
    this.server.close();
  }
}

/** Our session as a client. */
export class LoopbackClient {
  readonly socket: net.Socket;
  readonly session: Http2Session;

  constructor(port: number, options: Http2Options) {
    this.socket = net.connect(port, "127.0.0.1");
    this.session = attach("client", new EchoServer(), this.socket, options);
    this.session.start();
  }

  request(
    method: string,
    path: string,
    body: Buffer | null,
    trailers: Fields | null = null,
  ): Promise<Answer> {
    return new Promise((resolve) => {
      const owner = new AnswerOwner();
      owner.onDone = () => resolve(owner.answer);
      const start = { method, scheme: "http", authority: "localhost", path, connectProtocol: null };
      const stream = this.session.open(start, new Fields(), body === null, owner);
      if (stream === null) throw new Error("no stream");
      if (body !== null) this.send(stream, owner, body, trailers);
    });
  }

  private send(stream: Http2Stream, owner: AnswerOwner, body: Buffer, trailers: Fields | null): void {
    owner.sender = new Sender(stream);
    owner.sender.push(body);
    owner.sender.end(trailers);
  }

  close(): void {
    this.socket.destroy();
  }
}
