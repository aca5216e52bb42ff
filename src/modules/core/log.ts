/**
 * ngx_http_log_module: the access log.
 * https://nginx.org/en/docs/http/ngx_http_log_module.html
 */
import { statSync } from "node:fs";
import { describeErrno } from "../../config/errors.ts";
import type { Scope } from "../../config/scope.ts";
import { append, refuse } from "../../config/slots.ts";
import type { Directive } from "../../config/tree.ts";
import { parseMilliseconds, parseNumber, parseSeconds, parseSize } from "../../config/values.ts";
import { buildOf, valueOf } from "../../gateway/build/http-build.ts";
import type { HttpBuild } from "../../gateway/build/http-build.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { LogHandler } from "../../gateway/request/handler.ts";
import { appendOnce } from "../../gateway/log/log-file.ts";
import { LogFileCache } from "../../gateway/log/log-file-cache.ts";
import type { LogFileCaching } from "../../gateway/log/log-file-cache.ts";
import type { LogSink } from "../../gateway/log/error-log.ts";
import type { LogBuffering } from "../../gateway/log/log-files.ts";
import type { Request } from "../../gateway/request/request.ts";
import { isSyslog, readSyslog } from "../../gateway/log/syslog.ts";
import type { SyslogOptions } from "../../gateway/log/syslog.ts";
import type { Location } from "../../gateway/serve/location.ts";
import type { Value } from "../../gateway/serve/settings.ts";
import { inTurns } from "../../net/pace.ts";
import type { LogEscape } from "../support/log-escape.ts";
import { combinedFormat, compileFormat } from "./log-format.ts";
import type { LogFormat } from "./log-format.ts";

interface LogMain {
  formats: Map<string, LogFormat>;
  /** By path: all that write to a file share its buffering. */
  buffering: Map<string, LogBuffering>;
  /** The files to open, in the order of the configuration; none once they are. */
  paths: Set<string>;
}

/** One `access_log`. */
export interface AccessLog {
  /** Absolute, or with variables. */
  readonly path: string | Value;
  /** The syslog server that lines go to instead of a file. */
  readonly syslog?: SyslogOptions;
  readonly format: LogFormat;
  /** `if=`: no line when empty or "0". */
  readonly condition: Value | null;
  /** Of all paths of the configuration: known in full only when it was read to its end. */
  readonly buffering: ReadonlyMap<string, LogBuffering>;
}

interface LogSettings {
  /** One value, so that a level has all of it from where it was said. Null while nothing was. */
  logs: readonly AccessLog[] | "off" | null;
  openFileCache: string;
}

/** Where requests are logged when no `access_log` says so; below the prefix. */
const defaultPath = "logs/access.log";

export const log: HttpModule<LogMain, object, LogSettings> = {
  name: "ngx_http_log_module",
  directives: [
    {
      name: "log_format",
      contexts: ["http"],
      args: "2+",
      default: `combined '${combinedFormat}'`,
      doc: "Names a format for lines of the access log.",
      set: logFormat,
    },
    {
      name: "access_log",
      contexts: ["http", "server", "location", "if in location", "limit_except"],
      args: "1+",
      default: `${defaultPath} combined`,
      doc: "Where requests are logged, in which format, and how the lines are buffered.",
      set: accessLog,
    },
    {
      name: "open_log_file_cache",
      contexts: ["http", "server", "location"],
      args: "1,2,3,4",
      default: "off",
      doc: "How many log files whose path has variables are kept open between their lines, and how long.",
      set: openLogFileCache,
    },
  ],
  main: { defaults: () => ({ formats: new Map(), buffering: new Map(), paths: new Set() }) },
  location: {
    defaults: () => ({ logs: null, openFileCache: "off" }),
    finish(settings, scope) {
      if (settings.logs !== null) return;
      settings.logs = [];
      if (!buildOf(scope).launch.logsByDefault) return;
      const path = scope.cycle.prefix + defaultPath;
      settings.logs = [
        { path, format: formatNamed("combined", scope), condition: null, buffering: bufferingOf(scope) },
      ];
    },
  },
  attach(location, settings, build) {
    if (settings.logs === "off") return;
    location.log.push(...handlersOf(location, settings.logs ?? [], build));
  },
  /** Opened although nothing may ever be logged there, once the rest of the configuration is known to be sound. */
  async finishServers(build, http) {
    const paths = pathsOf(http);
    await inTurns(paths, http.cycle.pace, (path) => void build.logs.open(path));
    paths.clear();
  },
};

/** What writes the lines of these logs. */
export function handlersOf(
  { settings }: Location,
  entries: readonly AccessLog[],
  build: HttpBuild,
): LogHandler[] {
  const { openFileCache } = settings.get(log) as LogSettings;
  const caching = cachingOf(openFileCache);
  return entries.map((entry) => logHandler(entry, build, caching));
}

function logHandler(entry: AccessLog, build: HttpBuild, caching: LogFileCaching | null): LogHandler {
  const { path, format, condition, buffering } = entry;
  const write =
    entry.syslog !== undefined
      ? toSink(build.logs.syslog(entry.syslog))
      : typeof path === "string"
        ? toSink(build.logs.open(path, buffering.get(path)))
        : toVariableFile(path, caching);
  if (condition === null) return (request) => write(request, `${format(request)}\n`);
  return (request) => {
    const wanted = condition.evaluate(request);
    if (wanted !== "" && wanted !== "0") write(request, `${format(request)}\n`);
  };
}

type LineWriter = (request: Request, line: string) => void;

/** A line is there before the connection is seen to end, as in nginx; on one that goes on it waits for others. */
function toSink(sink: LogSink): LineWriter {
  return (request, line) => {
    sink.write(line);
    if (!request.keepAlive) sink.settle?.();
  };
}

/** A file is only made where the root directory of the request exists, so that clients cannot name files at will. */
function toVariableFile(path: Value, caching: LogFileCaching | null): LineWriter {
  let cache: LogFileCache | null = null;
  return (request, line) => {
    const root = request.location.core.root.path.evaluate(request);
    const failure = missingDirectory(root);
    if (failure !== null) {
      request.log("error", `testing "${root}" existence failed ${failure}`);
      return;
    }
    const file = path.evaluate(request);
    if (caching !== null) cache ??= new LogFileCache(caching, request.client.gateway.network.clock);
    const message = cache === null ? appendOnce(file, line) : cache.append(file, line);
    if (message !== null) request.log("crit", message);
  };
}

function missingDirectory(path: string): string | null {
  try {
    return statSync(Buffer.from(path, "latin1")).isDirectory() ? null : "(20: Not a directory)";
  } catch (error) {
    return describeErrno(error);
  }
}

function logFormat(scope: Scope, directive: Directive): void {
  const [name = "", ...pieces] = directive.args;
  const formats = formatsOf(scope);
  if (name === "combined" || formats.has(name)) scope.fail(`duplicate "log_format" name "${name}"`);
  formats.set(name, compileFormat(pieces, takeEscape(pieces, scope), scope));
}

function takeEscape(pieces: string[], scope: Scope): LogEscape {
  if (pieces[0]?.startsWith("escape=") !== true) return "default";
  const word = pieces.shift()!.slice("escape=".length);
  if (word === "default" || word === "json" || word === "none") return word;
  return scope.fail(`unknown log format escaping "${word}"`);
}

function formatsOf(scope: Scope): Map<string, LogFormat> {
  const main = scope.main(log);
  main.formats ??= new Map();
  return main.formats;
}

/** @throws ConfigError when no `log_format` before has that name */
function formatNamed(name: string, scope: Scope): LogFormat {
  return namedFormat(name, scope) ?? scope.fail(`unknown log format "${name}"`);
}

/** The format of a `log_format` before, or nginx's own; null when none has that name. */
export function namedFormat(name: string, scope: Scope): LogFormat | null {
  const formats = formatsOf(scope);
  let format = formats.get(name);
  if (format === undefined && name === "combined") {
    format = compileFormat([combinedFormat], "default", scope);
    formats.set(name, format);
  }
  return format ?? null;
}

function bufferingOf(scope: Scope): Map<string, LogBuffering> {
  const main = scope.main(log);
  main.buffering ??= new Map();
  return main.buffering;
}

function pathsOf(scope: Scope): Set<string> {
  const main = scope.main(log);
  main.paths ??= new Set();
  return main.paths;
}

function accessLog(scope: Scope, directive: Directive): void {
  const settings = scope.location(log);
  const [target = "", name = "combined"] = directive.args;
  if (target === "off") {
    if (directive.args.length > 1) scope.fail(`invalid parameter "${name}"`);
    settings.logs = "off";
    return;
  }
  const entry = readLog(scope, directive, { usual: "combined", formatOf: formatNamed });
  // `access_log off` switches off whatever else the level names.
  if (settings.logs !== "off") settings.logs = append(settings.logs ?? undefined, entry);
}

/** The formats of a directive that names a log. */
export interface FormatChoice {
  /** Where none is named. */
  readonly usual: string;
  /** @throws ConfigError */
  readonly formatOf: (name: string, scope: Scope) => LogFormat;
}

/** `path [format] [parameters]`, as `access_log` has them. @throws ConfigError */
export function readLog(scope: Scope, { args }: Directive, { usual, formatOf }: FormatChoice): AccessLog {
  const [target = "", ...rest] = args;
  // nginx takes whatever stands there for the name of a format.
  const named = usual === "combined" || !/^(if|buffer|flush|gzip)=/.test(rest[0] ?? "");
  const name = named ? (rest[0] ?? usual) : usual;
  const parameters = named ? rest.slice(1) : rest;
  if (isSyslog(target)) return readSyslogLog(scope, target, formatOf(name, scope), parameters);
  const { prefix } = scope.cycle;
  const absolute = target.startsWith("/") ? target : prefix + target;
  const path = target.includes("$") ? valueOf(scope, absolute) : absolute;
  const format = formatOf(name, scope);
  const condition = readParameters(scope, { target, path, parameters });
  if (typeof path === "string") pathsOf(scope).add(path);
  return { path, format, condition, buffering: bufferingOf(scope) };
}

function readSyslogLog(
  scope: Scope,
  target: string,
  format: LogFormat,
  parameters: readonly string[],
): AccessLog {
  const syslog = readSyslog(scope, target);
  const buffering = bufferingOf(scope);
  const condition = readParameters(scope, { target, path: target, parameters });
  if (buffering.has(target)) scope.fail("logs to syslog cannot be buffered");
  return { path: target, syslog, format, condition, buffering };
}

/** What follows the format: notes the buffering, and gives the condition. */
function readParameters(
  scope: Scope,
  { target, path, parameters }: { target: string; path: string | Value; parameters: readonly string[] },
): Value | null {
  let condition: Value | null = null;
  let bytes = 0;
  let flushMs = 0;
  let gzipLevel = 0;
  for (const parameter of parameters) {
    const [, key = "", value = ""] = /^(buffer=|flush=|gzip=|gzip$|if=)?(.*)$/s.exec(parameter)!;
    if (key === "buffer=") bytes = parseSize(value) || scope.fail(`invalid buffer size "${value}"`);
    else if (key === "flush=")
      flushMs = parseMilliseconds(value) || scope.fail(`invalid flush time "${value}"`);
    else if (key === "gzip" || key === "gzip=") {
      bytes ||= 65_536;
      gzipLevel = key === "gzip" ? 1 : compressionLevel(value, scope);
    } else if (key === "if=") condition = valueOf(scope, value);
    else scope.fail(`invalid parameter "${parameter}"`);
  }
  if (flushMs > 0 && bytes === 0) scope.fail(`no buffer is defined for access_log "${target}"`);
  if (bytes === 0) return condition;
  if (typeof path !== "string") return scope.fail("buffered logs cannot have variables in name");
  const buffering = bufferingOf(scope);
  const known = buffering.get(path) ?? { bytes, flushMs, gzipLevel };
  if (known.bytes !== bytes || known.flushMs !== flushMs || known.gzipLevel !== gzipLevel) {
    scope.fail(`access_log "${target}" already defined with conflicting parameters`);
  }
  buffering.set(path, known);
  return condition;
}

function compressionLevel(text: string, scope: Scope): number {
  const level = parseNumber(text) ?? 0;
  return level >= 1 && level <= 9 ? level : scope.fail(`invalid compression level "${text}"`);
}

function openLogFileCache(scope: Scope, directive: Directive): void {
  const settings = scope.location(log);
  if (settings.openFileCache !== undefined) refuse(scope, directive, "is duplicate");
  settings.openFileCache = directive.args.join(" ");
  let max = 0;
  for (const parameter of directive.args) {
    const [, key, value = ""] = /^(max|inactive|min_uses|valid)=(.*)$/s.exec(parameter) ?? [];
    const parsed = key === "max" || key === "min_uses" ? parseNumber(value) : parseSeconds(value);
    const sound =
      parameter === "off" || (key !== undefined && parsed !== null && (parsed > 0 || key === "max"));
    if (!sound) scope.fail(`invalid "open_log_file_cache" parameter "${parameter}"`);
    if (key === "max") max = parsed ?? 0;
  }
  if (max === 0 && !directive.args.includes("off"))
    scope.fail('"open_log_file_cache" must have "max" parameter');
}

/** What `open_log_file_cache` says, which was found sound; null for "off". */
function cachingOf(text: string): LogFileCaching | null {
  const parameters = text.split(" ");
  if (parameters.includes("off")) return null;
  const parameterOf = (key: string): string =>
    parameters.findLast((parameter) => parameter.startsWith(key))?.slice(key.length) ?? "";
  return {
    max: parseNumber(parameterOf("max=")) ?? 1,
    inactiveMs: (parseSeconds(parameterOf("inactive=")) ?? 10) * 1000,
    minUses: parseNumber(parameterOf("min_uses=")) ?? 1,
    validMs: (parseSeconds(parameterOf("valid=")) ?? 60) * 1000,
  };
}
