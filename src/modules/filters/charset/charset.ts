/**
 * ngx_http_charset_module: names the character set in Content-Type, and writes texts in another one.
 * https://nginx.org/en/docs/http/ngx_http_charset_module.html
 */
import { ConfigError } from "../../../config/errors.ts";
import type { Context } from "../../../config/module.ts";
import type { Scope } from "../../../config/scope.ts";
import { slots } from "../../../config/slots.ts";
import type { Directive } from "../../../config/tree.ts";
import { buildOf } from "../../../gateway/build/http-build.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { lowerAscii } from "../../../http/fields.ts";
import { isOfType, readMimeTypes } from "../../support/mime-types.ts";
import type { MimeTypes } from "../../support/mime-types.ts";
import { Charsets, readCharsetMap } from "./charset-map.ts";
import type { Conversion } from "./charset-map.ts";
import type { BodyOutput } from "../../../gateway/request/body-filter.ts";
import { PieceFilter } from "../../../gateway/request/piece-filter.ts";

interface CharsetMain {
  charsets: Charsets;
}

/** A name, or a variable that has it. */
type CharsetName = string | ((request: Request) => string | null);

interface CharsetSettings {
  /** Null for `off`. */
  charset: CharsetName | null;
  /** Null: texts are taken to be in the character set that is named. */
  source: CharsetName | null;
  types: MimeTypes;
  override: boolean;
  /** Set when the settings are complete. */
  charsets: Charsets;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<CharsetSettings>((scope) => scope.location(charset));

const defaultTypes: MimeTypes = new Set([
  "text/html",
  "text/xml",
  "text/plain",
  "text/vnd.wap.wml",
  "application/javascript",
  "application/rss+xml",
]);

export const charset: HttpModule<CharsetMain, object, CharsetSettings> = {
  name: "ngx_http_charset_filter_module",
  directives: [
    {
      name: "charset",
      contexts: [...contexts, "if in location"],
      args: "1",
      default: "off",
      doc: "The character set that Content-Type names, and that texts in `source_charset` are written in.",
      set: slot.custom("charset", (directive, scope) =>
        directive.args[0] === "off" ? null : readName(directive, scope),
      ),
    },
    {
      name: "source_charset",
      contexts: [...contexts, "if in location"],
      args: "1",
      default: null,
      doc: "The character set that texts are in, where they do not say so themselves.",
      set: slot.custom("source", readName),
    },
    {
      name: "override_charset",
      contexts: [...contexts, "if in location"],
      args: "flag",
      default: "off",
      doc: "Whether texts for which an upstream server names a character set are converted as well.",
      set: slot.flag("override"),
    },
    {
      name: "charset_types",
      contexts,
      args: "1+",
      default: [...defaultTypes].join(" "),
      doc: "Media types that are given a character set beside text/html; `*` for all.",
      set(scope, directive) {
        const settings = scope.location(charset);
        settings.types = readMimeTypes(settings.types, directive, scope);
      },
    },
    {
      name: "charset_map",
      contexts: ["http"],
      args: "2",
      block: true,
      default: null,
      doc: "The bytes of one character set that those of another stand for, or their UTF-8, in both directions.",
      set: (scope, directive) => readCharsetMap(charsetsOf(scope), scope, directive),
    },
  ],
  main: { defaults: () => ({ charsets: new Charsets() }) },
  location: {
    defaults: () => ({
      charset: null,
      source: null,
      types: defaultTypes,
      override: false,
      charsets: new Charsets(),
    }),
    finish(settings, scope) {
      settings.charsets = charsetsOf(scope);
      checkConversion(settings);
    },
  },
  attach(location, settings) {
    // X-Accel-Charset asks for a character set where none is configured, too.
    location.headerFilters.push((request) => chooseCharset(request, settings));
  },
};

function charsetsOf(scope: Scope): Charsets {
  const main = scope.main(charset);
  return (main.charsets ??= new Charsets());
}

function readName({ args }: Directive, scope: Scope): CharsetName {
  const [name = ""] = args;
  if (name.startsWith("$")) return buildOf(scope).variables.reader(name.slice(1), scope);
  return charsetsOf(scope).add(name);
}

function checkConversion({ charset: target, source, charsets }: CharsetSettings): void {
  if (typeof target !== "string" || typeof source !== "string" || target === source) return;
  if (charsets.find(source, target) === null) throw new ConfigError(noWay(source, target), "", 0);
}

function noWay(source: string, target: string): string {
  return `no "charset_map" between the charsets "${source}" and "${target}"`;
}

/** What is to be done with an answer. */
interface Plan {
  readonly name: string;
  /** The character set that Content-Type names already gives way. */
  readonly replaces: boolean;
  readonly conversion: Conversion | null;
}

function chooseCharset(request: Request, settings: CharsetSettings): void {
  const plan = planOf(request, settings);
  if (plan === null) return;
  const { name, replaces, conversion } = plan;
  const { response } = request;
  if (request.parent === null) {
    const named = splitCharset(response.contentType!);
    if (replaces || named.charset === "") {
      // A browser of old took that of a redirect for that of the next page.
      const redirects = response.status === 301 || response.status === 302;
      response.contentType = redirects ? named.type : `${named.type}; charset=${name}`;
    }
  }
  if (conversion === null) return;
  const make = (next: BodyOutput): PieceFilter => new PieceFilter(conversion.make(), next);
  // Byte for byte there are ranges, too: each is cut out before it is converted.
  if (conversion.keepsLength) response.addBodyFilter(make);
  else response.transformBody(make);
}

/** Null: the answer stays as it is. */
function planOf(request: Request, settings: CharsetSettings): Plan | null {
  const { charsets } = settings;
  const isMain = request.parent === null;
  if (isMain && settings.charset === null && request.response.overrideCharset === "") return null;
  const name = isMain ? targetOf(request, settings) : charsetOfMain(request);
  if (name === null || name === "") return null;
  const source =
    splitCharset(request.response.contentType ?? "").charset || evaluate(settings.source, request);
  if (source === null) return { name, replaces: false, conversion: null };
  const same = lowerAscii(name) === lowerAscii(source);
  if (same) return { name, replaces: charsets.knows(name), conversion: null };
  const conversion = charsets.find(source, name);
  // What is encoded cannot be converted.
  if (conversion !== null) return isEncoded(request) ? null : { name, replaces: true, conversion };
  request.log("error", noWay(source, name));
  return null;
}

function isEncoded({ response }: Request): boolean {
  return (response.fields.get("content-encoding") ?? "") !== "";
}

/** The character set for an answer to a client; null for none. */
function targetOf(request: Request, settings: CharsetSettings): string | null {
  const { response } = request;
  const { contentType, overrideCharset } = response;
  if (contentType === null || contentType === "") return null;
  if (overrideCharset !== "") {
    if (settings.charsets.knows(overrideCharset)) return overrideCharset;
    request.log("error", `unknown charset "${overrideCharset}" to override`);
    return null;
  }
  if (settings.charset === null) return null;
  const isNamed = splitCharset(contentType).charset !== "";
  if (isNamed ? !settings.override : !isOfType(response, settings.types)) return null;
  return evaluate(settings.charset, request);
}

/** What a subrequest's answer becomes part of. */
function charsetOfMain({ main }: Request): string | null {
  return splitCharset(main.response.contentType ?? "").charset;
}

function evaluate(name: CharsetName | null, request: Request): string | null {
  return typeof name === "function" ? name(request) : name;
}

/** A media type without its character set, and that; "" where none is named. */
function splitCharset(contentType: string): { type: string; charset: string } {
  const match = /; *charset="?(.*?)"?$/i.exec(contentType);
  if (match === null) return { type: contentType, charset: "" };
  return { type: contentType.slice(0, match.index), charset: match[1]! };
}
