/** An application at one end of a WebSocket on the simulated network: it answers closes and pings, and tells what it saw. */
import { FrameScanner } from "../../src/websocket/frames.ts";
import type { FrameObserver } from "../../src/websocket/frames.ts";
import { applyMask, writeClose, writeFrame, writePong } from "../../src/websocket/frame-writer.ts";
import type { Wire } from "../../src/gateway/wire.fixture.ts";

const opcodes = { text: 1, close: 8, ping: 9 };

export class Endpoint implements FrameObserver {
  readonly wire: Wire;
  /** Neither reads nor answers, as a process that was stopped. */
  frozen = false;
  /** Reads, and answers no close frames. */
  stubborn = false;
  readonly texts: string[] = [];
  pings = 0;
  /** Why the stream that came is none of frames; "" while it is. */
  private readonly scanner: FrameScanner;
  private readonly masks: boolean;
  private payload: Buffer[] = [];
  private sentClose = false;
  private read = 0;

  constructor(wire: Wire, role: "client" | "server") {
    this.wire = wire;
    this.masks = role === "client";
    this.scanner = new FrameScanner({ from: role === "client" ? "server" : "client" }, this);
    wire.onBytes = () => this.readOn();
    this.readOn();
  }

  /** "1001 idle" of the close frame that came; "1006" where the connection ended without; "open" while it lasts. */
  get saw(): string {
    const { closeCode, closeReason, error } = this.scanner;
    if (error !== "") return `broken: ${error}`;
    if (closeCode !== 0) return `${closeCode} ${closeReason}`.trimEnd();
    return this.wire.finished ? "1006" : "open";
  }

  get mask(): number | null {
    return this.masks ? 0x11_22_33_44 : null;
  }

  text(text: string | Buffer, fin = true, opcode = opcodes.text): void {
    this.wire.send(writeFrame(opcode, Buffer.from(text as string), { mask: this.mask, fin }));
  }

  close(code: number, reason: string): void {
    this.sentClose = true;
    this.wire.send(writeClose(code, reason, this.mask));
  }

  freeze(): void {
    this.frozen = true;
    this.wire.connection!.pause();
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
    if (scanner.opcode === opcodes.ping) {
      this.pings += 1;
      if (!this.stubborn) this.wire.send(writePong(payload, this.mask));
    } else if (scanner.opcode < opcodes.close && scanner.fin) this.texts.push(payload.toString());
  }

  private readOn(): void {
    const { wire, scanner } = this;
    if (this.frozen) return;
    const bytes = wire.inbox.subarray(this.read);
    this.read = wire.inbox.length;
    scanner.scan(bytes, 0, bytes.length);
    if (scanner.closeCode === 0 || this.stubborn) return;
    if (!this.sentClose) this.close(scanner.closeCode, "");
    // The server ends the connection (RFC 6455, section 7.1.1).
    if (!this.masks) wire.end();
  }
}
