import { RecordType, recordHeadBytes, recordVersion, requestId } from "./fastcgi-record.ts";

/** Who hears of the records that an application sends. Each says false to have no more read. */
export interface RecordSink {
  /** A record begins, with so many bytes of content. */
  onRecord(type: number, contentBytes: number): boolean;
  /** A piece of its content, which need not be all of it. */
  onContent(type: number, bytes: Buffer, start: number, end: number): boolean;
  /** It is over, with its padding. */
  onRecordEnd(type: number): boolean;
}

/** Reads the records of an answer from bytes that come in any pieces; keeps none of them. */
export class RecordReader {
  private headBytes = 0;
  private type = 0;
  private contentLeft = 0;
  private paddingLeft = 0;
  /** In nginx's words, why what comes is no answer; null while it may be one. */
  failure: string | null = null;

  /**
   * Reads on in `bytes[start, end)`.
   * @returns where it stopped: before the end when the sink has enough, or after a failure
   */
  feed(bytes: Buffer, start: number, end: number, sink: RecordSink): number {
    let at = start;
    while (at < end) {
      if (this.headBytes < recordHeadBytes) {
        while (at < end && this.headBytes < recordHeadBytes) if (!this.takeHeadByte(bytes[at++]!)) return at;
        if (this.headBytes < recordHeadBytes) return at;
        if (!sink.onRecord(this.type, this.contentLeft)) return at;
      }
      const contentEnd = Math.min(end, at + this.contentLeft);
      if (contentEnd > at) {
        const from = at;
        at = contentEnd;
        this.contentLeft -= contentEnd - from;
        if (!sink.onContent(this.type, bytes, from, contentEnd)) return at;
      }
      if (this.contentLeft > 0) return at;
      const padding = Math.min(end - at, this.paddingLeft);
      at += padding;
      this.paddingLeft -= padding;
      if (this.paddingLeft > 0) return at;
      this.headBytes = 0;
      if (!sink.onRecordEnd(this.type)) return at;
    }
    return at;
  }

  /** False for one that cannot stand there. The last byte is reserved. */
  private takeHeadByte(byte: number): boolean {
    const at = this.headBytes++;
    switch (at) {
      case 0:
        return byte === recordVersion || this.fail(`unsupported FastCGI protocol version: ${byte}`);
      case 1:
        this.type = byte;
        return isAnswerType(byte) || this.fail(`invalid FastCGI record type: ${byte}`);
      case 2:
        return byte === requestId >> 8 || this.fail(`unexpected FastCGI request id high byte: ${byte}`);
      case 3:
        return byte === (requestId & 255) || this.fail(`unexpected FastCGI request id low byte: ${byte}`);
      case 4:
        this.contentLeft = byte << 8;
        break;
      case 5:
        this.contentLeft += byte;
        break;
      case 6:
        this.paddingLeft = byte;
        break;
    }
    return true;
  }

  private fail(reason: string): false {
    this.failure = `upstream sent ${reason}`;
    return false;
  }
}

function isAnswerType(type: number): boolean {
  return type === RecordType.stdout || type === RecordType.stderr || type === RecordType.endRequest;
}
