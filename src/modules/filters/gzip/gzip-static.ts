/**
 * ngx_http_gzip_static_module: serves files that were compressed beforehand, "page.html.gz" for "page.html".
 * https://nginx.org/en/docs/http/ngx_http_gzip_static_module.html
 */
import { closeSync, fstatSync } from "node:fs";
import type { Context } from "../../../config/module.ts";
import { describeErrno } from "../../../config/errors.ts";
import { slots } from "../../../config/slots.ts";
import { mapUriToPath } from "../../../gateway/request/uri-path.ts";
import { DECLINED } from "../../../gateway/request/handler.ts";
import type { HttpModule } from "../../../gateway/build/http-module.ts";
import type { Verdict } from "../../../gateway/request/handler.ts";
import { nameOfOpen, openFile } from "../../../gateway/files/open-file.ts";
import type { Request } from "../../../gateway/request/request.ts";
import { serveRegular } from "../../static/static.ts";
import { gzipAllowed, variesByEncoding } from "./gzip-allowed.ts";

interface GzipStaticSettings {
  gzipStatic: "off" | "on" | "always";
}

const contexts: readonly Context[] = ["http", "server", "location"];
const slot = slots<GzipStaticSettings>((scope) => scope.location(gzipStatic));

export const gzipStatic: HttpModule<object, object, GzipStaticSettings> = {
  name: "ngx_http_gzip_static_module",
  directives: [
    {
      name: "gzip_static",
      contexts,
      args: "1",
      default: "off",
      doc: "Whether files with .gz behind their name are served to clients that accept gzip, or always.",
      set: slot.word("gzipStatic", { off: "off", on: "on", always: "always" }),
    },
  ],
  location: { defaults: () => ({ gzipStatic: "off" }) },
  attach(location, settings) {
    if (settings.gzipStatic === "off") return;
    const always = settings.gzipStatic === "always";
    location.contentChain.push((request) => serveCompressed(request, always));
  },
};

const missing = new Set(["ENOENT", "ENOTDIR", "ENAMETOOLONG"]);

function serveCompressed(request: Request, always: boolean): Verdict {
  const { method, uri } = request;
  if ((method !== "GET" && method !== "HEAD") || uri.endsWith("/")) return DECLINED;
  const allowed = always || gzipAllowed(request);
  const varies = variesByEncoding(request);
  if (!allowed && !varies) return DECLINED;
  const mapped = mapUriToPath(request);
  if (mapped === null) return 500;
  const path = `${mapped.path}.gz`;
  let descriptor: number;
  try {
    descriptor = openFile(request, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!missing.has(code))
      request.log("error", `${nameOfOpen(request)}() "${path}" failed ${describeErrno(error)}`);
    return DECLINED;
  }
  const stats = fstatSync(descriptor);
  if (!always) request.response.variesByEncoding ||= varies;
  if (allowed && stats.isFile()) return serveRegular(request, descriptor, stats, "gzip");
  closeSync(descriptor);
  return DECLINED;
}
