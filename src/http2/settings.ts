import { flowControlError, protocolError } from "./error-code.ts";
import type { Http2Failure } from "./error-code.ts";
import { frameBytesDefault, frameBytesLargest, readUint32, windowDefault, windowLargest } from "./frame.ts";

// Identifiers of settings (RFC 9113, section 6.5.2; RFC 8441, section 3). Others are ignored.

/** Bytes of the dynamic table that its sender decodes with (RFC 7541, section 4.2). */
export const settingHeaderTableSize = 0x1;
/** 1: a client takes PUSH_PROMISE; 0: it does not. */
export const settingEnablePush = 0x2;
/** Streams that the peer may have open at a time. */
export const settingMaxConcurrentStreams = 0x3;
/** Bytes that the peer may send on a new stream (section 6.9.2). */
export const settingInitialWindowSize = 0x4;
/** Bytes of the largest payload that its sender takes: 16,384 to 16,777,215. */
export const settingMaxFrameSize = 0x5;
/** Bytes of the largest head that its sender takes, decoded, each field with 32 more; advice. */
export const settingMaxHeaderListSize = 0x6;
/** 1: a server takes extended CONNECT (RFC 8441, section 3). */
export const settingEnableConnectProtocol = 0x8;

/** What the peer has told, or the values that hold before it has. */
export class PeerSettings {
  /** Bytes. */
  headerTableSize = 4096;
  maxConcurrentStreams = Infinity;
  /** Bytes. */
  initialWindowSize = windowDefault;
  /** Bytes. */
  maxFrameSize = frameBytesDefault;
  /** Bytes of a head, each field with 32 more; advice. */
  maxHeaderListSize = Infinity;
  /** Extended CONNECT is spoken. */
  enableConnectProtocol = false;

  /** Reads a frame's values in their order; null when all of them are allowed. */
  read(bytes: Uint8Array, start: number, end: number, fromServer: boolean): Http2Failure | null {
    for (let at = start; at + 6 <= end; at += 6) {
      const failure = this.set((bytes[at]! << 8) | bytes[at + 1]!, readUint32(bytes, at + 2), fromServer);
      if (failure !== null) return failure;
    }
    return null;
  }

  private set(id: number, value: number, fromServer: boolean): Http2Failure | null {
    switch (id) {
      case settingHeaderTableSize:
        this.headerTableSize = value;
        return null;
      case settingEnablePush:
        return value > 1 || (value === 1 && fromServer) ? wrong("ENABLE_PUSH", value) : null;
      case settingMaxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return null;
      case settingInitialWindowSize:
        if (value > windowLargest) {
          return { code: flowControlError, reason: `SETTINGS_INITIAL_WINDOW_SIZE of ${value}` };
        }
        this.initialWindowSize = value;
        return null;
      case settingMaxFrameSize:
        if (value < frameBytesDefault || value > frameBytesLargest) return wrong("MAX_FRAME_SIZE", value);
        this.maxFrameSize = value;
        return null;
      case settingMaxHeaderListSize:
        this.maxHeaderListSize = value;
        return null;
      case settingEnableConnectProtocol:
        return this.setConnectProtocol(value);
      default:
        return null;
    }
  }

  /** Once said, it holds for good (RFC 8441, section 3). */
  private setConnectProtocol(value: number): Http2Failure | null {
    if (value > 1 || (value === 0 && this.enableConnectProtocol))
      return wrong("ENABLE_CONNECT_PROTOCOL", value);
    this.enableConnectProtocol = value === 1;
    return null;
  }
}

function wrong(name: string, value: number): Http2Failure {
  return { code: protocolError, reason: `SETTINGS_${name} of ${value}` };
}
