/** Fields of a request's head as `name=value`, and what becomes of it. */
export interface HeadCase {
  readonly name: string;
  readonly fields: readonly string[];
  /** Of a head that is taken: values by their names, as Http2RequestHead has them; fields as `name: value` lines. */
  readonly head?: Readonly<Record<string, unknown>>;
  readonly list?: readonly string[];
  /** Of one that is refused: status, and the log's words without what they all end with. */
  readonly refused?: readonly [status: number, reason: string];
  /** The words of `http2HeadLimits` that differ. */
  readonly limits?: Readonly<Record<string, unknown>>;
}

const get = [":method=GET", ":scheme=http", ":path=/", ":authority=a"];
const connect = [":method=CONNECT", ":protocol=websocket", ":scheme=https", ":path=/chat", ":authority=a"];
const without = (name: string): string[] => get.filter((field) => !field.startsWith(name));
const path = (target: string): string[] => [":method=GET", ":scheme=http", `:path=${target}`, ":authority=a"];

const ok = (
  name: string,
  fields: readonly string[],
  head: Readonly<Record<string, unknown>> = {},
  list?: readonly string[],
): HeadCase => ({ name, fields, head, ...(list === undefined ? {} : { list }) });
const no = (name: string, fields: readonly string[], reason: string, status = 400): HeadCase => ({
  name,
  fields,
  refused: [status, reason],
});
const given = (limits: Readonly<Record<string, unknown>>, item: HeadCase): HeadCase => ({ ...item, limits });

const pseudo: readonly HeadCase[] = [
  ok(
    "a request",
    get,
    { method: "GET", uri: "/", scheme: "http", authority: "a", host: "a", requestLine: "GET / HTTP/2.0" },
    ["host: a"],
  ),
  ok("pseudo-headers in another order", [...get].reverse(), { method: "GET", host: "a" }),
  ok("POST", [":method=POST", ...get.slice(1)], { method: "POST", requestLine: "POST / HTTP/2.0" }),
  ok("a method of one's own", [":method=M-SEARCH", ...get.slice(1)], { method: "M-SEARCH" }),
  ok("OPTIONS", [":method=OPTIONS", ...get.slice(1)], { method: "OPTIONS" }),
  ok("scheme https", [":method=GET", ":scheme=https", ":path=/", ":authority=a"], { scheme: "https" }),
  ok("host instead of :authority", [...without(":authority"), "host=b"], { host: "b", authority: null }, [
    "host: b",
  ]),
  ok("host and :authority that are the same", [...get, "host=a"], { host: "a" }, ["host: a"]),
  ok("host and :authority that differ in case only", [...get, "host=A"], { host: "a" }, ["host: a"]),
  ok(":authority with a port", [...without(":authority"), ":authority=Example.COM:8080"], {
    host: "example.com",
    port: 8080,
    authority: "Example.COM:8080",
  }),
  ok(":authority that is an IPv6 address", [...without(":authority"), ":authority=[::1]:80"], {
    host: "[::1]",
    port: 80,
  }),
  no("no :method", without(":method"), "client sent no :method header"),
  no("no :scheme", without(":scheme"), "client sent no :scheme header"),
  no("no :path", without(":path"), "client sent no :path header"),
  no(
    "neither :authority nor host",
    without(":authority"),
    'client sent neither ":authority" nor "Host" header',
  ),
  no("nothing at all", [], "client sent no :method header"),
  no("two :method", [...get, ":method=GET"], "client sent duplicate :method header"),
  no("two :scheme", [...get, ":scheme=http"], "client sent duplicate :scheme header"),
  no("two :path", [...get, ":path=/"], "client sent duplicate :path header"),
  no("two :authority", [...get, ":authority=a"], "client sent duplicate :authority header"),
  no("an unknown pseudo-header", [...get, ":unknown=1"], 'client sent unknown pseudo-header ":unknown"'),
  no(":status in a request", [...get, ":status=200"], 'client sent unknown pseudo-header ":status"'),
  no("a name of a colon alone", [...get, ":=1"], 'client sent unknown pseudo-header ":"'),
  no("a pseudo-header in upper case", [...get, ":Path=/"], 'client sent unknown pseudo-header ":Path"'),
  no(
    "a pseudo-header after a field",
    [...without(":path"), "x=y", ":path=/"],
    'client sent ":path" after other headers',
  ),
  no("an empty method", [":method=", ...get.slice(1)], 'client sent invalid method: ""'),
  no("a method in lower case", [":method=get", ...get.slice(1)], 'client sent invalid method: "get"'),
  no("a method with a space", [":method=GET /", ...get.slice(1)], 'client sent invalid method: "GET /"'),
  no(
    "a method with a line end",
    [":method=GET\\r\\n", ...get.slice(1)],
    'client sent invalid method: "GET\r\n"',
  ),
  no("TRACE", [":method=TRACE", ...get.slice(1)], "client sent TRACE method", 405),
  no("CONNECT", [":method=CONNECT", ":authority=a:443"], "client sent CONNECT method", 405),
  no("CONNECT with a path", [":method=CONNECT", ...get.slice(1)], "client sent CONNECT method", 405),
  no(
    "an empty scheme",
    [":method=GET", ":scheme=", ":path=/", ":authority=a"],
    'client sent invalid :scheme header: ""',
  ),
  no(
    "a scheme with a colon",
    [":method=GET", ":scheme=http:", ":path=/", ":authority=a"],
    'client sent invalid :scheme header: "http:"',
  ),
  no(
    "a scheme with a line end",
    [":method=GET", ":scheme=http\\n", ":path=/", ":authority=a"],
    'client sent invalid :scheme header: "http\n"',
  ),
  no(
    "an empty :authority",
    [...without(":authority"), ":authority="],
    'client sent invalid :authority header: ""',
  ),
  no(
    ":authority with user information",
    [...without(":authority"), ":authority=u@a"],
    'client sent invalid :authority header: "u@a"',
  ),
  no(
    ":authority with a slash",
    [...without(":authority"), ":authority=a/b"],
    'client sent invalid :authority header: "a/b"',
  ),
  no(
    ":authority with a space",
    [...without(":authority"), ":authority=a b"],
    'client sent invalid :authority header: "a b"',
  ),
  no(
    ":authority with a port out of range",
    [...without(":authority"), ":authority=a:65536"],
    'client sent invalid :authority header: "a:65536"',
  ),
  no(
    "host that differs from :authority",
    [...get, "host=b"],
    'client sent "Host" header that differs from :authority: "b"',
  ),
  no(
    "host that differs in the port",
    [...get, "host=a:80"],
    'client sent "Host" header that differs from :authority: "a:80"',
  ),
  no(
    "an invalid host beside :authority",
    [...get, "host=a/b"],
    'client sent "Host" header that differs from :authority: "a/b"',
  ),
  no("two host fields beside :authority", [...get, "host=a", "host=a"], "client sent duplicate host header"),
  no(
    "two host fields",
    [...without(":authority"), "host=a", "host=a"],
    'client sent duplicate host header: "host: a", previous value: "host: a"',
  ),
  no("an invalid host", [...without(":authority"), "host=a b"], "client sent invalid host header"),
];

const paths: readonly HeadCase[] = [
  ok("a path with arguments", path("/a/b?c=d"), { uri: "/a/b", args: "c=d", requestUri: "/a/b?c=d" }),
  ok("a path with escapes", path("/%61%20b"), { uri: "/a b", uriChanged: true }),
  ok("a path with dots", path("/a/./b/../c"), { uri: "/a/c" }),
  ok("a path with two slashes", path("//a"), { uri: "/a" }),
  given({ mergeSlashes: false }, ok("slashes that are kept", path("//a"), { uri: "//a" })),
  ok("a path with a fragment", path("/a#b"), { uri: "/a" }),
  ok("a path with bytes above 127", path("/\\u00e4"), { uri: "/\xe4" }),
  ok("a question mark alone", path("/?"), { uri: "/", args: "" }),
  no("an empty path", path(""), "client sent empty :path header"),
  no("a path that begins with no slash", path("a"), 'client sent invalid :path header: "a"'),
  no("an absolute path", path("http://b/"), 'client sent invalid :path header: "http://b/"'),
  no("an asterisk", [":method=OPTIONS", ...path("*").slice(1)], 'client sent invalid :path header: "*"'),
  no("a path with a space", path("/a b"), 'client sent invalid :path header: "/a b"'),
  no("a path with a version behind", path("/ HTTP/1.1"), 'client sent invalid :path header: "/ HTTP/1.1"'),
  no("a path with a line end", path("/\\r\\nx: y"), 'client sent invalid :path header: "/\r\nx: y"'),
  no("a path with NUL", path("/\\u0000"), 'client sent invalid :path header: "/\0"'),
  no("a path with a tab", path("/\\t"), 'client sent invalid :path header: "/\t"'),
  no("a path with DEL", path("/\\u007f"), 'client sent invalid :path header: "/\x7f"'),
  no("a path above the root", path("/../a"), 'client sent invalid :path header: "/../a"'),
  no("a path with a broken escape", path("/%zz"), 'client sent invalid :path header: "/%zz"'),
  no("a path with an escaped NUL", path("/%00"), 'client sent invalid :path header: "/%00"'),
];

const fields: readonly HeadCase[] = [
  ok("fields in their order", [...get, "b=1", "a=2", "b=3"], {}, ["host: a", "b: 1", "a: 2", "b: 3"]),
  ok("an empty value", [...get, "x="], {}, ["host: a", "x: "]),
  ok("a value with bytes above 127", [...get, "x=\\u00e4"], {}, ["host: a", "x: \xe4"]),
  ok("a value with a tab within", [...get, "x=a\\tb"], {}, ["host: a", "x: a\tb"]),
  ok("crumbs of a cookie", [...get, "cookie=a=1", "x=y", "cookie=b=2", "cookie=c=3"], {}, [
    "host: a",
    "cookie: a=1; b=2; c=3",
    "x: y",
  ]),
  ok("te: trailers", [...get, "te=trailers"], {}, ["host: a", "te: trailers"]),
  ok("te in other case", [...get, "te=Trailers"]),
  ok("content-length", [...get, "content-length=0"], { contentLength: 0 }),
  ok("a name with an underscore is dropped", [...get, "x_y=1"], {}, ["host: a"]),
  given(
    { underscoresInHeaders: true },
    ok("a name with an underscore", [...get, "x_y=1"], {}, ["host: a", "x_y: 1"]),
  ),
  ok("an odd name is dropped", [...get, "x!y=1"], {}, ["host: a"]),
  given({ ignoreInvalidHeaders: false }, ok("an odd name", [...get, "x!y=1"], {}, ["host: a", "x!y: 1"])),
  no("a name in upper case", [...get, "X=1"], 'client sent invalid header name: "X"'),
  no(
    "a name with one letter in upper case",
    [...get, "content-Type=1"],
    'client sent invalid header name: "content-Type"',
  ),
  no("an empty name", [...get, "=1"], 'client sent invalid header name: ""'),
  no("a name of NUL", [...get, "\\u0000=1"], 'client sent invalid header name: "\0"'),
  no("a name with a space", [...get, "a b=1"], 'client sent invalid header name: "a b"'),
  no("a name with a colon", [...get, "a:b=1"], 'client sent invalid header name: "a:b"'),
  no("a name with a line end", [...get, "a\\r\\nb=1"], 'client sent invalid header name: "a\r\nb"'),
  no("a name with a byte above 127", [...get, "\\u00e4=1"], 'client sent invalid header name: "\xe4"'),
  no("a value with NUL", [...get, "x=a\\u0000"], 'client sent header "x" with invalid value'),
  no("a value with CR", [...get, "x=a\\rb"], 'client sent header "x" with invalid value'),
  no("a value with LF", [...get, "x=a\\nb: c"], 'client sent header "x" with invalid value'),
  no("a value that begins with a space", [...get, "x= a"], 'client sent header "x" with invalid value'),
  no("a value that ends with a tab", [...get, "x=a\\t"], 'client sent header "x" with invalid value'),
  no("a value of a space", [...get, "x= "], 'client sent header "x" with invalid value'),
  no(
    "connection",
    [...get, "connection=close"],
    'client sent "connection" header, which HTTP/2 does not have',
  ),
  no("keep-alive", [...get, "keep-alive=1"], 'client sent "keep-alive" header, which HTTP/2 does not have'),
  no(
    "proxy-connection",
    [...get, "proxy-connection=close"],
    'client sent "proxy-connection" header, which HTTP/2 does not have',
  ),
  no(
    "transfer-encoding",
    [...get, "transfer-encoding=chunked"],
    'client sent "transfer-encoding" header, which HTTP/2 does not have',
  ),
  no("upgrade", [...get, "upgrade=websocket"], 'client sent "upgrade" header, which HTTP/2 does not have'),
  no(
    "http2-settings",
    [...get, "http2-settings=x"],
    'client sent "http2-settings" header, which HTTP/2 does not have',
  ),
  no("te: gzip", [...get, "te=gzip"], 'client sent invalid "te" header: "gzip"'),
  no(
    "te: trailers and more",
    [...get, "te=trailers, gzip"],
    'client sent invalid "te" header: "trailers, gzip"',
  ),
  no("an empty te", [...get, "te="], 'client sent invalid "te" header: ""'),
  no(
    "content-length that is no number",
    [...get, "content-length=1a"],
    'client sent invalid "Content-Length" header',
  ),
  no("content-length below 0", [...get, "content-length=-1"], 'client sent invalid "Content-Length" header'),
  no(
    "content-length twice",
    [...get, "content-length=1", "content-length=1"],
    'client sent duplicate header line: "content-length: 1", previous value: "content-length: 1"',
  ),
  no(
    "content-length as a list",
    [...get, "content-length=1, 1"],
    'client sent invalid "Content-Length" header',
  ),
  no(
    "content-length of no body",
    [...get, "content-length=5"],
    'client sent "Content-Length" without a body',
  ),
  no(
    "authorization twice",
    [...get, "authorization=a", "authorization=b"],
    'client sent duplicate header line: "authorization: b", previous value: "authorization: a"',
  ),
  given({ fieldsMax: 2 }, ok("as many fields as allowed", [...get, "a=1", "b=2"])),
  given(
    { fieldsMax: 2 },
    no("more fields than allowed", [...get, "a=1", "b=2", "c=3"], "client sent too many header lines"),
  ),
  given({ fieldBytesMax: 12 }, ok("a field as long as allowed", [...get, "abcdef=123456"])),
  given(
    { fieldBytesMax: 12 },
    no("a field longer than allowed", [...get, "abcdef=1234567"], "client sent too large request", 494),
  ),
  given({ headBytesMax: 210 }, ok("a head as long as allowed", [...get, "abcdef=12345"])),
  given(
    { headBytesMax: 210 },
    no("a head longer than allowed", [...get, "abcdef=1234567"], "client sent too large request", 494),
  ),
];

const extended: readonly HeadCase[] = [
  no("an extended CONNECT that is not offered", connect, 'client sent unknown pseudo-header ":protocol"'),
  ...[
    ok("an extended CONNECT", connect, {
      method: "CONNECT",
      connectProtocol: "websocket",
      uri: "/chat",
      scheme: "https",
      host: "a",
      requestLine: "CONNECT /chat HTTP/2.0",
    }),
    ok("an extended CONNECT of another protocol", connect.with(1, ":protocol=connect-udp"), {
      connectProtocol: "connect-udp",
    }),
    ok("an extended CONNECT with fields", [...connect, "sec-websocket-version=13", "origin=https://a"], {}, [
      "host: a",
      "sec-websocket-version: 13",
      "origin: https://a",
    ]),
    no("an extended CONNECT without a path", connect.toSpliced(3, 1), "client sent no :path header"),
    no("an extended CONNECT without a scheme", connect.toSpliced(2, 1), "client sent no :scheme header"),
    no(
      "an extended CONNECT without :authority",
      [...connect.slice(0, 4), "host=a"],
      "client sent :protocol without :authority",
    ),
    no(
      "an extended CONNECT with an authority for a path",
      connect.with(3, ":path=a:443"),
      'client sent invalid :path header: "a:443"',
    ),
    no(":protocol with GET", [...get, ":protocol=websocket"], "client sent :protocol with method GET"),
    no("an empty :protocol", connect.with(1, ":protocol="), 'client sent invalid :protocol header: ""'),
    no(
      ":protocol with a space",
      connect.with(1, ":protocol=web socket"),
      'client sent invalid :protocol header: "web socket"',
    ),
    no("two :protocol", [...connect, ":protocol=websocket"], "client sent duplicate :protocol header"),
    no(
      ":protocol after a field",
      [...connect.toSpliced(1, 1), "x=y", ":protocol=websocket"],
      'client sent ":protocol" after other headers',
    ),
    no(
      "an extended CONNECT with upgrade",
      [...connect, "upgrade=websocket"],
      'client sent "upgrade" header, which HTTP/2 does not have',
    ),
    no(
      "CONNECT where the extended one is offered",
      [":method=CONNECT", ":authority=a:443"],
      "client sent CONNECT method",
      405,
    ),
  ].map((item) => given({ extendedConnect: true }, item)),
];

/** Heads of requests that are taken and refused (RFC 9113, section 8; RFC 8441). */
export const headCases: readonly HeadCase[] = [...pseudo, ...paths, ...fields, ...extended];
