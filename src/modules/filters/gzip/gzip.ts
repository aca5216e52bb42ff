/**
 * ngx_http_gzip_module: compresses answers.
 * https://nginx.org/en/docs/http/ngx_http_gzip_module.html
 */
import { constants, createGzip } from "node:zlib";
import type { Context } from "../../../config/module.ts";
import { refuse, slots } from "../../../config/slots.ts";
import type { Buffers } from "../../../config/slots.ts";
import { parseSize } from "../../../config/values.ts";
import type { BodyOutput } from "../../../gateway/request/body-filter.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { StreamFilter } from "../../../gateway/request/stream-filter.ts";
import { htmlOnly, isOfType, readMimeTypes } from "../../support/mime-types.ts";
import type { MimeTypes } from "../../support/mime-types.ts";
import { gzipAllowed, variesByEncoding } from "./gzip-allowed.ts";

interface GzipSettings {
  gzip: boolean;
  types: MimeTypes;
  level: number;
  minLength: number;
  windowBits: number;
  memoryLevel: number;
  buffers: Buffers;
  noBuffer: boolean;
  postpone: number;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<GzipSettings>((scope) => scope.location(gzip));

export const gzip: HttpModule<object, object, GzipSettings> = {
  name: "ngx_http_gzip_filter_module",
  directives: [
    {
      name: "gzip",
      contexts: [...contexts, "if in location"],
      args: "flag",
      default: "off",
      doc: "Whether answers are compressed.",
      set: slot.flag("gzip"),
    },
    {
      name: "gzip_types",
      contexts,
      args: "1+",
      default: "text/html",
      doc: "Media types that are compressed beside text/html; `*` for all.",
      set(scope, directive) {
        const settings = scope.location(gzip);
        settings.types = readMimeTypes(settings.types, directive, scope);
      },
    },
    {
      name: "gzip_comp_level",
      contexts,
      args: "1",
      default: "1",
      doc: "How hard to compress, from 1 to 9.",
      set: slot.number("level", { min: 1, max: 9 }),
    },
    {
      name: "gzip_min_length",
      contexts,
      args: "1",
      default: "20",
      doc: "Answers that say they are shorter are left as they are.",
      set: slot.size("minLength"),
    },
    {
      name: "gzip_window",
      contexts,
      args: "1",
      default: "32k",
      doc: "The window of the compression.",
      set: slot.custom("windowBits", (directive, scope) => {
        const size = parseSize(directive.args[0]!) ?? refuse(scope, directive, "invalid value");
        const bits = powerOf(size, 9, 15);
        return bits ?? refuse(scope, directive, "must be 512, 1k, 2k, 4k, 8k, 16k, or 32k");
      }),
    },
    {
      name: "gzip_hash",
      contexts,
      args: "1",
      default: "64k",
      doc: "The memory of the compression.",
      set: slot.custom("memoryLevel", (directive, scope) => {
        const size = parseSize(directive.args[0]!) ?? refuse(scope, directive, "invalid value");
        const bits = powerOf(size, 9, 17);
        const allowed = "512, 1k, 2k, 4k, 8k, 16k, 32k, 64k, or 128k";
        return bits === null ? refuse(scope, directive, `must be ${allowed}`) : Math.min(9, bits - 8);
      }),
    },
    {
      name: "gzip_buffers",
      contexts,
      args: "2",
      default: "32 4k",
      hasNoEffect: true,
      doc: "Accepted without effect: the runtime sizes the buffers.",
      set: slot.buffers("buffers"),
    },
    {
      name: "gzip_no_buffer",
      contexts,
      args: "flag",
      default: "off",
      hasNoEffect: true,
      doc: "Accepted without effect: the runtime sizes the buffers.",
      set: slot.flag("noBuffer"),
    },
    {
      name: "postpone_gzipping",
      contexts,
      args: "1",
      default: "0",
      hasNoEffect: true,
      doc: "Accepted without effect: the runtime decides when it compresses.",
      set: slot.size("postpone"),
    },
  ],
  location: {
    defaults: () => ({
      gzip: false,
      types: htmlOnly,
      level: 1,
      minLength: 20,
      windowBits: 15,
      memoryLevel: 8,
      buffers: { count: 32, size: 4096 },
      noBuffer: false,
      postpone: 0,
    }),
  },
  variables: [{ name: "gzip_ratio", get: ratio }],
  attach(location, settings) {
    if (!settings.gzip) return;
    location.headerFilters.push((request) => compress(request, settings));
  },
};

/** The exponent of a size that is a power of two within bounds; null when it is none. */
function powerOf(size: number, min: number, max: number): number | null {
  const bits = Math.log2(size);
  return Number.isInteger(bits) && bits >= min && bits <= max ? bits : null;
}

const statuses = new Set([200, 403, 404]);

/** Whether an answer is of the kind that is compressed for clients that accept it. */
function isFor({ response }: Request, { minLength, types }: GzipSettings): boolean {
  if (!statuses.has(response.status)) return false;
  const encoding = response.fields.get("content-encoding");
  if (encoding !== null && encoding !== "") return false;
  if (response.contentLength >= 0 && response.contentLength < minLength) return false;
  return isOfType(response, types);
}

/** Key in `moduleState`: the filter of the answer, for `$gzip_ratio`. */
const filterOfRequest = {};

function compress(request: Request, settings: GzipSettings): void {
  if (!isFor(request, settings)) return;
  const { response } = request;
  response.variesByEncoding ||= variesByEncoding(request);
  if (!gzipAllowed(request)) return;
  response.fields.set("Content-Encoding", "gzip");
  response.weakenEtag();
  response.transformBody((next) => {
    const filter = gzipFilter(settings, next);
    (request.moduleState ??= new Map()).set(filterOfRequest, filter);
    return filter;
  });
}

function gzipFilter({ level, windowBits, memoryLevel }: GzipSettings, next: BodyOutput): StreamFilter {
  const stream = createGzip({ level, windowBits, memLevel: memoryLevel });
  return new StreamFilter(stream, next, (done) => stream.flush(constants.Z_SYNC_FLUSH, done));
}

/** Bytes taken per byte sent, with two decimals. */
function ratio(request: Request): string | null {
  const filter = request.moduleState?.get(filterOfRequest);
  if (!(filter instanceof StreamFilter) || filter.given === 0) return null;
  return (Math.round((filter.taken * 100) / filter.given) / 100).toFixed(2);
}
