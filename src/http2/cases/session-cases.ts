import type { Http2Limits } from "../limits.ts";

/** Frames that come to a session, what its owner hears and what it sends. */
export interface SessionCase {
  readonly name: string;
  readonly input: readonly string[];
  readonly events: readonly string[];
  readonly output: readonly string[];
  readonly options?: CaseOptions;
  /** Client: methods of requests that have been sent before, without a body. */
  readonly open?: readonly string[];
  /** Requests are answered with status 200 and no body as soon as they end. */
  readonly answers?: boolean;
}

/** What a case's session has other than `http2Options`; sizes in bytes. */
export interface CaseOptions {
  readonly maxConcurrentStreams?: number;
  readonly initialWindowSize?: number;
  readonly connectionWindowSize?: number;
  readonly limits?: Partial<Http2Limits>;
}

const server = (
  name: string,
  input: readonly string[],
  events: readonly string[],
  output: readonly string[] = [],
  more: Partial<SessionCase> = {},
): SessionCase => ({ name, input, events, output, ...more });

const client = (
  name: string,
  input: readonly string[],
  events: readonly string[],
  output: readonly string[] = [],
  more: Partial<SessionCase> = {},
): SessionCase => ({ name, input, events, output, open: ["GET"], ...more });

const get = (id: number): string => `HEADERS END_HEADERS|END_STREAM ${id} @get`;
const post = (id: number, ...fields: string[]): string =>
  `HEADERS END_HEADERS ${id} @post ${fields.join(" ")}`;
const head200 = (id: number, ...fields: string[]): string =>
  `HEADERS END_HEADERS ${id} @200 ${fields.join(" ")}`;
const rst = (id: number, code: string): string => `RST_STREAM - ${id} ${code}`;
const goAway = (last: number, code: string): string =>
  `GOAWAY - 0 ${last.toString(16).padStart(8, "0")}000000${code}`;
/** What a connection ends with. */
const dead = (name: string, code: string, last: number): { events: string[]; output: string[] } => ({
  events: [`failure ${name}`],
  output: [goAway(last, code)],
});
const protocol = (last: number) => dead("PROTOCOL_ERROR", "01", last);
const flow = (last: number) => dead("FLOW_CONTROL_ERROR", "03", last);
const streamClosed = (last: number) => dead("STREAM_CLOSED", "05", last);
const frameSize = (last: number) => dead("FRAME_SIZE_ERROR", "06", last);
const compression = (last: number) => dead("COMPRESSION_ERROR", "09", last);
const calm = (last: number) => dead("ENHANCE_YOUR_CALM", "0b", last);

const requests: readonly SessionCase[] = [
  server("a request without a body", [get(1)], ["request 1 GET / end"]),
  server(
    "a request with a body",
    [post(1), "DATA - 1 'ab'", "DATA END_STREAM 1 'c'"],
    ["request 1 POST /", "data 1 616263", "end 1"],
  ),
  server(
    "a body that ends with an empty frame",
    [post(1), "DATA - 1 'ab'", "DATA END_STREAM 1"],
    ["request 1 POST /", "data 1 6162", "end 1"],
  ),
  server(
    "a body with padding",
    [post(1), "DATA PADDED|END_STREAM 1 05 'ab' 00*5"],
    ["request 1 POST /", "data 1 6162", "end 1"],
  ),
  server(
    "trailers",
    [post(1), "DATA - 1 'a'", "HEADERS END_HEADERS|END_STREAM 1 {x=y} {z=1}"],
    ["request 1 POST /", "data 1 61", "trailers 1 x=y z=1", "end 1"],
  ),
  server(
    "trailers without fields",
    [post(1), "HEADERS END_HEADERS|END_STREAM 1"],
    ["request 1 POST /", "end 1"],
  ),
  server(
    "trailers in pieces",
    [post(1), "HEADERS END_STREAM 1 {x=y}", "CONTINUATION END_HEADERS 1 {z=1}"],
    ["request 1 POST /", "trailers 1 x=y z=1", "end 1"],
  ),
  server(
    "two requests at once",
    [post(1), post(3), "DATA END_STREAM 3 'b'", "DATA END_STREAM 1 'a'"],
    ["request 1 POST /", "request 3 POST /", "data 3 62", "end 3", "data 1 61", "end 1"],
  ),
  server("streams that leave out ids", [get(7), get(99)], ["request 7 GET / end", "request 99 GET / end"]),
  server(
    "requests that are answered",
    [get(1), get(3)],
    ["request 1 GET / end", "closed 1", "request 3 GET / end", "closed 3"],
    ["HEADERS END_STREAM|END_HEADERS 1 88", "HEADERS END_STREAM|END_HEADERS 3 88"],
    { answers: true },
  ),
  server(
    "a body that keeps its promise",
    [post(1, "{content-length=3}"), "DATA END_STREAM 1 'abc'"],
    ["request 1 POST /", "data 1 616263", "end 1"],
  ),
  server(
    "a body above its promise",
    [post(1, "{content-length=1}"), "DATA - 1 'ab'"],
    ["request 1 POST /", "reset 1 PROTOCOL_ERROR by rule", "closed 1"],
    [rst(1, "00000001")],
  ),
  server(
    "a body below its promise",
    [post(1, "{content-length=3}"), "DATA END_STREAM 1 'ab'"],
    ["request 1 POST /", "data 1 6162", "reset 1 PROTOCOL_ERROR by rule", "closed 1"],
    [rst(1, "00000001")],
  ),
  server(
    "a body below its promise, with trailers",
    [post(1, "{content-length=3}"), "HEADERS END_HEADERS|END_STREAM 1 {x=y}"],
    ["request 1 POST /", "trailers 1 x=y", "reset 1 PROTOCOL_ERROR by rule", "closed 1"],
    [rst(1, "00000001")],
  ),
  server(
    "a refused head, and what follows it",
    ["HEADERS END_HEADERS 1 @post {X=1}", "DATA END_STREAM 1 'abc'", get(3)],
    [
      'refused 1 400 client sent invalid header name: "X" while reading client request headers',
      "request 3 GET / end",
    ],
  ),
  server(
    "trailers that do not end the stream",
    [post(1), "HEADERS END_HEADERS 1 {x=y}"],
    ["request 1 POST /", "reset 1 PROTOCOL_ERROR by rule", "closed 1"],
    [rst(1, "00000001")],
  ),
  ...["{:path=/}", "{X=y}", "{connection=close}", "{x=a\\r\\nb}", "{transfer-encoding=chunked}", "{=y}"].map(
    (field) =>
      server(
        `trailers with ${field}`,
        [post(1), `HEADERS END_HEADERS|END_STREAM 1 ${field}`],
        ["request 1 POST /", "reset 1 PROTOCOL_ERROR by rule", "closed 1"],
        [rst(1, "00000001")],
      ),
  ),
  server(
    "more streams than allowed",
    [post(1), post(3), post(5)],
    ["request 1 POST /", "request 3 POST /"],
    [rst(5, "00000007")],
    {
      options: { maxConcurrentStreams: 2 },
    },
  ),
  server(
    "data on a stream that was refused",
    [post(1), post(3), "DATA END_STREAM 3 'abc'"],
    ["request 1 POST /"],
    [rst(3, "00000007")],
    {
      options: { maxConcurrentStreams: 1 },
    },
  ),
  server(
    "a stream in the place of one that is over",
    [get(1), get(3)],
    ["request 1 GET / end", "closed 1", "request 3 GET / end", "closed 3"],
    ["HEADERS END_STREAM|END_HEADERS 1 88", "HEADERS END_STREAM|END_HEADERS 3 88"],
    { answers: true, options: { maxConcurrentStreams: 1 } },
  ),
  server(
    "a table that the block before has filled",
    ["HEADERS END_HEADERS|END_STREAM 1 @get 40 01 78 01 79", "HEADERS END_HEADERS|END_STREAM 3 828684bf be"],
    ["request 1 GET / end", "request 3 GET / end"],
  ),
];

const states: readonly SessionCase[] = [
  server("data on an idle stream", ["DATA - 1 61"], protocol(0).events, protocol(0).output),
  server("RST_STREAM on an idle stream", ["RST_STREAM - 1 00000008"], protocol(0).events, protocol(0).output),
  server(
    "WINDOW_UPDATE on an idle stream",
    ["WINDOW_UPDATE - 1 00000001"],
    protocol(0).events,
    protocol(0).output,
  ),
  server("data on a stream that only we could open", ["DATA - 2 61"], protocol(0).events, protocol(0).output),
  server(
    "HEADERS on a stream that only we could open",
    ["HEADERS END_HEADERS 2 @get"],
    protocol(0).events,
    protocol(0).output,
  ),
  server("PRIORITY on an idle stream", ["PRIORITY - 5 0000000010", get(1)], ["request 1 GET / end"]),
  server(
    "PRIORITY of a wrong size on an idle stream",
    ["PRIORITY - 5 00"],
    frameSize(0).events,
    frameSize(0).output,
  ),
  server(
    "PRIORITY of a wrong size on an open stream",
    [post(1), "PRIORITY - 1 00"],
    ["request 1 POST /", "reset 1 FRAME_SIZE_ERROR by rule", "closed 1"],
    [rst(1, "00000006")],
  ),
  server(
    "a stream id lower than the last",
    [get(5), get(3)],
    ["request 5 GET / end", "reset 5 PROTOCOL_ERROR by connection", ...protocol(5).events],
    protocol(5).output,
  ),
  server(
    "a closed stream between two gaps",
    [get(3), get(7), get(3)],
    ["request 3 GET / end", "closed 3", "request 7 GET / end", "closed 7", ...streamClosed(7).events],
    ["HEADERS END_STREAM|END_HEADERS 3 88", "HEADERS END_STREAM|END_HEADERS 7 88", ...streamClosed(7).output],
    { answers: true },
  ),
  server(
    "data after the end",
    [get(1), "DATA - 1 61"],
    ["request 1 GET / end", "reset 1 STREAM_CLOSED by rule", "closed 1"],
    [rst(1, "00000005")],
  ),
  server(
    "fields after the end",
    [get(1), get(1)],
    ["request 1 GET / end", "reset 1 STREAM_CLOSED by rule", "closed 1"],
    [rst(1, "00000005")],
  ),
  server(
    "data on a closed stream",
    [get(1), "DATA - 1 61"],
    ["request 1 GET / end", "closed 1"],
    ["HEADERS END_STREAM|END_HEADERS 1 88", rst(1, "00000005")],
    { answers: true },
  ),
  server(
    "fields on a closed stream",
    [get(1), get(1)],
    ["request 1 GET / end", "closed 1", ...streamClosed(1).events],
    ["HEADERS END_STREAM|END_HEADERS 1 88", ...streamClosed(1).output],
    { answers: true },
  ),
  server(
    "RST_STREAM and WINDOW_UPDATE on a closed stream",
    [get(1), rst(1, "00000008"), "WINDOW_UPDATE - 1 00000001", "PRIORITY - 1 0000000010"],
    ["request 1 GET / end", "closed 1"],
    ["HEADERS END_STREAM|END_HEADERS 1 88"],
    { answers: true },
  ),
  server(
    "RST_STREAM",
    [post(1), rst(1, "00000008")],
    ["request 1 POST /", "reset 1 CANCEL by peer", "closed 1"],
  ),
  server(
    "data after the peer's own RST_STREAM",
    [post(1), rst(1, "00000008"), "DATA - 1 61"],
    ["request 1 POST /", "reset 1 CANCEL by peer", "closed 1"],
    [rst(1, "00000005")],
  ),
  server(
    "data and fields after our RST_STREAM",
    [
      post(1, "{content-length=1}"),
      "DATA - 1 'ab'",
      "DATA - 1 'c'",
      "HEADERS END_HEADERS|END_STREAM 1 {x=y}",
      get(3),
    ],
    ["request 1 POST /", "reset 1 PROTOCOL_ERROR by rule", "closed 1", "request 3 GET / end"],
    [rst(1, "00000001")],
  ),
  server("PUSH_PROMISE", ["PUSH_PROMISE END_HEADERS 1 00000002 82"], protocol(0).events, protocol(0).output),
  server(
    "a block that is no HPACK",
    ["HEADERS END_HEADERS 1 80"],
    compression(1).events,
    compression(1).output,
  ),
  server(
    "a block of trailers that is no HPACK",
    [post(1), "HEADERS END_HEADERS|END_STREAM 1 ff"],
    ["request 1 POST /", "reset 1 COMPRESSION_ERROR by connection", ...compression(1).events],
    compression(1).output,
  ),
  server(
    "a block of a refused stream that is no HPACK",
    [post(1), "HEADERS END_HEADERS 3 bf"],
    ["request 1 POST /", "reset 1 COMPRESSION_ERROR by connection", ...compression(3).events],
    compression(3).output,
    {
      options: { maxConcurrentStreams: 1 },
    },
  ),
  server(
    "what ends the connection ends all streams",
    [post(1), post(3), "PING - 1 00*8"],
    [
      "request 1 POST /",
      "request 3 POST /",
      "reset 1 PROTOCOL_ERROR by connection",
      "reset 3 PROTOCOL_ERROR by connection",
      ...protocol(3).events,
    ],
    protocol(3).output,
  ),
  server(
    "nothing is read after a failure",
    ["PING - 1 00*8", get(1)],
    protocol(0).events,
    protocol(0).output,
  ),
];

const settings: readonly SessionCase[] = [
  server("SETTINGS are acknowledged", ["SETTINGS - 0 000300000064"], ["settings"], ["SETTINGS ACK 0"]),
  server(
    "unknown SETTINGS are ignored",
    ["SETTINGS - 0 00ff00000001 0a0a12345678"],
    ["settings"],
    ["SETTINGS ACK 0"],
  ),
  server("a window above the limit", ["SETTINGS - 0 000480000000"], flow(0).events, flow(0).output),
  server(
    "a frame size below the limit",
    ["SETTINGS - 0 000500003fff"],
    protocol(0).events,
    protocol(0).output,
  ),
  server(
    "a frame size above the limit",
    ["SETTINGS - 0 000501000000"],
    protocol(0).events,
    protocol(0).output,
  ),
  server("the largest frame size", ["SETTINGS - 0 000500ffffff"], ["settings"], ["SETTINGS ACK 0"]),
  server("ENABLE_PUSH of 2", ["SETTINGS - 0 000200000002"], protocol(0).events, protocol(0).output),
  server("ENABLE_PUSH of a client", ["SETTINGS - 0 000200000001"], ["settings"], ["SETTINGS ACK 0"]),
  client(
    "ENABLE_PUSH of a server",
    ["SETTINGS - 0 000200000001"],
    ["reset 1 PROTOCOL_ERROR by connection", ...protocol(0).events],
    protocol(0).output,
  ),
  client("ENABLE_PUSH of 0 of a server", ["SETTINGS - 0 000200000000"], ["settings"], ["SETTINGS ACK 0"]),
  server(
    "ENABLE_CONNECT_PROTOCOL of 2",
    ["SETTINGS - 0 000800000002"],
    protocol(0).events,
    protocol(0).output,
  ),
  server(
    "ENABLE_CONNECT_PROTOCOL that is taken back",
    ["SETTINGS - 0 000800000001 000800000000"],
    protocol(0).events,
    protocol(0).output,
  ),
  server(
    "windows that would become too large",
    [post(1), "WINDOW_UPDATE - 1 7fff0000", "SETTINGS - 0 000400010000"],
    ["request 1 POST /", "reset 1 FLOW_CONTROL_ERROR by connection", ...flow(1).events],
    flow(1).output,
  ),
  server("an ack that nobody waits for", ["SETTINGS ACK 0"], []),
  server("PING", ["PING - 0 0102030405060708"], [], ["PING ACK 0 0102030405060708"]),
  server("an answer to a PING that nobody sent", ["PING ACK 0 0102030405060708"], []),
  server("an answer to a PING of ours", ["PING ACK 0 4c6f6e6700000005"], ["pong 5"]),
  server(
    "GOAWAY of a client",
    [get(1), "GOAWAY - 0 00000000 00000000"],
    ["request 1 GET / end", "goaway 0 NO_ERROR"],
  ),
  server(
    "unknown frames",
    ["type:16 - 0 00000001 'u=1'", "type:222 0x1 9 'abc'", get(1)],
    ["request 1 GET / end"],
  ),
];

const window16 = { options: { initialWindowSize: 16, connectionWindowSize: 65_535 } };
const windows: readonly SessionCase[] = [
  server(
    "a stream's window that is used up",
    [post(1), "DATA - 1 00*16"],
    ["request 1 POST /", `data 1 ${"00".repeat(16)}`],
    ["WINDOW_UPDATE - 1 00000010"],
    {
      options: { initialWindowSize: 32, connectionWindowSize: 65_535 },
    },
  ),
  server(
    "more than a stream's window",
    [post(1), "DATA - 1 00*17"],
    ["request 1 POST /", "reset 1 FLOW_CONTROL_ERROR by rule", "closed 1"],
    [rst(1, "00000003")],
    window16,
  ),
  server(
    "more than a stream's window by its padding",
    [post(1), "DATA PADDED 1 0f 01 00*15"],
    ["request 1 POST /", "reset 1 FLOW_CONTROL_ERROR by rule", "closed 1"],
    [rst(1, "00000003")],
    window16,
  ),
  server(
    "no window for padding alone, but for what it took",
    [post(1), "DATA PADDED 1 0e 01 00*14", "DATA END_STREAM 1 'ab'"],
    ["request 1 POST /", "data 1 016162", "end 1"],
    ["WINDOW_UPDATE - 1 0000000f"],
    window16,
  ),
  server(
    "WINDOW_UPDATE of the connection that is too much",
    ["WINDOW_UPDATE - 0 7fffffff"],
    flow(0).events,
    flow(0).output,
  ),
  server(
    "WINDOW_UPDATE of a stream that is too much",
    [post(1), "WINDOW_UPDATE - 1 7fffffff"],
    ["request 1 POST /", "reset 1 FLOW_CONTROL_ERROR by rule", "closed 1"],
    [rst(1, "00000003")],
  ),
  server(
    "WINDOW_UPDATE of 0 on an open stream",
    [post(1), "WINDOW_UPDATE - 1 00000000"],
    ["request 1 POST /", "reset 1 PROTOCOL_ERROR by rule", "closed 1"],
    [rst(1, "00000001")],
  ),
  server(
    "WINDOW_UPDATE of 0 on an idle stream",
    ["WINDOW_UPDATE - 1 00000000"],
    protocol(0).events,
    protocol(0).output,
  ),
  server("WINDOW_UPDATE up to the limit", ["WINDOW_UPDATE - 0 7fff0000"], []),
];

const rate = (burst: number) => ({ burst, perSecond: 1 });
const floods: readonly SessionCase[] = [
  server(
    "a rapid reset",
    [1, 3, 5].flatMap((id) => [post(id), rst(id, "00000008")]),
    [
      ...[1, 3, 5].flatMap((id) => [`request ${id} POST /`, `reset ${id} CANCEL by peer`, `closed ${id}`]),
      ...calm(5).events,
    ],
    calm(5).output,
    { options: { limits: { resets: rate(2) } } },
  ),
  server(
    "resets that the peer makes us send",
    [1, 3, 5].flatMap((id) => [post(id), `WINDOW_UPDATE - ${id} 00000000`]),
    [
      ...[1, 3, 5].flatMap((id) => [
        `request ${id} POST /`,
        `reset ${id} PROTOCOL_ERROR by rule`,
        `closed ${id}`,
      ]),
      ...calm(5).events,
    ],
    [rst(1, "00000001"), rst(3, "00000001"), rst(5, "00000001"), ...calm(5).output],
    { options: { limits: { provokedResets: rate(2) } } },
  ),
  server(
    "streams above the limit, again and again",
    [post(1), post(3), post(5), post(7)],
    ["request 1 POST /", "reset 1 ENHANCE_YOUR_CALM by connection", ...calm(7).events],
    [rst(3, "00000007"), rst(5, "00000007"), rst(7, "00000007"), ...calm(7).output],
    { options: { maxConcurrentStreams: 1, limits: { provokedResets: rate(2) } } },
  ),
  server(
    "data on finished streams",
    [get(1), "DATA - 1 61", "DATA - 1 61", "DATA - 1 61"],
    ["request 1 GET / end", "closed 1", ...calm(1).events],
    [
      "HEADERS END_STREAM|END_HEADERS 1 88",
      rst(1, "00000005"),
      rst(1, "00000005"),
      rst(1, "00000005"),
      ...calm(1).output,
    ],
    { answers: true, options: { limits: { provokedResets: rate(2) } } },
  ),
  server(
    "a flood of SETTINGS",
    Array<string>(3).fill("SETTINGS - 0"),
    ["settings", "settings", ...calm(0).events],
    ["SETTINGS ACK 0", "SETTINGS ACK 0", ...calm(0).output],
    {
      // The first one has been sent before.
      options: { limits: { settings: rate(3) } },
    },
  ),
  server(
    "a flood of PING",
    Array<string>(3).fill("PING - 0 00*8"),
    calm(0).events,
    [...Array<string>(3).fill("PING ACK 0 0000000000000000"), ...calm(0).output],
    {
      options: { limits: { pings: rate(2) } },
    },
  ),
  server(
    "a flood of PRIORITY",
    Array<string>(3).fill("PRIORITY - 1 0000000010"),
    calm(0).events,
    calm(0).output,
    { options: { limits: { uselessFrames: rate(2) } } },
  ),
  server("a flood of unknown frames", Array<string>(3).fill("type:99 - 0"), calm(0).events, calm(0).output, {
    options: { limits: { uselessFrames: rate(2) } },
  }),
  server("a flood of acks", Array<string>(3).fill("SETTINGS ACK 0"), calm(0).events, calm(0).output, {
    options: { limits: { uselessFrames: rate(2) } },
  }),
  server("a flood of PING acks", Array<string>(3).fill("PING ACK 0 00*8"), calm(0).events, calm(0).output, {
    options: { limits: { uselessFrames: rate(2) } },
  }),
  server(
    "a flood of GOAWAY",
    Array<string>(3).fill("GOAWAY - 0 00000000 00000000"),
    [...Array<string>(3).fill("goaway 0 NO_ERROR"), ...calm(0).events],
    calm(0).output,
    {
      options: { limits: { uselessFrames: rate(2) } },
    },
  ),
  server(
    "a flood of RST_STREAM on a closed stream",
    [get(1), ...Array<string>(3).fill(rst(1, "00000008"))],
    ["request 1 GET / end", "closed 1", ...calm(1).events],
    ["HEADERS END_STREAM|END_HEADERS 1 88", ...calm(1).output],
    {
      answers: true,
      options: { limits: { uselessFrames: rate(2) } },
    },
  ),
  server(
    "a flood of WINDOW_UPDATE",
    Array<string>(3).fill("WINDOW_UPDATE - 0 00000001"),
    calm(0).events,
    calm(0).output,
    { options: { limits: { windowUpdates: rate(2) } } },
  ),
  server(
    "a flood of empty DATA",
    [post(1), ...Array<string>(3).fill("DATA - 1")],
    ["request 1 POST /", "reset 1 ENHANCE_YOUR_CALM by connection", ...calm(1).events],
    calm(1).output,
    {
      options: { limits: { emptyData: rate(2) } },
    },
  ),
  server(
    "a flood of padding",
    [post(1), ...Array<string>(3).fill("DATA PADDED 1 01 00")],
    ["request 1 POST /", "reset 1 ENHANCE_YOUR_CALM by connection", ...calm(1).events],
    calm(1).output,
    {
      options: { limits: { emptyData: rate(2) } },
    },
  ),
  server(
    "a flood of CONTINUATION",
    ["HEADERS - 1 @get", ...Array<string>(4).fill("CONTINUATION - 1")],
    calm(0).events,
    calm(0).output,
    { options: { limits: { continuationsMax: 3 } } },
  ),
  server(
    "a field block above the limit",
    ["HEADERS - 1 @get", "CONTINUATION - 1 00*200"],
    calm(0).events,
    calm(0).output,
    { options: { limits: { fieldBlockBytesMax: 200 } } },
  ),
];

const bad = (code: string) =>
  ["reset 1 PROTOCOL_ERROR by rule", "closed 1"].map((line) => line.replace("PROTOCOL_ERROR", code));
const responses: readonly SessionCase[] = [
  client(
    "a response",
    [head200(1, "{x=y}"), "DATA - 1 'ab'", "DATA END_STREAM 1 'c'"],
    ["head 1 200 x=y", "data 1 616263", "end 1", "closed 1"],
  ),
  client(
    "a response without a body",
    ["HEADERS END_HEADERS|END_STREAM 1 89"],
    ["head 1 204 end", "closed 1"],
  ),
  client(
    "interim heads",
    [
      "HEADERS END_HEADERS 1 {:status=100}",
      "HEADERS END_HEADERS 1 {:status=103} {link=a}",
      "HEADERS END_HEADERS|END_STREAM 1 88",
    ],
    ["head 1 100", "head 1 103 link=a", "head 1 200 end", "closed 1"],
  ),
  client(
    "trailers of a response",
    [head200(1), "DATA - 1 'a'", "HEADERS END_HEADERS|END_STREAM 1 {grpc-status=0}"],
    ["head 1 200", "data 1 61", "trailers 1 grpc-status=0", "end 1", "closed 1"],
  ),
  client(
    "an answer to HEAD",
    ["HEADERS END_HEADERS|END_STREAM 1 @200 {content-length=5}"],
    ["head 1 200 content-length=5 end", "closed 1"],
    [],
    { open: ["HEAD"] },
  ),
  client(
    "data in an answer to HEAD",
    [head200(1), "DATA - 1 'a'"],
    ["head 1 200", ...bad("PROTOCOL_ERROR")],
    [rst(1, "00000001")],
    { open: ["HEAD"] },
  ),
  client(
    "status 304 with a length",
    ["HEADERS END_HEADERS|END_STREAM 1 8b {content-length=5}"],
    ["head 1 304 content-length=5 end", "closed 1"],
  ),
  client(
    "a length that is kept",
    [head200(1, "{content-length=2}"), "DATA END_STREAM 1 'ab'"],
    ["head 1 200 content-length=2", "data 1 6162", "end 1", "closed 1"],
  ),
  client(
    "a length that is exceeded",
    [head200(1, "{content-length=1}"), "DATA END_STREAM 1 'ab'"],
    ["head 1 200 content-length=1", ...bad("PROTOCOL_ERROR")],
    [rst(1, "00000001")],
  ),
  client(
    "a length that is not reached",
    [head200(1, "{content-length=3}"), "DATA END_STREAM 1 'ab'"],
    ["head 1 200 content-length=3", "data 1 6162", ...bad("PROTOCOL_ERROR")],
    [rst(1, "00000001")],
  ),
  client(
    "a length without a body",
    ["HEADERS END_HEADERS|END_STREAM 1 @200 {content-length=3}"],
    bad("PROTOCOL_ERROR"),
    [rst(1, "00000001")],
  ),
  client("data before the head", ["DATA - 1 'a'"], bad("PROTOCOL_ERROR"), [rst(1, "00000001")]),
  client(
    "data after an interim head",
    ["HEADERS END_HEADERS 1 {:status=100}", "DATA - 1 'a'"],
    ["head 1 100", ...bad("PROTOCOL_ERROR")],
    [rst(1, "00000001")],
  ),
  ...[
    "{x=y}",
    "{:status=99}",
    "{:status=600}",
    "{:status=2000}",
    "{:status=20}",
    "{:status=+20}",
    "{:status=}",
    "{:status=101}",
    "@200 @200",
    "{x=y} @200",
    "@200 {:path=/}",
    "@200 {:unknown=1}",
    "@200 {X=y}",
    "@200 {a\\nb=y}",
    "@200 {x=a\\r\\nb}",
    "@200 {x=a\\u0000}",
    "@200 {x= a}",
    "@200 {connection=close}",
    "@200 {transfer-encoding=chunked}",
    "@200 {keep-alive=1}",
    "@200 {proxy-connection=1}",
    "@200 {upgrade=h2c}",
    "@200 {content-length=1a}",
    "@200 {content-length=1} {content-length=1}",
  ].map((block) =>
    client(`a malformed response: ${block}`, [`HEADERS END_HEADERS 1 ${block}`], bad("PROTOCOL_ERROR"), [
      rst(1, "00000001"),
    ]),
  ),
  client(
    "an interim head that ends the stream",
    ["HEADERS END_HEADERS|END_STREAM 1 {:status=103}"],
    bad("PROTOCOL_ERROR"),
    [rst(1, "00000001")],
  ),
  client(
    "a malformed trailer",
    [head200(1), "HEADERS END_HEADERS|END_STREAM 1 {:status=200}"],
    ["head 1 200", ...bad("PROTOCOL_ERROR")],
    [rst(1, "00000001")],
  ),
  client(
    "a stream that the server reset",
    [rst(1, "00000007")],
    ["reset 1 REFUSED_STREAM by peer", "closed 1"],
  ),
  client(
    "a head of a stream that nobody opened",
    [head200(3)],
    ["reset 1 PROTOCOL_ERROR by connection", ...protocol(0).events],
    protocol(0).output,
  ),
  client(
    "a stream that the server opens",
    ["HEADERS END_HEADERS 2 88"],
    ["reset 1 PROTOCOL_ERROR by connection", ...protocol(0).events],
    protocol(0).output,
  ),
  client(
    "a late head of a stream that is over",
    [rst(1, "00000008"), head200(1)],
    ["reset 1 CANCEL by peer", "closed 1"],
  ),
  client(
    "PUSH_PROMISE of a server",
    ["PUSH_PROMISE END_HEADERS 1 00000002 82"],
    ["reset 1 PROTOCOL_ERROR by connection", ...protocol(0).events],
    protocol(0).output,
  ),
  client(
    "GOAWAY that leaves streams unprocessed",
    ["GOAWAY - 0 00000001 00000000", head200(1), "DATA END_STREAM 1"],
    [
      "reset 3 REFUSED_STREAM by unprocessed",
      "closed 3",
      "reset 5 REFUSED_STREAM by unprocessed",
      "closed 5",
      "goaway 1 NO_ERROR",
      "head 1 200",
      "end 1",
      "closed 1",
    ],
    [],
    { open: ["GET", "GET", "GET"] },
  ),
  client(
    "GOAWAY that announces, and the one that counts",
    ["GOAWAY - 0 7fffffff 00000000", "GOAWAY - 0 00000001 00000000"],
    ["goaway 2147483647 NO_ERROR", "goaway 1 NO_ERROR"],
  ),
  client(
    "two responses that are mixed",
    [head200(3), head200(1), "DATA - 3 'c'", "DATA END_STREAM 1 'a'", "DATA END_STREAM 3 'd'"],
    [
      "head 3 200",
      "head 1 200",
      "data 3 63",
      "data 1 61",
      "end 1",
      "closed 1",
      "data 3 64",
      "end 3",
      "closed 3",
    ],
    [],
    { open: ["GET", "GET"] },
  ),
];

/** Frames in every state of a stream and of a connection (RFC 9113, section 5.1), and what comes of them. */
export const sessionCases: readonly SessionCase[] = [
  ...requests,
  ...states,
  ...settings,
  ...windows,
  ...floods,
  ...responses,
];
