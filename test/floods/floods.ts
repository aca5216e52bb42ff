/** Floods over HTTP/2, as what one connection of an attacker says: once at first, then again and again. */
import {
  endHeaders,
  endStream,
  fieldBlock,
  frame,
  frameType,
  settingsPayload,
  uint32,
} from "../case-runner/http2-frames.ts";

export interface Flood {
  readonly name: string;
  /** How the server ends such a connection; null where it just serves what it can at no cost to others. */
  readonly code: string | null;
  /** What the error log says of it. */
  readonly log: RegExp | null;
  /** The attacker's SETTINGS. */
  readonly settings?: readonly string[];
  /** What follows the preface, once. */
  readonly first?: string;
  /** False: what the server sends is left in the socket. */
  readonly reads?: boolean;
  /** The next piece, for streams from `streamId` on; null: there is no more, the connection stays as it is. */
  next(streamId: number): { readonly bytes: string; readonly streams: number } | null;
}

const [data, headers, priority, rstStream, settings] = [0, 1, 2, 3, 4];
const [ping, windowUpdate, continuation] = [6, 8, 9];
const cancel = uint32(8);
const perPiece = 100;

const pseudo = (method: string, path: string): (readonly [string, string])[] => [
  [":method", method],
  [":scheme", "http"],
  [":path", path],
  [":authority", "localhost"],
];
const get = fieldBlock(pseudo("GET", "/"));
const getLarge = fieldBlock(pseudo("GET", "/large"));
const post = fieldBlock(pseudo("POST", "/upload"));
const none = { streams: 0 };

function perStream(of: (id: number) => string): Flood["next"] {
  return (streamId) => {
    let bytes = "";
    for (let i = 0; i < perPiece; i++) bytes += of(streamId + 2 * i);
    return { bytes, streams: perPiece };
  };
}

const many = (bytes: string): Flood["next"] => {
  const piece = { bytes: bytes.repeat(perPiece), ...none };
  return () => piece;
};

/** Such a piece only once. */
function once(make: (streamId: number) => string): Flood["next"] {
  return (streamId) => (streamId === 1 ? { bytes: make(1), streams: perPiece } : null);
}

/** A table entry of 4,000 bytes, then heads that are little but references to it. */
const bombEntry = `\x40${"\x01a"}\x7f\xa1\x1e${"v".repeat(4000)}`;
const bomb = `${fieldBlock(pseudo("GET", "/"))}${bombEntry}${"\xbe".repeat(8000)}`;

export const floods: readonly Flood[] = [
  {
    name: "streams that are reset at once",
    code: "ENHANCE_YOUR_CALM",
    // Whichever limit the pieces reach first: streams that were reset, or more streams in a turn than are served.
    log: /too many streams (?:reset|that had to be reset)/,
    next: perStream(
      (id) => frame(headers, endStream | endHeaders, id, get) + frame(rstStream, 0, id, cancel),
    ),
  },
  {
    name: "streams that have to be reset for a window above its limit",
    code: "ENHANCE_YOUR_CALM",
    log: /too many streams that had to be reset/,
    next: perStream(
      (id) => frame(headers, endHeaders, id, post) + frame(windowUpdate, 0, id, uint32(0x7fff_ffff)),
    ),
  },
  {
    name: "streams that have to be reset for an empty window update",
    code: "ENHANCE_YOUR_CALM",
    log: /too many streams that had to be reset/,
    next: perStream((id) => frame(headers, endHeaders, id, post) + frame(windowUpdate, 0, id, uint32(0))),
  },
  {
    name: "data after the end of streams",
    code: "ENHANCE_YOUR_CALM",
    log: /too many streams that had to be reset|too many frames that say nothing/,
    next: perStream(
      (id) => frame(headers, endStream | endHeaders, id, getLarge) + frame(data, 0, id, "late"),
    ),
  },
  {
    name: "heads without end",
    code: "ENHANCE_YOUR_CALM",
    log: /field block too large|too many CONTINUATION frames/,
    first: frame(headers, endStream, 1, get),
    next: many(frame(continuation, 0, 1, fieldBlock([["a", "b"]]))),
  },
  {
    name: "heads of empty frames without end",
    code: "ENHANCE_YOUR_CALM",
    log: /too many CONTINUATION frames/,
    first: frame(headers, endStream, 1, get),
    next: many(frame(continuation, 0, 1, "")),
  },
  {
    name: "SETTINGS",
    code: "ENHANCE_YOUR_CALM",
    log: /too many SETTINGS frames/,
    next: many(frame(settings, 0, 0, settingsPayload(["INITIAL_WINDOW_SIZE=65535"]))),
  },
  {
    name: "PING",
    code: "ENHANCE_YOUR_CALM",
    log: /too many PING frames/,
    next: many(frame(ping, 0, 0, "12345678")),
  },
  {
    name: "PING whose answers nobody reads",
    code: "ENHANCE_YOUR_CALM",
    log: /too many PING frames|answers/,
    reads: false,
    next: many(frame(ping, 0, 0, "12345678")),
  },
  {
    name: "empty DATA",
    code: "ENHANCE_YOUR_CALM",
    log: /too many empty DATA frames/,
    first: frame(headers, endHeaders, 1, post),
    next: many(frame(data, 0, 1, "")),
  },
  {
    name: "PRIORITY",
    code: "ENHANCE_YOUR_CALM",
    log: /too many frames that say nothing/,
    next: many(frame(priority, 0, 3, `${uint32(0)}\x10`)),
  },
  {
    name: "frames of no known type",
    code: "ENHANCE_YOUR_CALM",
    log: /too many frames that say nothing/,
    next: many(frame(0x42, 0, 3, "12345")),
  },
  {
    name: "answers through windows of one byte",
    code: "ENHANCE_YOUR_CALM",
    log: /too many WINDOW_UPDATE frames/,
    settings: ["INITIAL_WINDOW_SIZE=1"],
    first: frame(headers, endStream | endHeaders, 1, getLarge),
    next: many(frame(windowUpdate, 0, 1, uint32(1))),
  },
  {
    name: "heads that grow when they are unpacked",
    code: null,
    log: /client sent too large request/,
    next: (streamId) => ({ bytes: frame(headers, endStream | endHeaders, streamId, bomb), streams: 1 }),
  },
  {
    name: "answers that the windows hold back",
    code: null,
    log: null,
    settings: ["INITIAL_WINDOW_SIZE=0"],
    next: once((first) => {
      let bytes = "";
      for (let i = 0; i < perPiece; i++)
        bytes += frame(headers, endStream | endHeaders, first + 2 * i, getLarge);
      return bytes;
    }),
  },
  {
    name: "answers that nobody reads",
    code: null,
    log: null,
    settings: ["INITIAL_WINDOW_SIZE=1000000"],
    reads: false,
    first: frame(windowUpdate, 0, 0, uint32(100_000_000)),
    next: once((first) => {
      let bytes = "";
      for (let i = 0; i < perPiece; i++)
        bytes += frame(headers, endStream | endHeaders, first + 2 * i, getLarge);
      return bytes;
    }),
  },
  {
    name: "streams that are opened and left",
    code: "ENHANCE_YOUR_CALM",
    log: /too many streams that had to be reset/,
    next: perStream((id) => frame(headers, endHeaders, id, post)),
  },
];

/** The flood of that name. */
export function floodNamed(name: string): Flood {
  const found = floods.find((flood) => flood.name === name);
  if (found === undefined) throw new Error(`no flood is called "${name}"`);
  return found;
}

/** The client's SETTINGS frame. */
export function settingsOf({ settings: words = [] }: Flood): string {
  return frame(frameType("SETTINGS"), 0, 0, settingsPayload(words));
}
