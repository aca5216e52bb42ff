import { isIPv4, isIPv6 } from "node:net";

/** An address as directives write it: "127.0.0.1:80", "[::1]:80", "name:80", "unix:/path", "*:80". */
export interface ParsedUrl {
  readonly kind: "ip" | "name" | "unix" | "wildcard";
  /** IP address or host name, without brackets; path of a unix socket; "" for a wildcard. */
  readonly host: string;
  /** As written, or the default port. */
  readonly port: number;
  /** The last one of a range, which only `listen` may name; else the same. */
  readonly lastPort: number;
  readonly portWritten: boolean;
  /** From the first "/" or "?" on: "" when there is none. */
  readonly uri: string;
  /** Host and port as written: `$proxy_host`, and the name of the upstream. */
  readonly hostAndPort: string;
  /** The same, the host without the port. */
  readonly hostText: string;
}

/** What an address may be where it stands; more than host and port only where it says so. */
export interface UrlOptions {
  readonly defaultPort: number;
  /** A path may follow. */
  readonly allowUri?: boolean;
  /** A bare number is a port, "*" an address, and a port may be a range. */
  readonly forListen?: boolean;
  /** 0 is a port: the system chooses one. */
  readonly allowAnyPort?: boolean;
}

/** Parses as ngx_parse_url does. Returns nginx's complaint ("invalid port", "no host", …) as a string. */
export function parseUrl(text: string, options: UrlOptions): ParsedUrl | string {
  if (text.slice(0, 5).toLowerCase() === "unix:") return parseUnix(text, options);
  if (text.startsWith("[")) return parseBracketed(text, options);
  return parseHost(text, options);
}

function parseUnix(text: string, options: UrlOptions): ParsedUrl | string {
  const rest = text.slice(5);
  const colon = options.allowUri === true ? rest.indexOf(":") : -1;
  const path = colon < 0 ? rest : rest.slice(0, colon);
  if (path === "") return "no path in the unix domain socket";
  if (path.length > 107) return "too long path in the unix domain socket";
  const uri = colon < 0 ? "" : rest.slice(colon + 1);
  const shown = `unix:${path}`;
  return {
    kind: "unix",
    host: path,
    port: 0,
    lastPort: 0,
    portWritten: false,
    uri,
    hostAndPort: shown,
    hostText: shown,
  };
}

function splitUri(text: string, options: UrlOptions): { authority: string; uri: string } {
  const at = text.search(/[/?]/);
  if (at < 0 || options.allowUri !== true) return { authority: text, uri: "" };
  return { authority: text.slice(0, at), uri: text.slice(at) };
}

function parseBracketed(text: string, options: UrlOptions): ParsedUrl | string {
  const close = text.indexOf("]");
  if (close < 0) return "invalid host";
  const host = text.slice(1, close);
  const { authority, uri } = splitUri(text.slice(close + 1), options);
  if (authority !== "" && !authority.startsWith(":")) return "invalid host";
  const ports = parsePorts(authority.slice(1), authority !== "", options);
  if (typeof ports === "string") return ports;
  if (!isIPv6(host)) return "invalid IPv6 address";
  const hostText = `[${host}]`;
  return {
    kind: "ip",
    host,
    ...ports,
    portWritten: authority !== "",
    uri,
    hostAndPort: hostText + authority,
    hostText,
  };
}

function parseHost(text: string, options: UrlOptions): ParsedUrl | string {
  const { authority, uri } = splitUri(text, options);
  if (authority.includes("/")) return "invalid host";
  const colon = authority.indexOf(":");
  if (colon < 0 && options.forListen === true && /^\d+(-\d+)?$/.test(authority)) {
    const ports = parsePorts(authority, true, options);
    if (typeof ports === "string") return ports;
    return {
      kind: "wildcard",
      host: "",
      ...ports,
      portWritten: true,
      uri,
      hostAndPort: authority,
      hostText: "*",
    };
  }
  const hostText = colon < 0 ? authority : authority.slice(0, colon);
  const ports = parsePorts(authority.slice(colon + 1), colon >= 0, options);
  if (typeof ports === "string") return ports;
  if (hostText === "") return "no host";
  const base = { ...ports, portWritten: colon >= 0, uri, hostAndPort: authority, hostText };
  if (hostText === "*" && options.forListen === true) return { kind: "wildcard", host: "", ...base };
  return { kind: isIPv4(hostText) ? "ip" : "name", host: hostText, ...base };
}

interface Ports {
  readonly port: number;
  readonly lastPort: number;
}

/** As nginx does, the last one first. */
function parsePorts(text: string, written: boolean, options: UrlOptions): Ports | string {
  if (!written) return { port: options.defaultPort, lastPort: options.defaultPort };
  const dash = options.forListen === true ? text.indexOf("-") : -1;
  const lastPort = dash < 0 ? null : parsePort(text.slice(dash + 1), 1);
  if (dash >= 0 && lastPort === null) return "invalid port";
  const port = parsePort(dash < 0 ? text : text.slice(0, dash), options.allowAnyPort === true ? 0 : 1);
  if (port === null || (port === 0 && dash >= 0)) return "invalid port";
  if (lastPort !== null && port > lastPort) return "invalid port range";
  return { port, lastPort: lastPort ?? port };
}

function parsePort(text: string, least: number): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= least && port <= 65535 ? port : null;
}
