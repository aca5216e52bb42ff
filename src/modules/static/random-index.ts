/**
 * ngx_http_random_index_module: serves any file of a directory for the directory itself.
 * https://nginx.org/en/docs/http/ngx_http_random_index_module.html
 */
import { readdirSync, statSync } from "node:fs";
import { slots } from "../../config/slots.ts";
import { mapUriToPath } from "../../gateway/request/uri-path.ts";
import { systemPath } from "../../config/system-path.ts";
import { DECLINED, DONE } from "../../gateway/request/handler.ts";
import type { HttpModule } from "../../gateway/build/http-module.ts";
import type { Verdict } from "../../gateway/request/handler.ts";
import type { Request } from "../../gateway/request/request.ts";
import { refuseDirectory } from "./directory-error.ts";

interface RandomIndexSettings {
  randomIndex: boolean;
}

const slot = slots<RandomIndexSettings>((scope) => scope.location(randomIndex));

export const randomIndex: HttpModule<object, object, RandomIndexSettings> = {
  name: "ngx_http_random_index_module",
  directives: [
    {
      name: "random_index",
      contexts: ["location"],
      args: "flag",
      default: "off",
      doc: "Whether a request for a directory is answered with any of its files.",
      set: slot.flag("randomIndex"),
    },
  ],
  location: { defaults: () => ({ randomIndex: false }) },
  attach(location, settings) {
    if (settings.randomIndex) location.contentChain.push(serveAny);
  },
};

function serveAny(request: Request): Verdict {
  const { method, uri } = request;
  if (!uri.endsWith("/")) return DECLINED;
  if (method !== "GET" && method !== "HEAD" && method !== "POST") return DECLINED;
  const mapped = mapUriToPath(request);
  if (mapped === null) return 500;
  const directory = mapped.path.length > 1 ? mapped.path.slice(0, -1) : mapped.path;
  let names: string[];
  try {
    names = readdirSync(systemPath(directory), { encoding: "latin1" });
  } catch (error) {
    return refuseDirectory(request, directory, error);
  }
  const files = names.filter((name) => !name.startsWith(".") && isFile(`${directory}/${name}`));
  if (files.length === 0) return DECLINED;
  const chosen = files[Math.floor(request.client.gateway.network.random() * files.length)]!;
  request.internalRedirect(uri + chosen, request.givenArgs);
  return DONE;
}

function isFile(path: string): boolean {
  try {
    return statSync(systemPath(path)).isFile();
  } catch {
    return false;
  }
}
