/** The forms in which `autoindex` shows a directory, byte for byte as nginx writes them. */
import { formatHttpDate } from "../../http/date.ts";
import { escapeUri } from "../../http/uri.ts";
import { escapeForLog } from "../support/log-escape.ts";

/** What a directory holds under one name. */
export interface Entry {
  /** One character per byte. */
  readonly name: string;
  readonly kind: "directory" | "file" | "other";
  /** Bytes. */
  readonly size: number;
  readonly modifiedMs: number;
}

/** How the page shows sizes, times and names: `autoindex_exact_size`, `autoindex_localtime` and the charset. */
export interface HtmlOptions {
  readonly exactSize: boolean;
  readonly localTime: boolean;
  /** The listing is told to be UTF-8: a column is a character, not a byte. */
  readonly utf8: boolean;
}

/** A name takes this many columns; longer ones are cut. */
const nameColumns = 50;
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `autoindex_format html`: a page, one character per byte. `uri` is the directory's, unescaped. */
export function htmlListing(uri: string, entries: readonly Entry[], options: HtmlOptions): string {
  const title = escapeHtml(uri);
  const head = `<html>\r\n<head><title>Index of ${title}</title></head>\r\n<body>\r\n`;
  const lines = entries.map((entry) => htmlLine(entry, options)).join("");
  return `${head}<h1>Index of ${title}</h1><hr><pre><a href="../">../</a>\r\n${lines}</pre><hr></body>\r\n</html>\r\n`;
}

/** `autoindex_format json`: a list of objects, one character per byte. */
export function jsonListing(entries: readonly Entry[]): string {
  return `[${entries.map((entry) => `\r\n${jsonEntry(entry)}`).join(",")}\r\n]`;
}

/** `autoindex_format jsonp`: a call of `callback`, a name that was checked, with the list. */
export function jsonpListing(entries: readonly Entry[], callback: string): string {
  return `/* callback */\r\n${callback}(${jsonListing(entries)});`;
}

/** `autoindex_format xml`: a document with one element for each entry, one character per byte. */
export function xmlListing(entries: readonly Entry[]): string {
  return `<?xml version="1.0"?>\r\n<list>\r\n${entries.map(xmlEntry).join("")}</list>\r\n`;
}

function htmlLine(entry: Entry, { exactSize, localTime, utf8 }: HtmlOptions): string {
  const isDirectory = entry.kind === "directory";
  const href = escapeUri(entry.name, "uri-component") + (isDirectory ? "/" : "");
  const time = htmlTime(entry.modifiedMs, localTime);
  const size = exactSize ? exactSizeText(entry) : roundSizeText(entry);
  return `<a href="${href}">${nameCell(entry.name, isDirectory, utf8)} ${time} ${size}\r\n`;
}

/** The name, the end of its link, and the spaces up to the next column. */
function nameCell(name: string, isDirectory: boolean, utf8: boolean): string {
  const columns = utf8 ? charactersOf(name) : name.split("");
  if (columns.length > nameColumns)
    return `${escapeHtml(columns.slice(0, nameColumns - 3).join(""))}..&gt;</a>`;
  const slash = isDirectory && columns.length < nameColumns ? "/" : "";
  return `${escapeHtml(name)}${slash}</a>${" ".repeat(nameColumns - columns.length - slash.length)}`;
}

const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of each character of a name; of one that is no UTF-8 each byte, as in nginx. */
function charactersOf(name: string): string[] {
  let text: string;
  try {
    text = utf8Decoder.decode(Buffer.from(name, "latin1"));
  } catch {
    return name.split("");
  }
  return Array.from(text, (character) => Buffer.from(character, "utf8").toString("latin1"));
}

function htmlTime(ms: number, localTime: boolean): string {
  const date = new Date(localTime ? ms - new Date(ms).getTimezoneOffset() * 60_000 : ms);
  const day = `${two(date.getUTCDate())}-${months[date.getUTCMonth()]!}-${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

function exactSizeText({ kind, size }: Entry): string {
  return (kind === "directory" ? "-" : String(size)).padStart(19);
}

/** Rounded to the unit that leaves few digits. */
function roundSizeText({ kind, size }: Entry): string {
  if (kind === "directory") return "-".padStart(7);
  if (size > 2 ** 30 - 1) return `${String(roundHalfUp(size, 2 ** 30)).padStart(6)}G`;
  if (size > 2 ** 20 - 1) return `${String(roundHalfUp(size, 2 ** 20)).padStart(6)}M`;
  if (size > 9999) return `${String(roundHalfUp(size, 1024)).padStart(6)}K`;
  return String(size).padStart(7);
}

function roundHalfUp(size: number, unit: number): number {
  return Math.floor(size / unit) + (size % unit > unit / 2 - 1 ? 1 : 0);
}

function jsonEntry({ name, kind, size, modifiedMs }: Entry): string {
  const text = escapeForLog(name, "json");
  const sizeText = kind === "file" ? `, "size":${size}` : "";
  return `{ "name":"${text}", "type":"${kind}", "mtime":"${formatHttpDate(modifiedMs)}"${sizeText} }`;
}

function xmlEntry({ name, kind, size, modifiedMs }: Entry): string {
  const time = `${new Date(modifiedMs).toISOString().slice(0, 19)}Z`;
  const sizeText = kind === "file" ? ` size="${size}"` : "";
  return `<${kind} mtime="${time}"${sizeText}>${escapeHtml(name)}</${kind}>\r\n`;
}

const htmlEscapes: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&quot;",
};

function escapeHtml(text: string): string {
  return text.replace(/[<>&"]/g, (char) => htmlEscapes[char] ?? char);
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
