import { parseMilliseconds, parseNumber, parseSeconds, parseSize } from "../../config/values.ts";
import { parseUrl } from "../../config/url.ts";
import type { Scope } from "../../config/scope.ts";
import type { Directive } from "../../config/tree.ts";
import { serverDraftOf } from "../../gateway/build/drafts.ts";
import { buildOf, failAt } from "../../gateway/build/http-build.ts";
import type { ListenDraft } from "../../gateway/build/drafts.ts";
import { endpointKey } from "../../gateway/serve/listen-socket.ts";
import type { ListenSettings } from "../../gateway/serve/listen-socket.ts";
import type { Endpoint } from "../../net/network.ts";

interface ListenParameters {
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

/** `listen address[:port] [parameters];` adds a socket to the server. @throws ConfigError in nginx's words */
export function listenDirective(scope: Scope, directive: Directive): void {
  const [text = "", ...parameters] = directive.args;
  // The program that carries a gateway can ask it for the port that it got.
  const allowAnyPort = buildOf(scope).launch.isEmbedded;
  const url = parseUrl(text, { defaultPort: 80, forListen: true, allowAnyPort });
  if (typeof url === "string") return scope.fail(`${url} in "${text}" of the "listen" directive`);
  const options = readParameters(scope, parameters);
  const { file, line } = directive;
  const server = serverDraftOf(scope);
  const add = (endpoint: Endpoint): void => {
    const key = endpointKey(endpoint);
    if (server.listens.some((other) => endpointKey(other.endpoint) === key)) {
      failAt(directive, `a duplicate listen ${key}`);
    }
    server.listens.push(draftOf(endpoint, options, file, line));
  };
  const addPorts = (address: string): void => {
    for (let port = url.port; port <= url.lastPort; port++) add({ kind: "tcp", address, port });
  };
  if (url.kind === "unix") add({ kind: "unix", path: url.host });
  else if (url.kind === "name") {
    buildOf(scope).names.push({
      host: url.host,
      place: directive,
      complaint: `host not found in "${text}" of the "listen" directive`,
      resolved: (addresses) => addresses.forEach(addPorts),
    });
  } else addPorts(url.kind === "wildcard" ? "0.0.0.0" : canonical(url.host));
}

/** A server without `listen` takes port 80, or 8000 where the process was not started by root. */
export function defaultListen(byRoot: boolean, file: string, line: number): ListenDraft {
  const port = byRoot ? 80 : 8000;
  return draftOf({ kind: "tcp", address: "0.0.0.0", port }, noOptions(), file, line);
}

function draftOf(endpoint: Endpoint, options: ListenParameters, file: string, line: number): ListenDraft {
  const settings: ListenSettings = {
    ssl: options.ssl,
    http2: options.http2,
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

function noOptions(): ListenParameters {
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

function readParameters(scope: Scope, parameters: readonly string[]): ListenParameters {
  const options = noOptions();
  for (const parameter of parameters) readParameter(scope, parameter, options);
  return options;
}

function readParameter(scope: Scope, parameter: string, options: ListenParameters): void {
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

function readWord(scope: Scope, word: string, options: ListenParameters): void {
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
      options.hasSocketOptions = true;
      return;
    case "deferred":
    case "multipath":
      options.hasSocketOptions = true;
      return scope.notice(`the "${word}" parameter of the "listen" directive has no effect in longhaul`);
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
