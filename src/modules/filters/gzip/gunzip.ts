/**
 * ngx_http_gunzip_module: decompresses answers for clients that do not accept gzip.
 * https://nginx.org/en/docs/http/ngx_http_gunzip_module.html
 */
import { constants, createGunzip } from "node:zlib";
import type { Context } from "../../../config/module.ts";
import { slots } from "../../../config/slots.ts";
import type { Buffers } from "../../../config/slots.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { UnreadableBody } from "../../../gateway/request/body-filter.ts";
import type { BodyOutput } from "../../../gateway/request/body-filter.ts";
import { StreamFilter } from "../../../gateway/request/stream-filter.ts";
import { gzipAllowed, variesByEncoding } from "./gzip-allowed.ts";

interface GunzipSettings {
  gunzip: boolean;
  buffers: Buffers;
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<GunzipSettings>((scope) => scope.location(gunzip));

export const gunzip: HttpModule<object, object, GunzipSettings> = {
  name: "ngx_http_gunzip_filter_module",
  directives: [
    {
      name: "gunzip",
      contexts,
      args: "flag",
      default: "off",
      doc: "Whether compressed answers are decompressed for clients that do not accept gzip.",
      set: slot.flag("gunzip"),
    },
    {
      name: "gunzip_buffers",
      contexts,
      args: "2",
      default: "32 4k",
      hasNoEffect: true,
      doc: "Accepted without effect: the runtime sizes the buffers.",
      set: slot.buffers("buffers"),
    },
  ],
  location: { defaults: () => ({ gunzip: false, buffers: { count: 32, size: 4096 } }) },
  attach(location, settings) {
    if (!settings.gunzip) return;
    location.headerFilters.push(decompress);
  },
};

function isGzip({ response }: Request): boolean {
  return response.fields.get("content-encoding")?.toLowerCase() === "gzip";
}

function decompress(request: Request): void {
  if (!isGzip(request)) return;
  const { response } = request;
  response.variesByEncoding ||= variesByEncoding(request);
  if (gzipAllowed(request)) return;
  response.fields.remove("content-encoding");
  response.weakenEtag();
  response.transformBody((next) => {
    const stream = createGunzip();
    return new GunzipFilter(stream, telling(next), (done) => stream.flush(constants.Z_SYNC_FLUSH, done));
  });
}

/** Not even an empty body is compressed to nothing. */
class GunzipFilter extends StreamFilter {
  override end(): void {
    if (this.taken === 0) this.fail(new UnreadableBody(cutOff));
    else super.end();
  }
}

const cutOff = "inflate() returned -5 on response end";

/** What zlib complains of, in nginx's words. */
function telling(next: BodyOutput): BodyOutput {
  return {
    write: (bytes) => next.write(bytes),
    flush: (done) => next.flush(done),
    end: () => next.end(),
    fail: (error) => next.fail("errno" in error ? new UnreadableBody(describe(Number(error.errno))) : error),
  };
}

function describe(code: number): string {
  return code === constants.Z_BUF_ERROR ? cutOff : `inflate() failed: 0, ${code}`;
}
