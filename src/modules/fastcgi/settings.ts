import type { Level } from "../../config/module.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import { applicationDefaults, finishApplication } from "../support/pass-application.ts";
import type { ApplicationSettings } from "../support/pass-application.ts";

/** What the directives of ngx_http_fastcgi_module set. */
export interface FastCgiSettings extends ApplicationSettings {
  /** What follows a URI that ends with "/" in `$fastcgi_script_name`; "" for nothing. */
  index: string;
  /** Its first group is the script's name, its second what follows; null: the whole URI is the name. */
  splitPathInfo: CompiledRegex | null;
  catchStderr: readonly string[];
  keepConn: boolean;
}

/** nginx's defaults, and what is made of a level's settings once they are merged. */
export const fastcgiLevel: Level<FastCgiSettings> = {
  defaults: () => ({
    ...applicationDefaults(),
    index: "",
    splitPathInfo: null,
    catchStderr: [],
    keepConn: false,
  }),
  finish: (settings, scope) => finishApplication(settings, scope, "fastcgi_"),
};
