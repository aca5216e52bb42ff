import { tmpdir } from "node:os";
import { constantValue } from "../../config/complex-value.ts";
import type { Level } from "../../config/module.ts";
import type { Scope } from "../../config/scope.ts";
import { buildOf } from "../../gateway/build/http-build.ts";
import type { WebSocketDrain } from "../../gateway/serve/drain.ts";
import type { FileRoot, LocationSettings, ServerSettings } from "../../gateway/serve/settings.ts";
import { ErrorLog } from "../../gateway/log/error-log.ts";
import type { ErrorLogTarget } from "./error-log.ts";

/** Settings as directives write them: what needs the whole level to be worked out is optional here. */
export interface CoreLocation extends Omit<LocationSettings, "root" | "errorLog"> {
  /** Null until `root` or `alias` is used. */
  root: FileRoot | null;
  errorLog: ErrorLog | null;
  errorLogTargets: readonly ErrorLogTarget[] | null;
}

const minute = 60_000;

/** Without `websocket_drain`, WebSockets live on; a close frame comes when `worker_shutdown_timeout` ends. */
const drainWhenDropped: WebSocketDrain = { windowMs: null, jitterMs: 0, graceMs: 0, code: null };

/** Below the prefix. */
const defaultRoot = "html";

/**
 * What servers have without directives: nginx's defaults; times in milliseconds, sizes in bytes. `finish` throws
 * ConfigError for buffers that nginx refuses.
 */
export const serverLevel: Level<ServerSettings> = {
  defaults: () => ({
    clientHeaderTimeoutMs: minute,
    clientHeaderBufferSize: 1024,
    largeClientHeaderBuffers: { count: 4, size: 8192 },
    headersMax: 1000,
    ignoreInvalidHeaders: true,
    underscoresInHeaders: false,
    mergeSlashes: true,
  }),
  finish(settings, scope) {
    if (settings.largeClientHeaderBuffers.size < 256) {
      scope.fail(
        'the "large_client_header_buffers" size must be equal to or greater than "connection_pool_size"',
      );
    }
  },
};

/** What locations have without directives: nginx's defaults; times in milliseconds, sizes in bytes. */
export const locationLevel: Level<CoreLocation> = {
  defaults: () => ({
    root: null,
    types: defaultTypes,
    defaultType: "text/plain",
    clientMaxBodySize: 1024 * 1024,
    clientBodyBufferSize: 0,
    clientBodyMemory: 64 * 1024 * 1024,
    clientBodyTimeoutMs: minute,
    clientBodyTempPath: { path: tmpdir(), levels: [] },
    clientBodyInFileOnly: "off",
    sendTimeoutMs: minute,
    keepaliveTimeoutMs: 75_000,
    keepaliveHeaderSeconds: 0,
    keepaliveMinTimeoutMs: 0,
    keepaliveRequests: 1000,
    keepaliveTimeMs: 60 * minute,
    lingeringClose: "on",
    lingeringTimeMs: 30_000,
    lingeringTimeoutMs: 5000,
    resetTimedoutConnection: false,
    absoluteRedirect: true,
    serverNameInRedirect: false,
    portInRedirect: true,
    symlinks: null,
    msiePadding: true,
    msieRefresh: false,
    keepaliveDisable: new Set(["msie6"]),
    logNotFound: true,
    recursiveErrorPages: false,
    serverTokens: "on",
    ifModifiedSince: "exact",
    maxRanges: Number.MAX_SAFE_INTEGER,
    chunkedTransferEncoding: true,
    etag: true,
    satisfy: "all",
    authDelayMs: 0,
    logSubrequest: false,
    internal: false,
    errorPages: [],
    earlyHints: [],
    resolver: null,
    resolverTimeoutMs: 30_000,
    errorLog: null,
    errorLogTargets: null,
    websocketDrain: drainWhenDropped,
  }),
  finish(settings, scope) {
    settings.errorLog = errorLogOf(settings.errorLogTargets, scope);
    settings.root ??= { path: constantValue(scope.cycle.prefix + defaultRoot), aliasLength: null };
  },
};

/** One log per `error_log` level, shared by all locations that inherit it. */
const errorLogs = new WeakMap<readonly ErrorLogTarget[], ErrorLog>();

function errorLogOf(targets: readonly ErrorLogTarget[] | null, scope: Scope): ErrorLog {
  const build = buildOf(scope);
  if (targets === null) return build.mainErrorLog;
  const log = errorLogs.get(targets) ?? new ErrorLog(targets, build.network.clock);
  errorLogs.set(targets, log);
  return log;
}

/** What nginx knows without a `types` block. */
const defaultTypes: Map<string, string> = new Map([
  ["html", "text/html"],
  ["gif", "image/gif"],
  ["jpg", "image/jpeg"],
]);
