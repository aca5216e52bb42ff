/** What a gRPC location does: cases that nginx and Longhaul answer alike. */
import type { AnswerStep } from "./support/http2-server.ts";

/** What is expected of both. */
interface Outcome {
  /** The requests that the server got: fields and body. */
  readonly asked: readonly string[];
  /** The client's answer: status line, fields but for those of the connection, body, trailers. */
  readonly reply: string;
  /** What the error log says; by default nothing. */
  readonly log?: string;
}

/** A location, a request, what the server answers, and what comes of it. */
export interface GrpcCase extends Outcome {
  readonly name: string;
  /** What stands in the location; SERVER is the address of the server. By default `grpc_pass SERVER;`. */
  readonly location?: string;
  /** PATH is the location's. By default a GET. */
  readonly request?: string;
  /** By default 200 with a body. */
  readonly answer?: readonly AnswerStep[];
  /** Where Longhaul differs. */
  readonly ours?: Partial<Outcome>;
}

const bigFields = Array.from({ length: 20 }, (_, index) => [`x-field-${index}`, "v".repeat(100)] as const);

export const grpcCases: readonly GrpcCase[] = [
  {
    name: "the head of a GET",
    request: "GET PATH?a=b%20c HTTP/1.1\r\nUser-Agent: x\r\n",
    asked: [
      ":method: GET | :scheme: http | :path: /case?a=b%20c | :authority: 127.0.0.1:S | user-agent: x | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "fields of the connection stay behind",
    request:
      "GET PATH HTTP/1.1\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nUpgrade: x\r\nTE: gzip\r\nExpect: \r\nX-A: 1\r\nx-A: 2\r\nCookie: a=b; c=d\r\n",
    asked: [
      ":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-a: 1 | x-a: 2 | cookie: a=b; c=d | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "TE: trailers goes on",
    request: "GET PATH HTTP/1.1\r\nTE: gzip, trailers;q=0.5\r\n",
    asked: [
      ":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | te: trailers | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "TE: trailers alone",
    request: "GET PATH HTTP/1.1\r\nTE: trailers\r\n",
    asked: [
      ":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | te: trailers | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "a body with its length",
    request: "POST PATH HTTP/1.1\r\nContent-Length: 3\r\nX-A: 1\r\n\r\nabc",
    asked: [
      ":method: POST | :scheme: http | :path: /case | :authority: 127.0.0.1:S | content-length: 3 | x-a: 1 | x-case: case | abc",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "a body in chunks",
    request: "POST PATH HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    asked: [
      ":method: POST | :scheme: http | :path: /case | :authority: 127.0.0.1:S | content-length: 3 | x-case: case | abc",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "a length of 0",
    request: "POST PATH HTTP/1.1\r\nContent-Length: 0\r\n",
    asked: [
      ":method: POST | :scheme: http | :path: /case | :authority: 127.0.0.1:S | content-length: 0 | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "fields that are set",
    location:
      'grpc_pass SERVER; grpc_set_header X-One 1; grpc_set_header X-Uri $uri; grpc_set_header User-Agent ""; grpc_set_header X-A new;',
    request: "GET PATH HTTP/1.1\r\nUser-Agent: x\r\nX-A: old\r\n",
    asked: [
      ":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-one: 1 | x-uri: /case | x-a: new | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "a Host that is set is host",
    location: "grpc_pass SERVER; grpc_set_header Host own.example;",
    asked: [":method: GET | :scheme: http | :path: /case | host: own.example | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "a Host that is empty is none",
    location: 'grpc_pass SERVER; grpc_set_header Host "";',
    asked: [":method: GET | :scheme: http | :path: /case | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "TE that is set",
    location: "grpc_pass SERVER; grpc_set_header TE trailers;",
    asked: [
      ":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | te: trailers | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "TE that is taken away",
    location: 'grpc_pass SERVER; grpc_set_header TE "";',
    request: "GET PATH HTTP/1.1\r\nTE: trailers\r\n",
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "Content-Length that is taken away",
    location: 'grpc_pass SERVER; grpc_set_header Content-Length "";',
    request: "POST PATH HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
    asked: [":method: POST | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | abc"],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "an upstream's name is the authority",
    location: "grpc_pass grpc://calls;",
    asked: [":method: GET | :scheme: http | :path: /case | :authority: calls | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "variables name the server",
    location: "set $to SERVER; grpc_pass grpc://$to;",
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "variables name the upstream",
    location: "set $to calls; grpc_pass $to;",
    asked: [":method: GET | :scheme: http | :path: /case | :authority: calls | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "a rewritten path",
    location: "rewrite ^ /new%20path/x break; grpc_pass SERVER;",
    asked: [
      ":method: GET | :scheme: http | :path: /new%2520path/x | :authority: 127.0.0.1:S | x-case: case | ",
    ],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "fields of the answer",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["server", "S"],
          ["date", "D"],
          ["x-pad", "p"],
          ["x-accel-expires", "1"],
          ["x-accel-own", "2"],
          ["content-type", "application/grpc"],
          ["set-cookie", "a=b"],
          ["location", "http://127.0.0.1/x"],
        ],
      ],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply:
      "HTTP/1.1 200 OK | Content-Type: application/grpc | Transfer-Encoding: chunked | x-pad: p | x-accel-own: 2 | set-cookie: a=b | location: http://127.0.0.1/x | body",
  },
  {
    name: "Server and Date let through",
    location: "grpc_pass SERVER; grpc_pass_header Server; grpc_pass_header Date; grpc_hide_header X-Gone;",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["server", "S"],
          ["date", "D"],
          ["x-gone", "p"],
          ["x-kept", "1"],
        ],
      ],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | server: S | date: D | x-kept: 1 | body",
  },
  {
    name: "trailers behind chunks",
    answer: [
      ["headers", [[":status", "200"]]],
      ["data", "body"],
      [
        "headers",
        [
          ["grpc-status", "0"],
          ["x-t", "v"],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body | grpc-status: 0 | x-t: v",
  },
  {
    name: "a status without a message",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["grpc-status", "12"],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Content-Length: 0 | grpc-status: 12 | ",
  },
  {
    name: "an answer with a length",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["content-length", "4"],
        ],
      ],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Content-Length: 4 | body",
  },
  {
    name: "an answer of status 204",
    answer: [["headers", [[":status", "204"]], "END"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 204 No Content | ",
  },
  {
    name: "an answer of status 304",
    answer: [
      [
        "headers",
        [
          [":status", "304"],
          ["etag", '"x"'],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: 'HTTP/1.1 304 Not Modified | Content-Length: 0 | etag: "x" | ',
    ours: { reply: 'HTTP/1.1 304 Not Modified | etag: "x" | ' },
  },
  {
    name: "an unknown status",
    answer: [
      ["headers", [[":status", "499"]]],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 499  | Transfer-Encoding: chunked | body",
  },
  {
    name: "empty DATA and padding",
    answer: [
      ["headers", [[":status", "200"]]],
      ["data", ""],
      ["frame", 0, 8, "0261620000"],
      ["data", "", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | ab",
  },
  {
    name: "PING, PRIORITY and frames of unknown types amid",
    answer: [
      ["frame", 6, 0, "0102030405060708", 0],
      ["headers", [[":status", "200"]]],
      ["frame", 2, 0, "0000000010"],
      ["data", "bo"],
      ["frame", 238, 0, "00"],
      ["frame", 4, 0, "", 0],
      ["data", "dy", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "an error page for a status",
    location: "grpc_pass SERVER; grpc_intercept_errors on; error_page 404 =200 /page;",
    answer: [
      ["headers", [[":status", "404"]]],
      ["data", "gone", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Content-Type: text/plain | Content-Length: 4 | page",
  },
  {
    name: "no error page without grpc_intercept_errors",
    location: "grpc_pass SERVER; error_page 404 =200 /page;",
    answer: [
      ["headers", [[":status", "404"]]],
      ["data", "gone", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 404 Not Found | Transfer-Encoding: chunked | gone",
  },
  {
    name: "X-Accel-Redirect",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["x-accel-redirect", "/page"],
        ],
      ],
      ["data", "not this", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Content-Type: text/plain | Content-Length: 4 | page",
  },
  {
    name: "X-Accel-Redirect that is not obeyed",
    location: "grpc_pass SERVER; grpc_ignore_headers X-Accel-Redirect;",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["x-accel-redirect", "/page"],
        ],
      ],
      ["data", "this", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | this",
  },
  {
    name: "a server that refuses connections",
    location: "grpc_pass 127.0.0.1:1;",
    asked: [],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "connect() failed (111: Connection refused) while connecting to upstream",
  },
  {
    name: "a status of gRPC for a server that is away",
    location: "grpc_pass 127.0.0.1:1; error_page 502 = @away;",
    asked: [],
    reply: "HTTP/1.1 204 No Content | grpc-status: 14 | ",
    log: "connect() failed (111: Connection refused) while connecting to upstream",
  },
  {
    name: "a name that is nobody's",
    location: "set $to nobody:1; grpc_pass $to;",
    asked: [],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "no resolver defined to resolve nobody",
  },
  {
    name: "a reset before the head",
    answer: [["reset", 2]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream rejected request with error 2 while reading response header from upstream",
    ours: {
      log: "upstream rejected request with error 2 (INTERNAL_ERROR) while reading response header from upstream",
    },
  },
  {
    name: "a reset of no error before the head",
    answer: [["reset", 0]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream rejected request with error 0 while reading response header from upstream",
    ours: {
      log: "upstream rejected request with error 0 (NO_ERROR) while reading response header from upstream",
    },
  },
  {
    name: "a refused stream",
    answer: [["reset", 7]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream rejected request with error 7 while reading response header from upstream",
    ours: { log: "upstream refused the stream while reading response header from upstream" },
  },
  {
    name: "GOAWAY before the head that means this one",
    answer: [["goaway", 0, 0]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream sent goaway with error 0 while reading response header from upstream",
  },
  {
    name: "GOAWAY that lets this one through",
    answer: [
      ["goaway", 1, 0],
      ["headers", [[":status", "200"]]],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Transfer-Encoding: chunked | body",
  },
  {
    name: "the end of the connection before the head",
    answer: [["close"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream prematurely closed connection while reading response header from upstream",
  },
  {
    name: "no HTTP/2 at all",
    answer: [["bytes", "HTTP/1.1 400 Bad Request\r\n\r\n"], ["close"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream sent too large http2 frame: 4740180 while reading response header from upstream",
    ours: {
      log: "upstream broke HTTP/2: frame of 4740180 bytes while reading response header from upstream",
    },
  },
  {
    name: "a head without :status",
    answer: [["headers", [["x-a", "1"]], "END"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream sent no :status header while reading response header from upstream",
  },
  {
    name: "a :status twice",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          [":status", "200"],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream sent duplicate :status header while reading response header from upstream",
  },
  {
    name: "a :status that is no number",
    answer: [["headers", [[":status", "2x0"]], "END"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: 'upstream sent invalid :status "2x0" while reading response header from upstream',
  },
  {
    name: "a :status that is too short",
    answer: [["headers", [[":status", "20"]], "END"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: 'upstream sent invalid :status "20" while reading response header from upstream',
  },
  {
    name: "another pseudo-header",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          [":path", "/"],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: 'upstream sent invalid header ":path: /" while reading response header from upstream',
  },
  {
    name: "an upper-case name",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["X-Upper", "1"],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: 'upstream sent invalid header: "X-Upper: 1" while reading response header from upstream',
  },
  {
    name: "a line end in a value",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["x-a", "1\r\nx-b: 2"],
        ],
        "END",
      ],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    ours: {
      log: 'upstream sent invalid header: "x-a: 1 x-b: 2" while reading response header from upstream',
    },
  },
  {
    name: "DATA before the head",
    answer: [["data", "body", "END"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream sent unexpected http2 frame: 0 while reading response header from upstream",
  },
  {
    name: "less DATA than the length",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["content-length", "9"],
        ],
      ],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: " | ",
    log: "upstream prematurely closed stream while reading response header from upstream",
    ours: {
      reply: "HTTP/1.1 200 OK | Content-Length: 9 | body",
      log: "upstream prematurely closed stream while reading upstream",
    },
  },
  {
    name: "more DATA than the length",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["content-length", "2"],
        ],
      ],
      ["data", "body", "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: " | ",
    log: "upstream sent response body larger than indicated content length while reading response header from upstream",
    ours: {
      reply: "HTTP/1.1 200 OK | Content-Length: 2 | ",
      log: "upstream sent response body larger than indicated content length while reading upstream",
    },
  },
  {
    name: "a head that is too big",
    location: "grpc_pass SERVER; grpc_buffer_size 1k;",
    answer: [["headers", [[":status", "200"], ...bigFields], "END"]],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 502 Bad Gateway | Content-Type: text/html | (page)",
    log: "upstream sent too big header while reading response header from upstream",
  },
  {
    name: "a status that sends the call to the next server",
    location: "grpc_pass grpc://pair; grpc_next_upstream http_503;",
    answer: [["headers", [[":status", "503"]], "END"]],
    asked: [
      ":method: GET | :scheme: http | :path: /case | :authority: pair | x-case: case | ",
      ":method: GET | :scheme: http | :path: /case | :authority: pair | x-case: case | ",
    ],
    reply: "HTTP/1.1 503 Service Temporarily Unavailable | Content-Length: 0 | ",
  },
  {
    name: "a timeout",
    location: "grpc_pass SERVER; grpc_read_timeout 300ms;",
    answer: [],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 504 Gateway Time-out | Content-Type: text/html | (page)",
    log: "upstream timed out (110: Connection timed out) while reading response header from upstream",
  },
  {
    name: "a HEAD",
    request: "HEAD PATH HTTP/1.1\r\n",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["x-a", "1"],
        ],
        "END",
      ],
    ],
    asked: [":method: HEAD | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Content-Length: 0 | x-a: 1 | ",
    ours: { reply: "HTTP/1.1 200 OK | x-a: 1 | " },
  },
  {
    name: "an answer with a length and trailers",
    answer: [
      [
        "headers",
        [
          [":status", "200"],
          ["content-length", "4"],
        ],
      ],
      ["data", "body"],
      ["headers", [["grpc-status", "0"]], "END"],
    ],
    asked: [":method: GET | :scheme: http | :path: /case | :authority: 127.0.0.1:S | x-case: case | "],
    reply: "HTTP/1.1 200 OK | Content-Length: 4 | body",
  },
];
