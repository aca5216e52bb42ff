import { parseMilliseconds, parseNumber, parseSeconds, parseSize } from "../../config/values.ts";
import { parseUrl } from "../../config/url.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { buildOf, serverDraftOf } from "../../gateway/http-build.ts";
import type { ListenDraft } from "../../gateway/http-build.ts";
import { endpointKey } from "../../gateway/listen-socket.ts";
import type { ListenSettings } from "../../gateway/listen-socket.ts";
import type { Endpoint } from "../../net/network.ts";

interface Options {
  ssl: boolean;
  http2: boolean;
  backlog: number | null;
  ipv6Only: boolean | null;
  reusePort: boolean;
  proxyProtocol: boolean;
  keepAlive: ListenSettings["keepAlive"];
  isDefault: boolean;
  /** `bind` or anything else that belongs to the socket was written. */
  hasSocketOptions: boolean;
}

/** `listen address[:port] [parameters];` */
export function listenDirective(scope: Scope, directive: Directive): void {
  const [text = "", ...parameters] = directive.args;
  const url = parseUrl(text, { defaultPort: 80, forListen: true });
  if (typeof url === "string") return scope.fail(`${url} in "${text}" of the "listen" directive`);
  const options = readParameters(scope, parameters);
  const { file, line } = directive;
  const add = (endpoint: Endpoint): void => {
    const draft = draftOf(endpoint, options, file, line);
    const { listens } = serverDraftOf(scope);
    if (listens.some((other) => endpointKey(other.endpoint) === endpointKey(endpoint))) {
      scope.fail(`a duplicate listen ${endpointKey(endpoint)}`);
    }
    listens.push(draft);
  };
  if (url.kind === "unix") add({ kind: "unix", path: url.host });
  else if (url.kind === "name") {
    const server = serverDraftOf(scope);
    buildOf(scope).names.push({
      host: url.host,
      place: directive,
      complaint: `host not found in "${text}" of the "listen" directive`,
      resolved: (addresses) => {
        for (const address of addresses) {
          server.listens.push(draftOf({ kind: "tcp", address, port: url.port }, options, file, line));
        }
      },
    });
  } else
    add({ kind: "tcp", address: url.kind === "wildcard" ? "0.0.0.0" : canonical(url.host), port: url.port });
}

/** A server without `listen` takes port 80, or 8000 when the process may not bind that. */
export function defaultListen(file: string, line: number): ListenDraft {
  const port = process.geteuid?.() === 0 ? 80 : 8000;
  return draftOf({ kind: "tcp", address: "0.0.0.0", port }, noOptions(), file, line);
}

function draftOf(endpoint: Endpoint, options: Options, file: string, line: number): ListenDraft {
  const settings: ListenSettings = {
    ssl: options.ssl,
    backlog: options.backlog,
    ipv6Only: options.ipv6Only ?? true,
    reusePort: options.reusePort,
    proxyProtocol: options.proxyProtocol,
    keepAlive: options.keepAlive,
  };
  const { hasSocketOptions, isDefault } = options;
  const protocols = Number(options.proxyProtocol) | (Number(options.ssl) << 1) | (Number(options.http2) << 2);
  return { endpoint, settings, hasSocketOptions, isDefault, protocols, file, line };
}

function noOptions(): Options {
  return {
    ssl: false,
    http2: false,
    backlog: null,
    ipv6Only: null,
    reusePort: false,
    proxyProtocol: false,
    keepAlive: null,
    isDefault: false,
    hasSocketOptions: false,
  };
}

function readParameters(scope: Scope, parameters: readonly string[]): Options {
  const options = noOptions();
  for (const parameter of parameters) readParameter(scope, parameter, options);
  return options;
}

function readParameter(scope: Scope, parameter: string, options: Options): void {
  const equals = parameter.indexOf("=");
  const name = equals < 0 ? parameter : parameter.slice(0, equals);
  const value = equals < 0 ? null : parameter.slice(equals + 1);
  if (value === null) return readWord(scope, parameter, options);
  options.hasSocketOptions = true;
  switch (name) {
    case "backlog":
      options.backlog = parseNumber(value);
      if (!options.backlog) scope.fail(`invalid backlog "${parameter}"`);
      return;
    case "rcvbuf":
    case "sndbuf":
    case "fastopen": {
      const number = name === "fastopen" ? parseNumber(value) : parseSize(value);
      if (number === null) scope.fail(`invalid ${name} "${parameter}"`);
      return scope.notice(`the "${name}" parameter of the "listen" directive has no effect in longhaul`);
    }
    case "accept_filter":
      return scope.warn(`accept filters "${value}" are not supported on this platform, ignored`);
    case "ipv6only":
      if (!value.startsWith("o")) scope.fail(`invalid parameter "${parameter}"`);
      if (value !== "on" && value !== "off") scope.fail(`invalid ipv6only flags "${value}"`);
      options.ipv6Only = value === "on";
      return;
    case "so_keepalive":
      options.keepAlive = readKeepAlive(scope, value);
      return;
    default:
      return scope.fail(`invalid parameter "${parameter}"`);
  }
}

function readWord(scope: Scope, word: string, options: Options): void {
  switch (word) {
    case "default_server":
    case "default":
      options.isDefault = true;
      return;
    case "ssl":
      options.ssl = true;
      return;
    case "http2":
      options.http2 = true;
      return scope.warn('the "listen ... http2" directive is deprecated, use the "http2" directive instead');
    case "quic":
      return scope.fail('the "quic" parameter of the "listen" directive is not supported by longhaul');
    case "proxy_protocol":
      options.proxyProtocol = true;
      return;
    case "bind":
    case "deferred":
    case "multipath":
      options.hasSocketOptions = true;
      return;
    case "reuseport":
      options.hasSocketOptions = true;
      options.reusePort = true;
      return;
    default:
      return scope.fail(`invalid parameter "${word}"`);
  }
}

function readKeepAlive(scope: Scope, value: string): ListenSettings["keepAlive"] {
  if (value === "on" || value === "off") return { enabled: value === "on", idleSeconds: null };
  const [idle = "", interval = "", count = "", ...rest] = value.split(":");
  const seconds = idle === "" ? null : parseSeconds(idle);
  const bad =
    rest.length > 0 ||
    (idle !== "" && seconds === null) ||
    (interval !== "" && parseMilliseconds(interval) === null);
  if (bad || (count !== "" && parseNumber(count) === null) || value.replaceAll(":", "") === "") {
    scope.fail(`invalid so_keepalive value: "${value}"`);
  }
  return { enabled: true, idleSeconds: seconds };
}

/** One spelling per IPv6 address, so that equal ones are found. */
function canonical(address: string): string {
  if (!address.includes(":")) return address;
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
