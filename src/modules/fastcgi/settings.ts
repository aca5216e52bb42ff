import type { Level } from "../../config/module.ts";
import type { CompiledRegex } from "../../config/regex.ts";
import type { Pass } from "../../gateway/upstream/target.ts";
import { answerDefaults } from "../support/pass-answer.ts";
import type { AnswerSettings } from "../support/pass-answer.ts";
import { bufferDefaults, checkBuffers } from "../support/pass-answer-directives.ts";
import type { BufferSettings } from "../support/pass-answer-directives.ts";
import { finishPass, passDefaults } from "../support/pass-directives.ts";
import type { PassSettings } from "../support/pass-directives.ts";
import type { ParamSettings } from "../support/pass-params.ts";

/** What the directives of ngx_http_fastcgi_module set. */
export interface FastCgiSettings extends PassSettings, AnswerSettings, BufferSettings, ParamSettings {
  /** What follows a URI that ends with "/" in `$fastcgi_script_name`; "" for nothing. */
  index: string;
  /** Its first group is the script's name, its second what follows; null: the whole URI is the name. */
  splitPathInfo: CompiledRegex | null;
  catchStderr: readonly string[];
  keepConn: boolean;
}

/** Settings of one location, and the `fastcgi_pass` that is not inherited by nested locations. */
export interface FastCgiLocation extends FastCgiSettings {
  pass?: Pass;
}

/** nginx's defaults, and what is made of a level's settings once they are merged. */
export const fastcgiLevel: Level<FastCgiLocation> = {
  defaults: () => ({
    ...passDefaults(),
    ...answerDefaults(),
    ...bufferDefaults(),
    params: [],
    index: "",
    splitPathInfo: null,
    catchStderr: [],
    keepConn: false,
  }),
  finish(settings, scope) {
    finishPass(settings);
    checkBuffers(settings, scope, "fastcgi_");
  },
};
