/** Frames as text (see frame-text.ts), and what the reader is to tell of them. */
export interface FrameCase {
  readonly name: string;
  readonly input: readonly string[];
  /** What the handler hears; the last word of a connection that fails is "fail CODE". */
  readonly log: readonly string[];
}

/** Every case begins with an empty SETTINGS, unless its name begins with "first:". */
const row = (name: string, input: readonly string[], ...log: readonly string[]): FrameCase => ({
  name,
  input,
  log,
});

const protocol = "fail PROTOCOL_ERROR";
const size = "fail FRAME_SIZE_ERROR";
const calm = "fail ENHANCE_YOUR_CALM";

/** What a frame reader tells of every type of frame (RFC 9113, sections 4 and 6), good and bad. */
export const frameCases: readonly FrameCase[] = [
  row("first: SETTINGS", ["SETTINGS - 0"], "settings"),
  row("first: SETTINGS with values", ["SETTINGS - 0 000300000064"], "settings 000300000064"),
  row("first: an ack is none", ["SETTINGS ACK 0"], protocol),
  row("first: PING", ["PING - 0 0102030405060708"], protocol),
  row("first: HEADERS", ["HEADERS END_HEADERS 1 @get"], protocol),
  row("first: an unknown type", ["type:99 - 0"], protocol),
  row("first: bytes of HTTP/1.1", ["raw 'GET / HTTP/1.1'"], protocol),

  row("DATA", ["DATA - 1 'abc'"], "data 1 3/3", "616263", "over"),
  row("DATA that ends the stream", ["DATA END_STREAM 1 'a'"], "data 1 1/1 end", "61", "over"),
  row("DATA without data", ["DATA - 1"], "data 1 0/0", "over"),
  row("DATA with padding", ["DATA PADDED 1 02 'abc' 0000"], "data 1 3/6", "616263", "over"),
  row("DATA with padding of 0", ["DATA PADDED 1 00 'abc'"], "data 1 3/4", "616263", "over"),
  row("DATA of padding alone", ["DATA PADDED 1 04 00000000"], "data 1 0/5", "over"),
  row("DATA of a pad length alone", ["DATA PADDED|END_STREAM 1 00"], "data 1 0/1 end", "over"),
  row("DATA with the most padding", ["DATA PADDED 1 ff 'a' 00*255"], "data 1 1/257", "61", "over"),
  row("DATA with padding that is not 0", ["DATA PADDED 1 02 'a' ffff"], "data 1 1/4", "61", "over"),
  row("DATA with padding as long as the frame", ["DATA PADDED 1 03 616263"], "data 1 0/4", "over"),
  row("DATA with padding longer than the frame", ["DATA PADDED 1 04 616263"], protocol),
  row("DATA with padding far longer", ["DATA PADDED 1 ff 61"], protocol),
  row("DATA with padding and no room for its length", ["DATA PADDED 1"], size),
  row("DATA on stream 0", ["DATA - 0 61"], protocol),
  row("DATA with flags that mean nothing", ["DATA 0xf6 1 61"], "data 1 1/1", "61", "over"),
  row("DATA of the largest size", ["DATA - 1 61*16384"], "data 1 16384/16384", "61*16384", "over"),
  row("DATA above the largest size", ["DATA - 1 length:16385 61"], size),
  row("DATA on the largest stream", ["DATA - 2147483647 61"], "data 2147483647 1/1", "61", "over"),
  row("the reserved bit of a stream id", ["DATA - 2147483649 61"], "data 1 1/1", "61", "over"),
  row(
    "two DATA frames on two streams",
    ["DATA - 1 61", "DATA - 3 62"],
    "data 1 1/1",
    "61",
    "over",
    "data 3 1/1",
    "62",
    "over",
  ),

  row("HEADERS", ["HEADERS END_HEADERS 1 8286"], "block 1 8286"),
  row("HEADERS that end the stream", ["HEADERS END_HEADERS|END_STREAM 1 8286"], "block 1 end 8286"),
  row("HEADERS with padding", ["HEADERS END_HEADERS|PADDED 1 02 8286 0000"], "block 1 8286"),
  row("HEADERS with priority", ["HEADERS END_HEADERS|PRIORITY 1 8000000310 8286"], "block 1 8286"),
  row(
    "HEADERS that depend on themselves",
    ["HEADERS END_HEADERS|PRIORITY 1 0000000110 8286"],
    "block 1 8286",
  ),
  row("HEADERS with both", ["HEADERS END_HEADERS|PRIORITY|PADDED 1 01 0000000310 8286 00"], "block 1 8286"),
  row("HEADERS without fields", ["HEADERS END_HEADERS 1"], "block 1"),
  row("HEADERS on stream 0", ["HEADERS END_HEADERS 0 82"], protocol),
  row("HEADERS with padding longer than the frame", ["HEADERS END_HEADERS|PADDED 1 05 8286"], protocol),
  row("HEADERS with padding up to the end", ["HEADERS END_HEADERS|PADDED 1 02 8286"], "block 1"),
  row(
    "HEADERS with padding over its priority",
    ["HEADERS END_HEADERS|PRIORITY|PADDED 1 01 0000000310"],
    protocol,
  ),
  row("HEADERS shorter than its priority", ["HEADERS END_HEADERS|PRIORITY 1 00000003"], protocol),
  row("HEADERS with padding and no room for its length", ["HEADERS END_HEADERS|PADDED 1"], size),
  row("HEADERS above the largest size", ["HEADERS END_HEADERS 1 length:16385 82"], size),
  row("HEADERS of the largest size", ["HEADERS END_HEADERS 1 82*16384"], "block 1 82*16384"),

  row("CONTINUATION", ["HEADERS - 1 82", "CONTINUATION END_HEADERS 1 86"], "block 1 8286"),
  row(
    "CONTINUATION, and the stream's end from HEADERS",
    ["HEADERS END_STREAM 1 82", "CONTINUATION END_HEADERS 1 86"],
    "block 1 end 8286",
  ),
  row(
    "CONTINUATION three times, empty ones, too",
    ["HEADERS - 1", "CONTINUATION - 1 82", "CONTINUATION - 1", "CONTINUATION END_HEADERS 1 86"],
    "block 1 8286",
  ),
  row(
    "CONTINUATION after padding and priority",
    ["HEADERS PADDED|PRIORITY 1 01 0000000310 82 00", "CONTINUATION END_HEADERS 1 86"],
    "block 1 8286",
  ),
  row(
    "CONTINUATION that makes the block longer than the first piece's room",
    ["HEADERS - 1 82*1000", "CONTINUATION - 1 82*1000", "CONTINUATION END_HEADERS 1 82*3000"],
    "block 1 82*5000",
  ),
  row("CONTINUATION without HEADERS", ["CONTINUATION END_HEADERS 1 82"], protocol),
  row(
    "CONTINUATION after the block's end",
    ["HEADERS END_HEADERS 1 82", "CONTINUATION END_HEADERS 1 86"],
    "block 1 82",
    protocol,
  ),
  row("CONTINUATION of another stream", ["HEADERS - 1 82", "CONTINUATION END_HEADERS 3 86"], protocol),
  row("CONTINUATION on stream 0", ["HEADERS - 1 82", "CONTINUATION END_HEADERS 0 86"], protocol),
  row("DATA within a block", ["HEADERS - 1 82", "DATA - 1 61"], protocol),
  row("HEADERS within a block", ["HEADERS - 1 82", "HEADERS END_HEADERS 1 61"], protocol),
  row("PING within a block", ["HEADERS - 1 82", "PING - 0 00*8"], protocol),
  row("SETTINGS within a block", ["HEADERS - 1 82", "SETTINGS - 0"], protocol),
  row("an unknown frame within a block", ["HEADERS - 1 82", "type:77 - 1"], protocol),
  row(
    "a field block above the limit",
    ["HEADERS - 1 82*16384", ...Array(4).fill("CONTINUATION - 1 82*16384")],
    calm,
  ),
  row("a flood of CONTINUATION", ["HEADERS - 1 82", ...Array(33).fill("CONTINUATION - 1 82")], calm),
  row("a flood of empty CONTINUATION", ["HEADERS - 1", ...Array(33).fill("CONTINUATION - 1")], calm),

  row("PRIORITY", ["PRIORITY - 3 0000000110"], "priority 3"),
  row("PRIORITY that depends on itself", ["PRIORITY - 3 0000000310"], "priority 3"),
  row("PRIORITY too short", ["PRIORITY - 3 00000001"], "stream 3 FRAME_SIZE_ERROR"),
  row("PRIORITY too long", ["PRIORITY - 3 000000011000"], "stream 3 FRAME_SIZE_ERROR"),
  row("PRIORITY without a payload", ["PRIORITY - 3"], "stream 3 FRAME_SIZE_ERROR"),
  row("PRIORITY on stream 0", ["PRIORITY - 0 0000000110"], protocol),

  row("RST_STREAM", ["RST_STREAM - 1 00000008"], "reset 1 CANCEL"),
  row("RST_STREAM with an unknown code", ["RST_STREAM - 1 deadbeef"], "reset 1 0xdeadbeef"),
  row("RST_STREAM on stream 0", ["RST_STREAM - 0 00000008"], protocol),
  row("RST_STREAM too short", ["RST_STREAM - 1 000008"], size),
  row("RST_STREAM too long", ["RST_STREAM - 1 0000000800"], size),

  row("SETTINGS", ["SETTINGS - 0 000400010000 000300000064"], "settings 000400010000000300000064"),
  row("SETTINGS that is empty", ["SETTINGS - 0"], "settings"),
  row("SETTINGS ack", ["SETTINGS ACK 0"], "ack"),
  row("SETTINGS ack with values", ["SETTINGS ACK 0 000300000064"], size),
  row("SETTINGS with part of a value", ["SETTINGS - 0 0003000000"], size),
  row("SETTINGS on a stream", ["SETTINGS - 1 000300000064"], protocol),
  row("SETTINGS of 32 values", ["SETTINGS - 0 000300000064*32"], "settings 000300000064*32"),
  row("SETTINGS of 33 values", ["SETTINGS - 0 000300000064*33"], calm),

  row("PUSH_PROMISE", ["PUSH_PROMISE END_HEADERS 1 00000002 82"], protocol),

  row("PING", ["PING - 0 0102030405060708"], "ping 0102030405060708"),
  row("PING ack", ["PING ACK 0 0102030405060708"], "pong 0102030405060708"),
  row("PING on a stream", ["PING - 1 0102030405060708"], protocol),
  row("PING too short", ["PING - 0 01020304050607"], size),
  row("PING too long", ["PING - 0 010203040506070809"], size),
  row("PING without a payload", ["PING - 0"], size),

  row("GOAWAY", ["GOAWAY - 0 00000007 0000000b"], "goaway 7 ENHANCE_YOUR_CALM"),
  row("GOAWAY with words", ["GOAWAY - 0 7fffffff 00000000 'bye'"], "goaway 2147483647 NO_ERROR"),
  row("GOAWAY with the reserved bit", ["GOAWAY - 0 80000001 00000000"], "goaway 1 NO_ERROR"),
  row("GOAWAY on a stream", ["GOAWAY - 1 00000000 00000000"], protocol),
  row("GOAWAY too short", ["GOAWAY - 0 00000000 000000"], size),

  row("WINDOW_UPDATE of the connection", ["WINDOW_UPDATE - 0 00010000"], "window 0 65536"),
  row("WINDOW_UPDATE of a stream", ["WINDOW_UPDATE - 5 00000001"], "window 5 1"),
  row("WINDOW_UPDATE with the reserved bit", ["WINDOW_UPDATE - 5 80000001"], "window 5 1"),
  row("WINDOW_UPDATE of the largest increment", ["WINDOW_UPDATE - 0 7fffffff"], "window 0 2147483647"),
  row("WINDOW_UPDATE of 0 on the connection", ["WINDOW_UPDATE - 0 00000000"], protocol),
  row("WINDOW_UPDATE of 0 on a stream", ["WINDOW_UPDATE - 5 00000000"], "stream 5 PROTOCOL_ERROR"),
  row("WINDOW_UPDATE of 0 with the reserved bit", ["WINDOW_UPDATE - 5 80000000"], "stream 5 PROTOCOL_ERROR"),
  row("WINDOW_UPDATE too short", ["WINDOW_UPDATE - 0 000100"], size),
  row("WINDOW_UPDATE too long", ["WINDOW_UPDATE - 0 0001000000"], size),

  row(
    "a frame of an unknown type",
    ["type:10 - 1 616263", "PING - 0 00*8"],
    "unknown 10 1",
    "ping 0000000000000000",
  ),
  row("a frame of an unknown type without a payload", ["type:255 0xff 0"], "unknown 255 0"),
  row("PRIORITY_UPDATE", ["type:16 - 0 00000001 'u=1'"], "unknown 16 0"),
  row("a frame of an unknown type that is too large", ["type:200 - 0 length:16385"], size),
  row("a frame that has not come whole", ["PING - 0 length:8 00*7"]),
  row("a header that has not come whole", ["raw 0000080600000000"]),
];
