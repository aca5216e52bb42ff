import { frameBytesDefault } from "./frame.ts";

/** So many at once, and then so many per second: a bucket that fills again while time passes. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What a peer may do before its connection is ended with ENHANCE_YOUR_CALM. */
export interface Http2Limits {
  /** SETTINGS_MAX_FRAME_SIZE of ours, bytes. Larger frames save nothing, and one has to lie in memory whole. */
  readonly frameBytesMax: number;
  /** Encoded bytes of a head. Well above what a head may be decoded, 32 KiB, since refusing it keeps the connection. */
  readonly fieldBlockBytesMax: number;
  /**
   * CONTINUATION frames of a head: a head of the largest size needs 4 of the usual size. A flood of them never
   * becomes a request that a log could tell of (CVE-2024-27316 and kin).
   */
  readonly continuationsMax: number;
  /** Settings in a frame: seven are defined; some clients add reserved ones. */
  readonly settingsPerFrameMax: number;
  /**
   * RST_STREAM that the peer sends ("rapid reset", CVE-2023-44487): a browser that leaves a page resets all its streams,
   * about 100 at once. Each may have cost a request to a server.
   */
  readonly resets: Rate;
  /**
   * Streams that we have to reset since the peer broke a rule or opened too many ("made you reset",
   * CVE-2025-8671). A client that does not know our limit yet may open 100 too many.
   */
  readonly provokedResets: Rate;
  /** SETTINGS frames: each is answered, and may change every stream's window. Usual is one, seldom two. */
  readonly settings: Rate;
  /** PING: each is answered. gRPC measures its bandwidth with one per round trip. */
  readonly pings: Rate;
  /** PRIORITY, unknown frames, and frames on closed streams: browsers send several per stream. */
  readonly uselessFrames: Rate;
  /**
   * WINDOW_UPDATE beyond what the data that we sent explain (one per `windowUpdateBytes`): windows of a few bytes
   * make a frame and a write out of each.
   */
  readonly windowUpdates: Rate;
  /** DATA without data and without the end of the stream: no one needs them, padding to hide a length apart. */
  readonly emptyData: Rate;
  /** Frames that answer the peer (acks, resets) and wait for it to read. It is not reading, so it is not served. */
  readonly unreadAnswersMax: number;
}

/** Data sent that allow for one WINDOW_UPDATE more. */
export const windowUpdateBytes = 512;
/**
 * What is sent whole allows for so many more, however small: some peers (haproxy) open both windows after every message.
 * What a window cut short does not: that is how tiny windows show.
 */
export const windowUpdatesPerSend = 4;
/**
 * Streams opened by bytes that came at once, as a multiple of those that may be open: who waits for answers cannot get
 * there, and all of them are served in one turn, for which other connections wait (nginx has the same).
 */
export const streamsAtOnce = 2;

/** The defaults; no directive sets others. */
export const http2Limits: Http2Limits = {
  frameBytesMax: frameBytesDefault,
  fieldBlockBytesMax: 65_536,
  continuationsMax: 32,
  settingsPerFrameMax: 32,
  resets: { burst: 500, perSecond: 50 },
  provokedResets: { burst: 200, perSecond: 10 },
  settings: { burst: 20, perSecond: 2 },
  pings: { burst: 500, perSecond: 50 },
  uselessFrames: { burst: 2000, perSecond: 200 },
  windowUpdates: { burst: 5000, perSecond: 500 },
  emptyData: { burst: 200, perSecond: 20 },
  unreadAnswersMax: 1000,
};
