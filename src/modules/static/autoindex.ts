/**
 * ngx_http_autoindex_module: shows a directory that has no index file.
 * https://nginx.org/en/docs/http/ngx_http_autoindex_module.html
 */
import { lstatSync, readdirSync, statSync } from "node:fs";
import type { Stats } from "node:fs";
import type { Context } from "../../config/module.ts";
import { slots } from "../../config/slots.ts";
import { mapUriToPath } from "../../gateway/request/uri-path.ts";
import { systemPath } from "../../config/system-path.ts";
import { DECLINED, DONE } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { unescapeUri } from "../../http/uri.ts";
import { findArgument } from "../support/arguments.ts";
import { refuseDirectory } from "./directory-error.ts";
import { htmlListing, jsonListing, jsonpListing, xmlListing } from "./directory-listing.ts";
import type { Entry, HtmlOptions } from "./directory-listing.ts";

type Format = "html" | "json" | "jsonp" | "xml";

interface AutoindexSettings {
  autoindex: boolean;
  exactSize: boolean;
  format: Format;
  localTime: boolean;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<AutoindexSettings>((scope) => scope.location(autoindex));

export const autoindex: HttpModule<object, object, AutoindexSettings> = {
  name: "ngx_http_autoindex_module",
  directives: [
    {
      name: "autoindex",
      contexts,
      args: "flag",
      default: "off",
      doc: "Shows directories that have no index file.",
      set: slot.flag("autoindex"),
    },
    {
      name: "autoindex_exact_size",
      contexts,
      args: "flag",
      default: "on",
      doc: "Shows sizes in bytes instead of kilobytes, megabytes and gigabytes.",
      set: slot.flag("exactSize"),
    },
    {
      name: "autoindex_format",
      contexts,
      args: "1",
      default: "html",
      doc: "The form of the listing: html, xml, json or jsonp.",
      set: slot.word("format", { html: "html", json: "json", jsonp: "jsonp", xml: "xml" }),
    },
    {
      name: "autoindex_localtime",
      contexts,
      args: "flag",
      default: "off",
      doc: "Shows times in the local time zone instead of UTC.",
      set: slot.flag("localTime"),
    },
  ],
  location: { defaults: () => ({ autoindex: false, exactSize: true, format: "html", localTime: false }) },
  attach(location, settings) {
    if (settings.autoindex) location.contentChain.push((request) => listDirectory(request, settings));
  },
};

function listDirectory(request: Request, settings: AutoindexSettings): Verdict {
  const { method, uri, response } = request;
  if (!uri.endsWith("/") || (method !== "GET" && method !== "HEAD")) return DECLINED;
  const mapped = mapUriToPath(request);
  if (mapped === null) return 500;
  const directory = mapped.path.length > 1 ? mapped.path.slice(0, -1) : mapped.path;
  const callback = settings.format === "jsonp" ? callbackOf(request) : "";
  if (callback === null) return 400;
  let entries: Entry[];
  try {
    entries = readEntries(directory);
  } catch (error) {
    return refuseDirectory(request, directory, error);
  }
  if (request.body.discard() !== 0) return 400;
  response.status = request.errorStatus === 0 ? 200 : request.errorStatus;
  response.contentType = typeOf(settings.format, callback);
  response.prepareHead();
  const utf8 = / *charset=utf-8$/i.test(response.contentType);
  const text = render(uri, entries, { ...settings, utf8 }, callback);
  response.write(Buffer.from(text, "latin1"));
  response.end();
  return DONE;
}

function typeOf(format: Format, callback: string): string {
  if (format === "html") return "text/html";
  if (format === "xml") return "text/xml; charset=utf-8";
  return callback === "" ? "application/json" : "application/javascript";
}

function render(
  uri: string,
  entries: readonly Entry[],
  settings: AutoindexSettings & HtmlOptions,
  callback: string,
): string {
  if (settings.format === "html") return htmlListing(uri, entries, settings);
  if (settings.format === "xml") return xmlListing(entries);
  return callback === "" ? jsonListing(entries) : jsonpListing(entries, callback);
}

/** The name of the function to call; "" when none is given, null when it is not a name. */
function callbackOf(request: Request): string | null {
  const callback = unescapeUri(findArgument(request.args, "callback") ?? "", "all");
  if (/^[A-Za-z0-9_.]*$/.test(callback)) return callback;
  request.log("info", `client sent invalid callback name: "${callback}"`);
  return null;
}

/** Directories first, each kind by the bytes of the names; what begins with a dot is hidden. */
function readEntries(directory: string): Entry[] {
  const entries: Entry[] = [];
  for (const name of readdirSync(systemPath(directory), { encoding: "latin1" })) {
    if (name.startsWith(".")) continue;
    const stats = statsOf(`${directory}/${name}`);
    if (stats !== null) entries.push(entryOf(name, stats));
  }
  return entries.sort(compareEntries);
}

/** A link that leads nowhere is shown itself; what was just removed is not. */
function statsOf(path: string): Stats | null {
  const options = { throwIfNoEntry: false } as const;
  try {
    return statSync(systemPath(path), options) ?? lstatSync(systemPath(path), options) ?? null;
  } catch {
    return null;
  }
}

function entryOf(name: string, stats: Stats): Entry {
  const kind = stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
  return { name, kind, size: stats.size, modifiedMs: Math.floor(stats.mtimeMs / 1000) * 1000 };
}

function compareEntries(a: Entry, b: Entry): number {
  if (a.kind !== b.kind && (a.kind === "directory" || b.kind === "directory")) {
    return a.kind === "directory" ? -1 : 1;
  }
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
