/**
 * The server behind every proxy of the benchmark (runs on Bun): WebSocket echo, broadcast, a small
 * answer and a 10 MiB body, chosen by path. It does as little per message as it can, because it shares
 * its core with the load generator.
 *
 *     bun bench/backend.ts <number of ports>
 *
 * prints `{"event":"ready","ports":[…]}` and ends when its standard input does.
 */
import { listen, type Socket, type SocketHandler } from "bun";
import { EchoStream, scratch } from "./echo-stream.ts";
import {
  acceptValue,
  downloadBytes,
  downloadPeriodBytes,
  paths,
  pattern,
  smallBody,
  StampedFrame,
} from "./wire.ts";

type PeerSocket = Socket<Peer>;

/** What a connection currently is; requests turn it into something else. */
interface Peer {
  receive(socket: PeerSocket, bytes: Buffer): void;
  drain(socket: PeerSocket): void;
  end(socket: PeerSocket): void;
}

const smallAnswer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${smallBody.length}\r\n\r\n${smallBody}`,
);
const downloadHead = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${downloadBytes}\r\n\r\n`,
);
const downloadPeriod = pattern(downloadPeriodBytes);

/** Requests one after another on a kept-alive connection. */
class HttpPeer implements Peer {
  #head = "";

  receive(socket: PeerSocket, bytes: Buffer): void {
    this.#head += bytes.toString("latin1");
    if (!this.#head.endsWith("\r\n\r\n")) return;
    const head = this.#head;
    this.#head = "";
    answer(socket, head);
  }

  drain(): void {}

  end(socket: PeerSocket): void {
    socket.shutdown();
  }
}

/** One 10 MiB body on its way; afterwards the connection takes requests again. */
class DownloadPeer implements Peer {
  #sent = 0;

  receive(): void {}

  drain(socket: PeerSocket): void {
    while (this.#sent < downloadBytes) {
      const offset = this.#sent % downloadPeriodBytes;
      const length = downloadPeriodBytes - offset;
      const taken = socket.write(downloadPeriod, offset, length);
      if (taken > 0) this.#sent += taken;
      if (taken < length) return;
    }
    socket.data = new HttpPeer();
  }

  end(socket: PeerSocket): void {
    socket.terminate();
  }
}

/** One tunnel that echoes. */
class EchoPeer implements Peer {
  readonly #echo = new EchoStream();
  #unsent: Buffer | null = null;

  receive(socket: PeerSocket, bytes: Buffer): void {
    const length = this.#echo.reply(bytes);
    const taken = Math.max(0, socket.write(scratch, 0, length));
    if (taken < length) {
      this.#unsent = Buffer.from(scratch.subarray(taken, length));
      socket.pause();
    } else if (this.#echo.closed) {
      socket.shutdown();
    }
  }

  drain(socket: PeerSocket): void {
    if (this.#unsent === null) return;
    const taken = Math.max(0, socket.write(this.#unsent));
    if (taken < this.#unsent.length) {
      this.#unsent = this.#unsent.subarray(taken);
      return;
    }
    this.#unsent = null;
    if (this.#echo.closed) socket.shutdown();
    else socket.resume();
  }

  end(socket: PeerSocket): void {
    socket.shutdown();
  }
}

const broadcastTunnels = new Set<PeerSocket>();

/** One tunnel that only listens: all that it ever says is its close frame, which some proxies write themselves. */
class BroadcastPeer implements Peer {
  receive(socket: PeerSocket): void {
    broadcastTunnels.delete(socket);
    socket.shutdown();
  }

  drain(): void {}
  end(socket: PeerSocket): void {
    socket.shutdown();
  }
}

const missingTunnelsPollMs = 5;

/** Whoever paces the broadcast: payload size and number of tunnels in the query, then one byte for each round. */
class BroadcastControlPeer implements Peer {
  readonly #frame: StampedFrame;
  readonly #tunnels: number;
  #round = 0;

  constructor(query: URLSearchParams) {
    this.#frame = new StampedFrame(Number(query.get("size")), false);
    this.#tunnels = Number(query.get("tunnels"));
  }

  receive(socket: PeerSocket, bytes: Buffer): void {
    // A proxy may answer its client before it has dialed here; the first round waits for all.
    if (broadcastTunnels.size < this.#tunnels) {
      setTimeout(() => this.receive(socket, bytes), missingTunnelsPollMs);
      return;
    }
    for (let i = 0; i < bytes.length; i += 1) {
      const message = this.#frame.stamp(0, this.#round);
      this.#round += 1;
      for (const tunnel of broadcastTunnels) {
        // The load starts a round only when the last one has arrived everywhere, so there is always room.
        if (tunnel.write(message) !== message.length) tunnel.terminate();
      }
    }
  }

  drain(): void {}

  end(socket: PeerSocket): void {
    socket.shutdown();
  }
}

let lastKey = "";
let lastAccept = "";

function upgrade(socket: PeerSocket, head: string, peer: Peer): void {
  const key = /^sec-websocket-key:\s*(\S+)/im.exec(head)?.[1] ?? "";
  if (key !== lastKey) {
    lastKey = key;
    lastAccept = acceptValue(key);
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${lastAccept}\r\n\r\n`,
  );
  socket.data = peer;
}

function answer(socket: PeerSocket, head: string): void {
  const target = head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/"));
  if (target === paths.small) {
    socket.write(smallAnswer);
  } else if (target === paths.download) {
    socket.write(downloadHead);
    const download = new DownloadPeer();
    socket.data = download;
    download.drain(socket);
  } else if (target === paths.echo) {
    upgrade(socket, head, new EchoPeer());
  } else if (target === paths.broadcast) {
    upgrade(socket, head, new BroadcastPeer());
    broadcastTunnels.add(socket);
  } else if (target.startsWith(paths.broadcastControl)) {
    const query = new URLSearchParams(target.slice(target.indexOf("?")));
    upgrade(socket, head, new BroadcastControlPeer(query));
  } else {
    socket.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  }
}

const handlers: SocketHandler<Peer, "buffer"> = {
  binaryType: "buffer",
  open(socket) {
    socket.data = new HttpPeer();
  },
  data(socket, bytes) {
    socket.data.receive(socket, bytes);
  },
  drain(socket) {
    socket.data.drain(socket);
  },
  end(socket) {
    socket.data.end(socket);
  },
  close(socket) {
    broadcastTunnels.delete(socket);
  },
  error() {},
};

const ports: number[] = [];
for (let i = 0; i < Number(process.argv[2] ?? "1"); i += 1) {
  const listener = listen<Peer>({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: handlers,
    data: new HttpPeer(),
  });
  ports.push(listener.port);
}
process.stdout.write(`${JSON.stringify({ event: "ready", ports })}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
