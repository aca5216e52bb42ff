/** What is asked, and what is looked at: the ways in which a directive shows. */
import { readFileSync } from "node:fs";
import net from "node:net";
import tls from "node:tls";
import { gunzipSync } from "node:zlib";

/** One server under observation. */
export interface Observed {
  /** Host and port. */
  readonly address: string;
  /** A word that no other server of the run has. */
  readonly id: string;
  /** Resolves when a backend has seen this text in a target. */
  readonly came: (text: string) => Promise<void>;
}

export interface Observer {
  /** What answers. */
  readonly content: string;
  readonly server?: string;
  /** What came back. */
  ask(observed: Observed): Promise<string>;
  /** The lines of the server's own log belong to what is seen: those that match, and of them this part. */
  readonly log?: RegExp;
  /** `return` answers: nothing is seen in `limit_except`. */
  readonly steps?: true;
}

export type Fields = Readonly<Record<string, string>>;

interface Options {
  readonly fields?: Fields;
  readonly method?: string;
  readonly body?: string;
  readonly version?: string;
  /** The connection may stay for another request, which asks for the end. */
  readonly twice?: true;
  readonly from?: string;
}

/** Files that lie in FILES answer. */
const fromFiles = "root FILES;";
const answers = 'return 200 "[$TEXT]\\n";';

export function file(target: string, options: Options = {}, server = ""): Observer {
  return { content: fromFiles, server, ask: (observed) => ask(observed, target, options) };
}

/** The same without anything in the location: whatever the directive itself brings. */
export function bare(target: string, options: Options = {}, server = ""): Observer {
  return { content: "", server, ask: (observed) => ask(observed, target, options) };
}

/** The value of an expression, in a field of the answer to a file. */
export function shown(expression: string, target = "/a.html", options: Options = {}): Observer {
  const content = `${fromFiles} add_header X-Shown "${expression}" always;`;
  return { content, ask: async (observed) => fieldOf(await ask(observed, target, options), "x-shown") };
}

/** The value of an expression in the answer of `return`, for what a phase before must have done. */
export function returned(expression: string, target = "/", options: Options = {}): Observer {
  const content = answers.replace("$TEXT", expression);
  return { content, steps: true, ask: (observed) => ask(observed, target, options) };
}

/** What a server behind answers, or tells of what it got. */
export function proxied(target: string, options: Options = {}, server = ""): Observer {
  return { content: "proxy_pass http://BACKEND;", server, ask: (observed) => ask(observed, target, options) };
}

/** The same by an upstream of two servers. */
export function balanced(target: string): Observer {
  return { content: "proxy_pass http://two;", ask: (observed) => ask(observed, target, {}) };
}

/** What a server behind knows of its TLS connection. */
export function secured(content = "proxy_ssl_protocols TLSv1.2;"): Observer {
  const apart = "proxy_ssl_session_reuse off;";
  return {
    content: `${content} ${apart} proxy_pass https://SECURE;`,
    ask: (observed) => ask(observed, "/", {}),
  };
}

/** With other text in the location. */
export function within(observer: Observer, content: string): Observer {
  return { ...observer, content: `${content} ${observer.content}` };
}

/** What is looked at are lines of the log, LOG in texts. */
export function logged(observer: Observer, pattern: RegExp): Observer {
  return { ...observer, log: pattern };
}

/** Bytes as they are, and what comes back until the end. */
export function raw(bytes: string, content = fromFiles): Observer {
  return { content, ask: ({ address }) => exchange(address, bytes) };
}

/** Another request while one is under way. */
export function meanwhile(content = ""): Observer {
  return {
    content: `${content} proxy_pass http://BACKEND;`,
    async ask(observed) {
      const socket = connect(observed.address);
      socket.on("error", () => undefined);
      socket.write(requestFor(`/hold/${observed.id}`, {}));
      await observed.came(`/hold/${observed.id}`);
      const answer = await ask(observed, "/echo", {});
      socket.destroy();
      return answer;
    },
  };
}

/** By TLS: the answer, with what the handshake found out. */
export function handshake(
  options: tls.ConnectionOptions & { readonly as?: string } = {},
  content = fromFiles,
): Observer {
  return { content, ask: ({ address }) => shakeHands(address, options) };
}

function shakeHands(
  address: string,
  { as, ...options }: tls.ConnectionOptions & { readonly as?: string },
): Promise<string> {
  const [host, port] = address.split(":");
  const client = as === undefined ? {} : { cert: certificate(`${as}.crt`), key: certificate(`${as}.key`) };
  return new Promise((resolve) => {
    const socket = tls.connect({
      host,
      port: Number(port),
      rejectUnauthorized: false,
      maxVersion: "TLSv1.2",
      ...client,
      ...options,
    });
    let text = "";
    socket.on("secureConnect", () => {
      const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } };
      const cipher = socket.getProtocol() === "TLSv1.2" ? socket.getCipher().name : "";
      text += `${socket.getProtocol()} ${cipher} ${subject?.CN}\n`;
      socket.write(requestFor("/a.html", {}));
    });
    socket.setEncoding("latin1").on("data", (part: string) => (text += part));
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text === "" ? "no handshake" : normal(text)));
  });
}

const certificate = (name: string): Buffer =>
  readFileSync(new URL(`../case-runner/certificates/${name}`, import.meta.url));

async function ask({ address }: Observed, target: string, options: Options): Promise<string> {
  return exchange(address, requestFor(target, options), options.from);
}

function requestFor(target: string, options: Options): string {
  const { fields = {}, method = "GET", body = "", version = "1.1", twice } = options;
  const own = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
  const close = twice === true ? "" : "Connection: close\r\n";
  const first = `${method} ${target} HTTP/${version}\r\nHost: host.test\r\n${own.join("")}${length}${close}\r\n${body}`;
  if (twice !== true) return first;
  const { twice: _, ...once } = options;
  return first + requestFor(target, once);
}

function connect(address: string, localAddress?: string): net.Socket {
  const [host, port] = address.split(":");
  return net.connect({
    host: host!,
    port: Number(port),
    ...(localAddress === undefined ? {} : { localAddress }),
  });
}

function exchange(address: string, bytes: string, from?: string): Promise<string> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const socket = connect(address, from);
    socket.on("connect", () => socket.write(Buffer.from(bytes, "latin1")));
    socket.on("data", (piece: Buffer) => pieces.push(piece));
    socket.on("error", () => undefined);
    // Nothing that is looked at takes so long, but what a setting that is lost would have ended.
    socket.setTimeout(5000, () => socket.destroy(new Error("still open")));
    socket.on("error", ({ message }) => message === "still open" && pieces.push(Buffer.from(message)));
    socket.on("close", () => resolve(normal(unzipped(Buffer.concat(pieces)))));
  });
}

/** A body that was compressed is shown as what it was. */
function unzipped(bytes: Buffer): string {
  const text = bytes.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (!/^content-encoding: gzip/im.test(text.slice(0, end))) return text;
  const start = bytes.indexOf(Buffer.from([0x1f, 0x8b, 8]));
  if (start < 0) return text;
  try {
    const chunked = /^transfer-encoding: chunked/im.test(text.slice(0, end));
    const body = chunked ? unchunked(bytes.subarray(end + 4)) : bytes.subarray(start);
    return `${text.slice(0, end + 4).replace(/^content-length: .*\r\n/im, "")}zipped: ${gunzipSync(body).toString("latin1")}`;
  } catch {
    return text;
  }
}

function unchunked(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const line = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (!(size > 0)) break;
    pieces.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
  return Buffer.concat(pieces);
}

const months = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec";

/** Without what differs from run to run and from product to product. Fields in order of their names. */
export function normal(text: string): string {
  const told = text
    .replaceAll(/(nginx|longhaul)\/[\d.]+/g, "PRODUCT/VERSION")
    .replaceAll(/\b(nginx|longhaul)\b/g, "PRODUCT")
    .replaceAll(new RegExp(`\\w{3}, \\d\\d[ -](${months})[ -]\\d{2,4} [\\d:]{8} GMT`, "g"), "TIME")
    .replaceAll(/\b(host|named)\.test:\d+/g, "$1.test:PORT")
    // Of an id that is given, what the configuration decides: the number of the server, and the mark.
    .replaceAll(/\buid=([\dA-F]{8})[\dA-F]{24}/g, "uid=$1…")
    .replaceAll(/\b(uid|named)=([\w+/]{5})[\w+/]{17}/g, "$1=$2…")
    .replaceAll(/127\.77\.\d+\.\d+:\d+/g, "ADDRESS")
    .replaceAll(/\b(host|named)\.test:\d+/g, "$1.test:PORT")
    // Of an id that is given, what the configuration decides: the number of the server, and the mark.
    .replaceAll(/\buid=([\dA-F]{8})[\dA-F]{24}/g, "uid=$1…")
    .replaceAll(/\b(uid|named)=([\w+/]{5})[\w+/]{17}/g, "$1=$2…")
    .replaceAll(/127\.77\.\d+\.\d+/g, "HOST");
  return told
    .split(/(?=HTTP\/1\.[01] \d{3} )/)
    .map(inOrder)
    .join("");
}

function inOrder(told: string): string {
  const end = told.indexOf("\r\n\r\n");
  if (end < 0) return told;
  const [line = "", ...fields] = told.slice(0, end).split("\r\n");
  const body = told.slice(end + 4);
  // Pages that name the product have another length.
  const kept = fields.filter((field) => !(body.includes("PRODUCT") && /^content-length:/i.test(field)));
  return [line, ...kept.sort(), "", body.replaceAll(/^[\da-f]+\r\n/gim, "")].join("\r\n");
}

function fieldOf(answer: string, name: string): string {
  const found = answer.split("\r\n").find((line) => line.toLowerCase().startsWith(`${name}:`));
  return `${answer.split("\r\n", 1)[0]} ${found ?? "no field"}`;
}
