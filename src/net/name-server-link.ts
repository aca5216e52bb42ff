/** The sockets on which one name server is asked. */
import type { Connection, ConnectionOwner } from "./connection.ts";
import type { DatagramPeer, Dial, Network, TcpEndpoint } from "./network.ts";

/**
 * Each question has a source port of its own, which whoever forges answers has to guess; beyond so many open at
 * once, sockets are shared, for names may be chosen by clients and sockets are descriptors.
 */
const datagramSocketsMax = 64;

/** Far beyond what a server says without being asked for more (512 bytes); nginx reads as much. */
const datagramBytesMax = 4096;

/** Where questions are sent from. Answers count only for those who asked from where they arrive. */
export interface QuestionSocket {
  readonly way: "UDP" | "TCP";
  readonly users: ReadonlySet<SocketUser>;
  send(question: Buffer): void;
  /** One user less; without users it is closed. */
  release(user: SocketUser): void;
}

/** A question that was sent by a socket and may have to be sent by another. */
export interface SocketUser {
  /** The server cannot be reached by this socket; one by TCP is gone with that. */
  failed(socket: QuestionSocket): void;
}

/** Gets bytes that claim to be an answer; they are valid only during the call. */
type TakeAnswer = (bytes: Buffer, from: QuestionSocket) => void;

/**
 * The ways to one name server: sockets for datagrams, up to a limit, and one connection for what is too long
 * for them. They are opened when they are needed, and closed when nobody uses them.
 */
export class NameServerLink {
  private readonly network: Network;
  private readonly endpoint: TcpEndpoint;
  private readonly take: TakeAnswer;
  private readonly datagrams: DatagramSocket[] = [];
  private stream: StreamSocket | null = null;

  constructor(network: Network, endpoint: TcpEndpoint, take: TakeAnswer) {
    this.network = network;
    this.endpoint = endpoint;
    this.take = take;
  }

  /** A socket for a question by UDP. */
  leaseDatagrams(user: SocketUser): QuestionSocket {
    const { datagrams } = this;
    if (datagrams.length < datagramSocketsMax) {
      const fresh: DatagramSocket = new DatagramSocket(this.network, this.endpoint, this.take, () =>
        datagrams.splice(datagrams.indexOf(fresh), 1),
      );
      datagrams.push(fresh);
      fresh.users.add(user);
      return fresh;
    }
    const shared = datagrams[Math.floor(this.network.random() * datagrams.length)]!;
    shared.users.add(user);
    return shared;
  }

  /** The connection for questions whose answers are too long for UDP. */
  leaseStream(user: SocketUser): QuestionSocket {
    this.stream ??= new StreamSocket(this.network, this.endpoint, this.take, () => {
      this.stream = null;
    });
    this.stream.users.add(user);
    return this.stream;
  }
}

class DatagramSocket implements QuestionSocket {
  readonly way = "UDP";
  readonly users = new Set<SocketUser>();
  private readonly peer: DatagramPeer;
  private readonly onClosed: () => void;

  constructor(network: Network, endpoint: TcpEndpoint, take: TakeAnswer, onClosed: () => void) {
    this.onClosed = onClosed;
    this.peer = network.datagrams(endpoint, {
      onDatagram: (bytes) => {
        if (bytes.length <= datagramBytesMax) take(bytes, this);
      },
      onFailed: () => {
        for (const user of this.users) user.failed(this);
      },
    });
  }

  send(question: Buffer): void {
    this.peer.send(question);
  }

  release(user: SocketUser): void {
    if (!this.users.delete(user) || this.users.size > 0) return;
    this.peer.close();
    this.onClosed();
  }
}

/** Messages over TCP have their length ahead of them (RFC 1035, section 4.2.2), which bounds them to 64 KiB. */
class StreamSocket implements QuestionSocket, ConnectionOwner {
  readonly way = "TCP";
  readonly users = new Set<SocketUser>();
  private readonly take: TakeAnswer;
  private readonly onClosed: () => void;
  private readonly dial: Dial;
  private connection: Connection | null = null;
  private waiting: Buffer[] = [];
  /** What has come of the next message. */
  private received: Buffer[] = [];
  private receivedBytes = 0;
  private wantedBytes = 2;
  /** A length has come, and its message is awaited. */
  private inMessage = false;
  private closed = false;

  constructor(network: Network, endpoint: TcpEndpoint, take: TakeAnswer, onClosed: () => void) {
    this.take = take;
    this.onClosed = onClosed;
    this.dial = network.dial(
      { endpoint, tls: null },
      {
        onConnected: (connection) => {
          this.connection = connection;
          for (const question of this.waiting) connection.send(question);
          this.waiting = [];
          return this;
        },
        onFailed: () => this.end(),
      },
    );
  }

  send(question: Buffer): void {
    const framed = Buffer.allocUnsafe(2 + question.length);
    framed.writeUInt16BE(question.length, 0);
    question.copy(framed, 2);
    if (this.connection !== null) this.connection.send(framed);
    else if (!this.closed) this.waiting.push(framed);
  }

  release(user: SocketUser): void {
    if (!this.users.delete(user) || this.users.size > 0 || this.closed) return;
    this.closed = true;
    this.dial.abort();
    this.connection?.close();
    this.onClosed();
  }

  onData(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.closed) {
      const piece = bytes.subarray(at, at + this.wantedBytes - this.receivedBytes);
      at += piece.length;
      // What arrives is valid only now.
      this.received.push(Buffer.from(piece));
      this.receivedBytes += piece.length;
      if (this.receivedBytes >= this.wantedBytes) this.takePart();
    }
  }

  onEnd(): void {
    this.connection?.close();
    this.end();
  }

  onDrain(): void {}

  onClose(): void {
    this.end();
  }

  /** The length of a message is there, or the message. */
  private takePart(): void {
    const part = this.received.length === 1 ? this.received[0]! : Buffer.concat(this.received);
    const isLength = !this.inMessage;
    this.received = [];
    this.receivedBytes = 0;
    this.inMessage = isLength && part.readUInt16BE(0) > 0;
    this.wantedBytes = this.inMessage ? part.readUInt16BE(0) : 2;
    if (!isLength) this.take(part, this);
  }

  private end(): void {
    if (this.closed) return;
    this.closed = true;
    this.onClosed();
    for (const user of this.users) user.failed(this);
  }
}
