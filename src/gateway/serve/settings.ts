import type { ComplexValue } from "../../config/complex-value.ts";
import type { TemporaryDirectory } from "../request/body-file.ts";
import type { WebSocketDrain } from "./drain.ts";
import type { ErrorLog } from "../log/error-log.ts";
import type { Request } from "../request/request.ts";
import type { NameResolver } from "../../net/name-resolver.ts";

/** A string with variables, evaluated for a request. */
export type Value = ComplexValue<Request>;

/** What the life of a connection needs to know of a server; filled by the core module. */
export interface ServerSettings {
  clientHeaderTimeoutMs: number;
  clientHeaderBufferSize: number;
  largeClientHeaderBuffers: { count: number; size: number };
  headersMax: number;
  ignoreInvalidHeaders: boolean;
  underscoresInHeaders: boolean;
  mergeSlashes: boolean;
}

/** One `error_page` target for a set of status codes. */
export interface ErrorPage {
  /** The status codes that it stands for. */
  readonly codes: readonly number[];
  /** Status to answer with: null keeps the original, 0 takes that of the target. */
  readonly overwrite: number | null;
  readonly target: Value;
  readonly args: string | null;
}

/** Where files are: what `root` or `alias` said. One value, for a level has all of it from where it was said. */
export interface FileRoot {
  readonly path: Value;
  /**
   * Null for `root`, which the URI is appended to. How much of the URI `alias` replaces: the length of the
   * location's name; -1 for all of it (regex).
   */
  readonly aliasLength: number | null;
}

/** `disable_symlinks`: which links on the way to a file are not followed. */
export interface SymlinkRule {
  readonly mode: "on" | "if_not_owner";
  /** The beginning of paths that is not checked; null checks all of a path. */
  readonly from: Value | null;
}

/** `resolver` and `resolver_timeout`: who is asked for host names that are known only when a request is there. */
export interface NameServerSettings {
  /** Null: nobody is. */
  resolver: NameResolver | null;
  resolverTimeoutMs: number;
}

/** What the phases, the response and the connection need to know of a location; filled by the core module. */
export interface LocationSettings extends NameServerSettings {
  root: FileRoot;
  types: Map<string, string>;
  defaultType: string;
  clientMaxBodySize: number;
  /** 0 where none was set. */
  clientBodyBufferSize: number;
  /** Bytes that all bodies of a thread may hold in memory. */
  clientBodyMemory: number;
  clientBodyTimeoutMs: number;
  clientBodyTempPath: TemporaryDirectory;
  /** "clean": the file goes with the request; "on": it stays. */
  clientBodyInFileOnly: "off" | "clean" | "on";
  sendTimeoutMs: number;
  keepaliveTimeoutMs: number;
  /** Seconds for the Keep-Alive field; 0 sends none. */
  keepaliveHeaderSeconds: number;
  keepaliveMinTimeoutMs: number;
  keepaliveRequests: number;
  keepaliveTimeMs: number;
  lingeringClose: "off" | "on" | "always";
  lingeringTimeMs: number;
  lingeringTimeoutMs: number;
  resetTimedoutConnection: boolean;
  absoluteRedirect: boolean;
  serverNameInRedirect: boolean;
  portInRedirect: boolean;
  /** Null: symbolic links are followed. */
  symlinks: SymlinkRule | null;
  msiePadding: boolean;
  msieRefresh: boolean;
  /** Browsers that trip over connections that are kept open. */
  keepaliveDisable: ReadonlySet<"none" | "msie6" | "safari">;
  logNotFound: boolean;
  recursiveErrorPages: boolean;
  serverTokens: "on" | "off" | "build";
  ifModifiedSince: "off" | "exact" | "before";
  maxRanges: number;
  chunkedTransferEncoding: boolean;
  etag: boolean;
  satisfy: "all" | "any";
  /** How long an answer with 401 is held back. */
  authDelayMs: number;
  /** Subrequests have lines in the access log, too. */
  logSubrequest: boolean;
  internal: boolean;
  errorPages: readonly ErrorPage[];
  /** Early hints of upstream servers are passed on if one of these says so. */
  earlyHints: readonly Value[];
  errorLog: ErrorLog;
  /** Null: WebSockets are left alone until they end by themselves. */
  websocketDrain: WebSocketDrain | null;
}
