import { isIPv4, isIPv6 } from "node:net";

/** An address as directives write it: "127.0.0.1:80", "[::1]:80", "name:80", "unix:/path", "*:80". */
export interface ParsedUrl {
  readonly kind: "ip" | "name" | "unix" | "wildcard";
  /** IP address or host name, without brackets; path of a unix socket; "" for a wildcard. */
  readonly host: string;
  /** As written, or the default port. */
  readonly port: number;
  readonly portWritten: boolean;
  /** From the first "/" or "?" on: "" when there is none. */
  readonly uri: string;
  /** Host and port as written: `$proxy_host`, and the name of the upstream. */
  readonly hostAndPort: string;
  /** The same, the host without the port. */
  readonly hostText: string;
}

export interface UrlOptions {
  readonly defaultPort: number;
  /** A path may follow. */
  readonly allowUri?: boolean;
  /** A bare number is a port, and "*" an address. */
  readonly forListen?: boolean;
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
  return { kind: "unix", host: path, port: 0, portWritten: false, uri, hostAndPort: shown, hostText: shown };
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
  const port = parsePort(authority.slice(1), authority !== "", options);
  if (port === null) return "invalid port";
  if (!isIPv6(host)) return "invalid IPv6 address";
  const hostText = `[${host}]`;
  return {
    kind: "ip",
    host,
    port,
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
  if (colon < 0 && options.forListen === true && /^\d+$/.test(authority)) {
    const port = parsePort(authority, true, options);
    if (port === null) return "invalid port";
    return {
      kind: "wildcard",
      host: "",
      port,
      portWritten: true,
      uri,
      hostAndPort: authority,
      hostText: "*",
    };
  }
  const hostText = colon < 0 ? authority : authority.slice(0, colon);
  const port = parsePort(authority.slice(colon + 1), colon >= 0, options);
  if (port === null) return "invalid port";
  if (hostText === "") return "no host";
  const base = { port, portWritten: colon >= 0, uri, hostAndPort: authority, hostText };
  if (hostText === "*" && options.forListen === true) return { kind: "wildcard", host: "", ...base };
  return { kind: isIPv4(hostText) ? "ip" : "name", host: hostText, ...base };
}

function parsePort(text: string, written: boolean, options: UrlOptions): number | null {
  if (!written) return options.defaultPort;
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : null;
}
