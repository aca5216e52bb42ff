/** Random frames of an application, and what another one makes of what comes. */
import { createHash } from "node:crypto";
import { writeClose, writeFrame } from "../../src/websocket/frame-writer.ts";
import { FrameScanner } from "../../src/websocket/frames.ts";
import type { FrameObserver } from "../../src/websocket/frames.ts";
import type { SeededRandom } from "../../src/net/memory/random.ts";
import type { Wire } from "../../src/gateway/wire.fixture.ts";
import { applyMask, writePong } from "../../src/websocket/frame-writer.ts";

const sizes = [0, 1, 5, 100, 125, 126, 127, 1_000, 4_000];

/** One end of a WebSocket that sends at random, and notes all that comes. */
export class Talker implements FrameObserver {
  readonly wire: Wire;
  readonly sentMessages: string[] = [];
  readonly sentPings = new Set<string>();
  readonly gotMessages: string[] = [];
  readonly gotPings: string[] = [];
  readonly gotPongs: string[] = [];
  readonly scanner: FrameScanner;
  /** Bytes that came behind the close frame: there may be none. */
  behindClose = 0;
  sentBytes = 0;
  vanished = false;
  private readonly isClient: boolean;
  private readonly random: SeededRandom;
  private payload: Buffer[] = [];
  private message: Buffer[] = [];
  private fragments: Buffer[] = [];
  private read = 0;
  private closing = false;

  constructor(wire: Wire, role: "client" | "server", random: SeededRandom) {
    this.wire = wire;
    this.isClient = role === "client";
    this.random = random;
    this.scanner = new FrameScanner({ from: this.isClient ? "server" : "client" }, this);
    wire.onBytes = () => this.readOn();
    this.readOn();
  }

  /** Sends a frame: a message, a part of one, or a ping. */
  speak(): void {
    if (this.closing) return;
    const { random } = this;
    if (random.chance(0.1)) {
      const ping = Buffer.from(`own ${random.integer(0, 1e9)}`);
      this.sentPings.add(ping.toString("hex"));
      return this.frame(9, ping, true);
    }
    const payload = Buffer.alloc(sizes[random.integer(0, sizes.length - 1)]!, random.integer(0, 255));
    const fin = random.chance(0.7);
    const opcode = this.fragments.length === 0 ? 2 : 0;
    this.fragments.push(payload);
    this.frame(opcode, payload, fin);
    if (!fin) return;
    const whole = Buffer.concat(this.fragments);
    this.fragments = [];
    this.sentMessages.push(digest(whole));
    this.sentBytes += whole.length;
  }

  close(code: number): void {
    if (this.closing) return;
    this.closing = true;
    this.wire.send(writeClose(code, "own", this.mask));
  }

  /** Breaks the connection off. */
  vanish(): void {
    this.vanished = true;
    this.wire.connection!.reset();
  }

  onFrameStart(): void {
    this.payload = [];
  }

  onPayload(scanner: FrameScanner, bytes: Uint8Array, start: number, end: number): void {
    const piece = Buffer.from(bytes.subarray(start, end));
    applyMask(piece, 0, piece.length, scanner.mask, scanner.payloadOffset);
    this.payload.push(piece);
  }

  onFrameEnd(scanner: FrameScanner): void {
    const payload = Buffer.concat(this.payload);
    if (scanner.opcode === 9) {
      this.gotPings.push(payload.toString("hex"));
      if (!this.closing) this.wire.send(writePong(payload, this.mask));
    } else if (scanner.opcode === 10) this.gotPongs.push(payload.toString("hex"));
    else if (scanner.opcode < 8) {
      this.message.push(payload);
      if (!scanner.fin) return;
      this.gotMessages.push(digest(Buffer.concat(this.message)));
      this.message = [];
    }
  }

  private frame(opcode: number, payload: Buffer, fin: boolean): void {
    this.wire.send(writeFrame(opcode, payload, { mask: this.mask, fin }));
  }

  private get mask(): number | null {
    return this.isClient ? this.random.integer(0, 2 ** 32 - 1) : null;
  }

  private readOn(): void {
    const { wire, scanner } = this;
    const bytes = wire.inbox.subarray(this.read);
    this.read = wire.inbox.length;
    const taken = scanner.scan(bytes, 0, bytes.length);
    this.behindClose += bytes.length - taken;
    if (scanner.closeCode === 0) return;
    if (!this.closing) {
      this.closing = true;
      this.wire.send(writeClose(scanner.closeCode, "", this.mask));
    }
    if (!this.isClient) wire.end();
  }
}

function digest(payload: Buffer): string {
  return `${payload.length} ${createHash("sha1").update(payload).digest("base64")}`;
}
