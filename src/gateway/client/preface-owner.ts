import type { ConnectionOwner } from "../../net/connection.ts";
import { matchHttp2Preface } from "../../http/preface.ts";
import type { ClientConnection } from "./client-connection.ts";
import { Http2Connection } from "./http2-connection.ts";

/**
 * Has a plain client's connection until its first bytes tell whether it speaks HTTP/2 with prior knowledge (RFC
 * 9113, section 3.3) or HTTP/1, as nginx does where HTTP/2 is switched on.
 */
export class PrefaceOwner implements ConnectionOwner {
  private readonly http1: ClientConnection;
  /** A beginning of the preface that has come; null while nothing has. */
  private came: Buffer | null = null;

  /** `http1` has the deadline, and gets everything that is no HTTP/2. */
  constructor(http1: ClientConnection) {
    this.http1 = http1;
  }

  onData(bytes: Buffer): void {
    const all = this.came === null ? bytes : Buffer.concat([this.came, bytes]);
    const match = matchHttp2Preface(all, 0, all.length);
    // Never longer than the preface.
    if (match === "partial") this.came = Buffer.from(all);
    else if (match === "no") this.giveUp(all);
    else this.begin(all);
  }

  onEnd(): void {
    this.giveUp(this.came);
    this.http1.onEnd();
  }

  onDrain(): void {}

  onClose(code: string | null): void {
    this.http1.onClose(code);
  }

  private giveUp(bytes: Buffer | null): void {
    const { http1 } = this;
    http1.socket.owner = http1;
    if (bytes !== null) http1.onData(bytes);
  }

  private begin(bytes: Buffer): void {
    const { client } = this.http1;
    if (!client.socket.open) return;
    this.http1.giveWay();
    const connection = new Http2Connection(client);
    client.socket.owner = connection;
    connection.start();
    connection.onData(bytes);
  }
}
