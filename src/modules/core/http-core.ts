/**
 * ngx_http_core_module: servers, locations, and what governs the life of a connection.
 * https://nginx.org/en/docs/http/ngx_http_core_module.html
 */
import path from "node:path";
import { constantValue } from "../../config/complex-value.ts";
import type { Context, DirectiveSpec } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { refuse, slots } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseSeconds } from "../../config/values.ts";
import type { TemporaryDirectory } from "../../gateway/request/body-file.ts";
import { locationDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Request } from "../../gateway/request/request.ts";
import type { ErrorPage, ServerSettings, Value } from "../../gateway/serve/settings.ts";
import { enterLocation, locationBlock, serverBlock } from "./blocks.ts";
import { readSymlinkRule } from "./disable-symlinks.ts";
import { readErrorLog } from "./error-log.ts";
import type { ErrorLogTarget } from "./error-log.ts";
import { readErrorPage } from "./error-page.ts";
import { listenDirective } from "./listen.ts";
import { serverNameDirective } from "./server-name.ts";
import { locationLevel, serverLevel } from "./settings.ts";
import type { CoreLocation } from "./settings.ts";
import { readWebSocketDrain } from "./websocket-drain.ts";

const server = slots<ServerSettings>((scope) => scope.server(httpCore));
const location = slots<CoreLocation>((scope) => scope.location(httpCore));

const inServers: readonly Context[] = ["http", "server"];
const everywhere: readonly Context[] = ["http", "server", "location"];
const everywhereAndIf: readonly Context[] = ["http", "server", "location", "if in location"];

const blocks: readonly DirectiveSpec[] = [
  {
    name: "server",
    contexts: ["http"],
    args: "0",
    block: true,
    default: null,
    inherited: "own",
    doc: "Describes a virtual server.",
    set: serverBlock,
  },
  {
    name: "location",
    contexts: ["server", "location"],
    args: "1,2",
    block: true,
    default: null,
    inherited: "own",
    doc: "Gives requests whose URI matches settings of their own.",
    set: locationBlock,
  },
  {
    name: "limit_except",
    contexts: ["location"],
    args: "1+",
    block: true,
    default: null,
    inherited: "own",
    doc: "Gives all methods but the named ones settings of their own.",
    set: limitExceptBlock,
  },
  {
    name: "types",
    contexts: everywhere,
    args: "0",
    block: true,
    default: "{ text/html html; image/gif gif; image/jpeg jpg; }",
    doc: "Maps file name extensions to media types.",
    set: typesBlock,
  },
];

const serverDirectives: readonly DirectiveSpec[] = [
  {
    name: "listen",
    contexts: ["server"],
    args: "1+",
    default: "*:80 | *:8000",
    inherited: "own",
    doc: "Sets an address on which the server accepts connections.",
    set: listenDirective,
  },
  {
    name: "server_name",
    contexts: ["server"],
    args: "1+",
    default: '""',
    inherited: "own",
    doc: "Sets the names of a virtual server.",
    set: serverNameDirective,
  },
  {
    name: "client_header_timeout",
    contexts: inServers,
    args: "1",
    default: "60s",
    doc: "How long reading a request's head may take.",
    set: server.msec("clientHeaderTimeoutMs"),
  },
  {
    name: "client_header_buffer_size",
    contexts: inServers,
    args: "1",
    default: "1k",
    doc: "Size of the first buffer for a request's head.",
    set: server.size("clientHeaderBufferSize"),
  },
  {
    name: "large_client_header_buffers",
    contexts: inServers,
    args: "2",
    default: "4 8k",
    doc: "Number and size of the buffers for large request heads.",
    set: server.buffers("largeClientHeaderBuffers"),
  },
  {
    name: "max_headers",
    contexts: inServers,
    args: "1",
    default: "1000",
    doc: "Most header fields that a request may have.",
    set: server.number("headersMax"),
  },
  {
    name: "ignore_invalid_headers",
    contexts: inServers,
    args: "flag",
    default: "on",
    doc: "Whether header fields with invalid names are dropped.",
    set: server.flag("ignoreInvalidHeaders"),
  },
  {
    name: "underscores_in_headers",
    contexts: inServers,
    args: "flag",
    default: "off",
    doc: "Whether names of request header fields may contain underscores.",
    set: server.flag("underscoresInHeaders"),
  },
  {
    name: "merge_slashes",
    contexts: inServers,
    args: "flag",
    default: "on",
    doc: "Whether runs of slashes in the URI count as one.",
    set: server.flag("mergeSlashes"),
  },
];

const fileDirectives: readonly DirectiveSpec[] = [
  {
    name: "root",
    contexts: everywhereAndIf,
    args: "1",
    default: "html",
    doc: "Directory that URIs are looked up in.",
    set: rootDirective,
  },
  {
    name: "alias",
    contexts: ["location"],
    args: "1",
    default: null,
    doc: "Directory that takes the place of the location's name.",
    set: rootDirective,
  },
  {
    name: "default_type",
    contexts: everywhere,
    args: "1",
    default: "text/plain",
    doc: "Media type of files whose extension `types` does not know.",
    set: location.string("defaultType"),
  },
  {
    name: "etag",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether static files get an ETag field.",
    set: location.flag("etag"),
  },
  {
    name: "if_modified_since",
    contexts: everywhere,
    args: "1",
    default: "exact",
    doc: "How If-Modified-Since is compared with a file's time.",
    set: location.word("ifModifiedSince", { off: "off", exact: "exact", before: "before" }),
  },
  {
    name: "max_ranges",
    contexts: everywhere,
    args: "1",
    default: null,
    doc: "Most ranges of a file that one request may ask for.",
    set: location.number("maxRanges"),
  },
  {
    name: "log_not_found",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether files that were not found are logged.",
    set: location.flag("logNotFound"),
  },
];

const bodyDirectives: readonly DirectiveSpec[] = [
  {
    name: "client_max_body_size",
    contexts: everywhere,
    args: "1",
    default: "1m",
    doc: "Largest request body; 0 allows any.",
    set: location.offset("clientMaxBodySize"),
  },
  {
    name: "client_body_buffer_size",
    contexts: everywhere,
    args: "1",
    default: "16k",
    doc: "Bodies that are larger go into files. Without the directive those of up to 1m may stay in memory.",
    set: location.size("clientBodyBufferSize"),
  },
  {
    name: "client_body_memory",
    contexts: ["http"],
    args: "1",
    default: "64m",
    doc: "Memory for request bodies in each worker: beyond it those of more than 16k go into files.",
    set: location.size("clientBodyMemory"),
  },
  {
    name: "client_body_temp_path",
    contexts: everywhere,
    args: "1,2,3,4",
    default: null,
    doc: "Directory of the files of large bodies, and how many digits name each level below it.",
    set: location.custom("clientBodyTempPath", readTemporaryDirectory),
  },
  {
    name: "client_body_in_file_only",
    contexts: everywhere,
    args: "1",
    default: "off",
    doc: "Whether each body that is buffered goes into a file, which stays (`on`) or not (`clean`).",
    set: location.word("clientBodyInFileOnly", { off: "off", clean: "clean", on: "on" }),
  },
  {
    name: "client_body_timeout",
    contexts: everywhere,
    args: "1",
    default: "60s",
    doc: "How long the client may pause while it sends a body.",
    set: location.msec("clientBodyTimeoutMs"),
  },
];

const connectionDirectives: readonly DirectiveSpec[] = [
  {
    name: "send_timeout",
    contexts: everywhere,
    args: "1",
    default: "60s",
    doc: "How long the client may take nothing of the answer.",
    set: location.msec("sendTimeoutMs"),
  },
  {
    name: "keepalive_timeout",
    contexts: everywhere,
    args: "1,2",
    default: "75s",
    inherited: "by part",
    doc: "How long an idle client connection is kept; the second time goes into the Keep-Alive field.",
    set: keepaliveTimeout,
  },
  {
    name: "keepalive_min_timeout",
    contexts: everywhere,
    args: "1",
    default: "0",
    doc: "How long an idle client connection is kept at least on a graceful stop.",
    set: location.msec("keepaliveMinTimeoutMs"),
  },
  {
    name: "keepalive_requests",
    contexts: everywhere,
    args: "1",
    default: "1000",
    doc: "Most requests served on one client connection.",
    set: location.number("keepaliveRequests"),
  },
  {
    name: "keepalive_time",
    contexts: everywhere,
    args: "1",
    default: "1h",
    doc: "Age after which a client connection is closed with its next answer.",
    set: location.msec("keepaliveTimeMs"),
  },
  {
    name: "lingering_close",
    contexts: everywhere,
    args: "1",
    default: "on",
    doc: "Whether more data is waited for before a connection is closed.",
    set: location.word("lingeringClose", { off: "off", on: "on", always: "always" }),
  },
  {
    name: "lingering_time",
    contexts: everywhere,
    args: "1",
    default: "30s",
    doc: "How long unread data of the client is thrown away at most.",
    set: location.msec("lingeringTimeMs"),
  },
  {
    name: "lingering_timeout",
    contexts: everywhere,
    args: "1",
    default: "5s",
    doc: "How long more data is waited for on a connection that closes.",
    set: location.msec("lingeringTimeoutMs"),
  },
  {
    name: "reset_timedout_connection",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether connections that timed out are reset.",
    set: location.flag("resetTimedoutConnection"),
  },
  {
    name: "websocket_drain",
    contexts: everywhere,
    args: "1+",
    default: null,
    doc: "Time over which close frames to WebSockets are spread when the gateway goes away from them.",
    set: location.custom("websocketDrain", readWebSocketDrain),
  },
];

const answerDirectives: readonly DirectiveSpec[] = [
  {
    name: "early_hints",
    contexts: everywhere,
    args: "1+",
    default: null,
    doc: "Passes an upstream server's 103 (Early Hints) on if one of the values is neither empty nor 0.",
    set: earlyHints,
  },
  {
    name: "error_page",
    contexts: everywhereAndIf,
    args: "2+",
    default: null,
    doc: "URI that is shown for the given statuses.",
    set: location.list<ErrorPage, "errorPages">("errorPages", (directive, scope) =>
      readErrorPage(scope, directive),
    ),
  },
  {
    name: "recursive_error_pages",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether an error page may lead to another.",
    set: location.flag("recursiveErrorPages"),
  },
  {
    name: "absolute_redirect",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether redirects carry scheme and host.",
    set: location.flag("absoluteRedirect"),
  },
  {
    name: "server_name_in_redirect",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether redirects carry the server's first name instead of the request's.",
    set: location.flag("serverNameInRedirect"),
  },
  {
    name: "port_in_redirect",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether redirects carry the port.",
    set: location.flag("portInRedirect"),
  },
  {
    name: "msie_padding",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether short error pages are padded for MSIE and Chrome.",
    set: location.flag("msiePadding"),
  },
  {
    name: "msie_refresh",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether MSIE is sent to the URL of an `error_page` by a page that refreshes itself.",
    set: location.flag("msieRefresh"),
  },
  {
    name: "disable_symlinks",
    contexts: everywhere,
    args: "1,2",
    default: "off",
    doc: "Whether links on the way to a file are refused: `on`, `if_not_owner`, below what `from=` names.",
    set: location.custom("symlinks", readSymlinkRule),
  },
  {
    name: "keepalive_disable",
    contexts: everywhere,
    args: "1,2",
    default: "msie6",
    doc: "Browsers whose connections are closed: `msie6` after a POST, `safari` on macOS always; or `none`.",
    set: location.words("keepaliveDisable", ["none", "msie6", "safari"]),
  },
  {
    name: "server_tokens",
    contexts: everywhere,
    args: "1",
    default: "on",
    doc: "Whether the Server field and error pages tell the version.",
    set: location.word("serverTokens", { on: "on", off: "off", build: "build" }),
  },
  {
    name: "chunked_transfer_encoding",
    contexts: everywhere,
    args: "flag",
    default: "on",
    doc: "Whether answers of unknown length are sent in chunks.",
    set: location.flag("chunkedTransferEncoding"),
  },
  {
    name: "satisfy",
    contexts: everywhere,
    args: "1",
    default: "all",
    doc: "Whether all access modules must agree or any one suffices.",
    set: location.word("satisfy", { all: "all", any: "any" }),
  },
  {
    name: "auth_delay",
    contexts: everywhere,
    args: "1",
    default: "0s",
    doc: "How long an answer with 401 is held back, so that passwords are hard to guess.",
    set: location.msec("authDelayMs"),
  },
  {
    name: "log_subrequest",
    contexts: everywhere,
    args: "flag",
    default: "off",
    doc: "Whether subrequests have lines in the access log, too.",
    set: location.flag("logSubrequest"),
  },
  {
    name: "internal",
    contexts: ["location"],
    args: "0",
    default: null,
    doc: "Makes the location reachable by internal redirects only.",
    set: (scope) => {
      scope.location(httpCore).internal = true;
    },
  },
  {
    name: "error_log",
    contexts: everywhere,
    args: "1+",
    default: "logs/error.log error",
    doc: "File and level of the error log.",
    set: location.list<ErrorLogTarget, "errorLogTargets">("errorLogTargets", (directive, scope) =>
      readErrorLog(scope, directive, buildOf(scope).logs),
    ),
  },
];

export const httpCore: HttpModule<object, ServerSettings, CoreLocation> = {
  name: "ngx_http_core_module",
  directives: [
    ...blocks,
    ...serverDirectives,
    ...fileDirectives,
    ...bodyDirectives,
    ...connectionDirectives,
    ...answerDirectives,
  ],
  server: serverLevel,
  location: locationLevel,
};

const methods = new Set(
  "GET HEAD POST PUT DELETE MKCOL COPY MOVE OPTIONS PROPFIND PROPPATCH LOCK UNLOCK PATCH".split(" "),
);

async function limitExceptBlock(scope: Scope, directive: Directive): Promise<void> {
  const named = directive.args.map((arg) => arg.toUpperCase());
  for (const [index, method] of named.entries()) {
    if (!methods.has(method)) scope.fail(`invalid method "${directive.args[index]}"`);
  }
  if (named.includes("GET")) named.push("HEAD");
  const head = { kind: "limit_except", name: "", noRegex: false, regex: null } as const;
  const draft = await enterLocation(scope, directive, head, "limit_except");
  draft.methods = new Set(named);
}

async function typesBlock(scope: Scope, directive: Directive): Promise<void> {
  const settings = scope.location(httpCore);
  const types = settings.types ?? new Map<string, string>();
  settings.types = types;
  await scope.cycle.entries(directive.block!, scope, ({ name, args }) => {
    for (const arg of args) {
      const extension = arg.toLowerCase();
      const old = types.get(extension);
      if (old !== undefined) {
        scope.warn(`duplicate extension "${arg}", content type: "${name}", previous content type: "${old}"`);
      }
      types.set(extension, name);
    }
  });
}

function readTemporaryDirectory(
  { args: [name = "", ...levels] }: Directive,
  scope: Scope,
): TemporaryDirectory {
  const digits = levels.map((level) => (/^[1-3]$/.test(level) ? Number(level) : scope.fail("invalid value")));
  const folder = path.resolve(scope.cycle.prefix, name);
  buildOf(scope).temporaryFolders.add(folder);
  return { path: folder, levels: digits };
}

function earlyHints(scope: Scope, { args }: Directive): void {
  const settings = scope.location(httpCore);
  settings.earlyHints = [...(settings.earlyHints ?? []), ...args.map((arg) => valueOf(scope, arg))];
}

function rootDirective(scope: Scope, directive: Directive): void {
  const settings = scope.location(httpCore);
  const alias = directive.name === "alias";
  const draft = scope.context === "location" ? locationDraftOf(scope) : null;
  const earlier = settings.root ?? null;
  if (earlier !== null) {
    if (alias === (earlier.aliasLength !== null)) return refuse(scope, directive, "is duplicate");
    const other = alias ? "root" : "alias";
    return scope.fail(
      `"${directive.name}" directive is duplicate, "${other}" directive was specified earlier`,
    );
  }
  if (alias && draft?.kind === "named")
    scope.fail('the "alias" directive cannot be used inside the named location');
  const text = directive.args[0]!;
  if (/\$\{?(document_root|realpath_root)\b/.test(text)) {
    const name = text.includes("realpath_root") ? "realpath_root" : "document_root";
    scope.fail(`the $${name} variable cannot be used in the "${directive.name}" directive`);
  }
  const trimmed = !alias && text.length > 0 && text.endsWith("/") ? text.slice(0, -1) : text;
  const aliasLength = draft?.kind === "regex" ? -1 : (draft?.name.length ?? 0);
  settings.root = { path: rootValue(scope, text, trimmed), aliasLength: alias ? aliasLength : null };
}

/** Relative paths begin at the prefix; one that begins with a variable shows only then whether it is. */
function rootValue(scope: Scope, text: string, trimmed: string): Value {
  const { prefix } = scope.cycle;
  const path = /^[/$]/.test(text) ? trimmed : prefix + trimmed;
  if (!text.includes("$")) return constantValue(path);
  const value = valueOf(scope, path);
  if (!text.startsWith("$")) return value;
  const evaluate = (request: Request): string => {
    const root = value.evaluate(request);
    return root.startsWith("/") ? root : prefix + root;
  };
  return { text: value.text, constant: null, evaluate };
}

function keepaliveTimeout(scope: Scope, directive: Directive): void {
  const settings = scope.location(httpCore);
  if (settings.keepaliveTimeoutMs !== undefined) return refuse(scope, directive, "is duplicate");
  const [idle = "", header] = directive.args;
  const timeout = parseMilliseconds(idle);
  if (timeout === null) return refuse(scope, directive, "invalid value");
  settings.keepaliveTimeoutMs = timeout;
  if (header === undefined) return;
  const seconds = parseSeconds(header);
  if (seconds === null) return refuse(scope, directive, "invalid value");
  settings.keepaliveHeaderSeconds = seconds;
}
